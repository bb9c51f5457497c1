//! A file that is said to be a component, read as far as its types.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wac_types::{ItemKind, Package, Types};

use crate::limits::COMPONENT_BYTES_MAX;

/// What a component imports and exports, by name; the types are in the collection it was read into.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) imports: Vec<(String, ItemKind)>,
    pub(super) exports: Vec<(String, ItemKind)>,
}

/// Why a file is no component.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("an empty file")]
    Empty,
    #[error("{bytes} bytes, where {COMPONENT_BYTES_MAX} are the most")]
    TooLarge { bytes: usize },
    #[error("WebAssembly text")]
    Text,
    #[error("a core module")]
    CoreModule,
    #[error("something that is no WebAssembly")]
    NotWasm,
    #[error("WebAssembly of a version that is not known here")]
    OtherVersion,
    #[error("a damaged one: {reason}")]
    Damaged { reason: String },
    #[error("one whose types cannot be read")]
    Types,
}

impl Unreadable {
    /// What to do about it.
    pub(super) fn instead(&self) -> &'static str {
        match self {
            Self::Empty | Self::NotWasm => "give the `.wasm` file that the build of the component left",
            Self::TooLarge { .. } => "leave debug information out, or load data from the store",
            Self::Text => "translate it with `wasm-tools parse`",
            Self::CoreModule => "build for a component target such as wasm32-wasip2",
            Self::OtherVersion => "build it with a toolchain that makes components of the final binary format",
            Self::Damaged { .. } => "build it again, and see that the whole file is copied",
            Self::Types => "build it with a released toolchain",
        }
    }
}

/// Reads the types of a component into `types`. Its code is not looked at.
///
/// # Errors
///
/// [`Unreadable`], whatever the bytes are.
pub(super) fn read(bytes: &[u8], types: &mut Types) -> Result<Component, Unreadable> {
    recognise(bytes)?;
    // wac-types panics on some valid components that import core modules or resources in ways that no toolchain makes.
    // What it leaves in `types` is then used no more.
    let package = catch_unwind(AssertUnwindSafe(|| Package::from_bytes("component", None, bytes, types)))
        .map_err(|_| Unreadable::Types)?
        .map_err(|error| Unreadable::Damaged { reason: format!("{error:#}") })?;
    let world = &types[package.ty()];
    let owned = |(name, kind): (&String, &ItemKind)| (name.clone(), *kind);
    Ok(Component {
        imports: world.imports.iter().map(owned).collect(),
        exports: world.exports.iter().map(owned).collect(),
    })
}

/// Looks at the first eight bytes: magic, version, layer.
fn recognise(bytes: &[u8]) -> Result<(), Unreadable> {
    match bytes {
        [] => Err(Unreadable::Empty),
        _ if bytes.len() > COMPONENT_BYTES_MAX => Err(Unreadable::TooLarge { bytes: bytes.len() }),
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', _, _, 0, 0, ..] => Err(Unreadable::CoreModule),
        [0, b'a', b's', b'm', _, _, _, _, ..] => Err(Unreadable::OtherVersion),
        [0, b'a', b's', b'm', ..] => Err(Unreadable::Damaged { reason: "it ends in its header".into() }),
        _ if bytes.trim_ascii_start().starts_with(b"(") => Err(Unreadable::Text),
        _ => Err(Unreadable::NotWasm),
    }
}
