//! Components for deploys: variants of the guest `callers`, and ones that have the types of a contract and do nothing.

use switchyard::names::Digest;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

use crate::guest::{component, workspace};

/// How the text of a variant begins in the guest's file, and how long it is.
const MARK: &[u8] = b"<variant>    ";
const VARIANT_BYTES: usize = 265;

/// The guest `callers` with `text` as its variant: what that does is in `host/tests/callers/src/variant.rs`. One text is
/// one digest.
pub(crate) fn variant(text: &str) -> Vec<u8> {
    let mut bytes = component("callers.wasm");
    let place = bytes.windows(MARK.len()).position(|window| window == MARK).unwrap();
    let text = format!("{text:VARIANT_BYTES$}");
    assert_eq!(text.len(), VARIANT_BYTES, "too long: {text}");
    bytes[place..place + VARIANT_BYTES].copy_from_slice(text.as_bytes());
    bytes
}

/// One that says `text` where a script asks for its variant.
pub(super) fn says(text: &str) -> Vec<u8> {
    variant(&format!("call=say {text}"))
}

pub(crate) fn digest(component: &[u8]) -> String {
    Digest::of(component).to_string()
}

/// A component that has exactly the world `world` of the package `wit`, and traps whatever is called.
pub(super) fn dummy(wit: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_path(workspace().join("wit/service")).unwrap();
    let package = resolve.push_str("dummy.wit", wit).unwrap();
    let id = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = dummy_module(&resolve, id, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, id, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

/// `component` with a custom section more: it does the same under another digest.
pub(crate) fn marked(component: &[u8], mark: &str) -> Vec<u8> {
    let name = "mark";
    let length = |text: &str| u8::try_from(text.len()).unwrap();
    let content = [&[length(name)], name.as_bytes(), mark.as_bytes()].concat();
    [component, &[0, u8::try_from(content.len()).unwrap()], &content].concat()
}
