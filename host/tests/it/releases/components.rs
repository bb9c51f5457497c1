//! Components for deploys: variants of the guest `callers`, and ones that have the types of a contract and do nothing.

use switchyard::names::Digest;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

use crate::guest::{component, workspace};

/// How the text of a variant begins in the guest's file, and how long it is.
const MARK: &[u8] = b"<variant>    ";
const VARIANT_BYTES: usize = 265;

/// How long it is in the guests that speak HTTP themselves.
const WEB_VARIANT_BYTES: usize = 32;

/// The guest `callers` with `text` as its variant: what that does is in `host/tests/callers/src/variant.rs`. One text is
/// one digest.
pub(crate) fn variant(text: &str) -> Vec<u8> {
    written("callers.wasm", text, VARIANT_BYTES)
}

/// The guest `shelves` with `text` as its variant: what that does is in `host/tests/shelves/src`.
pub(super) fn shelf(text: &str) -> Vec<u8> {
    written("shelves.wasm", text, VARIANT_BYTES)
}

/// The guest `errands` with `text` as its variant: it is a shelf whose calls need another service.
pub(super) fn errands(text: &str) -> Vec<u8> {
    written("errands.wasm", text, VARIANT_BYTES)
}

/// The guest `file` with `text` in the place of its own, which is as long as `length`.
fn written(file: &str, text: &str, length: usize) -> Vec<u8> {
    let mut bytes = component(file);
    let place = bytes.windows(MARK.len()).position(|window| window == MARK).unwrap();
    let text = format!("{text:length$}");
    assert_eq!(text.len(), length, "too long: {text}");
    bytes[place..place + length].copy_from_slice(text.as_bytes());
    bytes
}

/// A component that speaks HTTP itself, of 0.2 or 0.3, and says `text` at `/variant`.
pub(crate) fn web(version: &str, text: &str) -> Vec<u8> {
    written(&format!("web_{}.wasm", version.replace('.', "_")), text, WEB_VARIANT_BYTES)
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

/// `component` with a core module more, which nothing instantiates.
pub(super) fn with_module(component: &[u8], module: &[u8]) -> Vec<u8> {
    [component, &section(1, module)].concat()
}

/// A section with the number `id`.
pub(super) fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &leb128(content.len()), content].concat()
}

/// A number as the binary format has it.
pub(super) fn leb128(mut rest: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while rest >= 0x80 {
        bytes.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    bytes.push(rest.try_into().unwrap());
    bytes
}
