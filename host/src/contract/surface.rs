//! A component's surface: its imports and exports, with all types. Every judgement uses it, so the file is read only
//! once.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wac_types::{ItemKind, NameMap, NameMapNoIntern, Package, Types};

use super::compare::{VerdictProblem, cut};
use crate::limits::COMPONENT_BYTES_MAX;

/// The imports and exports of a component.
///
/// It is small even for a large component, and is enough for every judgement: if you keep the surface of the live
/// release, judging a candidate reads only the candidate. The default surface has no imports and no exports.
#[derive(Default)]
pub struct Surface {
    pub(super) types: Types,
    /// In the order of the component.
    pub(super) imports: Vec<(String, ItemKind)>,
    pub(super) exports: Vec<(String, ItemKind)>,
}

/// Why a file is no component. The error text says what the file is instead.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("an empty file")]
    Empty,
    #[error("{bytes} bytes, where {COMPONENT_BYTES_MAX} are the most")]
    TooLarge { bytes: usize },
    #[error("WebAssembly text")]
    Text,
    #[error("a core module")]
    CoreModule,
    #[error("a file that is not WebAssembly")]
    NotWasm,
    #[error("WebAssembly of an unknown version")]
    OtherVersion,
    #[error("a damaged one: {reason}")]
    Damaged { reason: String },
    #[error("a component with unreadable types")]
    Types,
}

impl Unreadable {
    /// The problem for a verdict, with its correction.
    #[must_use]
    pub fn problem(&self) -> VerdictProblem {
        let instead = match self {
            Self::Empty | Self::NotWasm => "pass the `.wasm` file that the build of the component created",
            Self::TooLarge { .. } => "remove debug information, or load data from the store",
            Self::Text => "translate it with `wasm-tools parse`",
            Self::CoreModule => "build for a component target such as wasm32-wasip2",
            Self::OtherVersion => "build it with a toolchain that writes the final component format",
            Self::Damaged { .. } => "build it again, and check that the whole file was copied",
            Self::Types => "build it with a released toolchain",
        };
        VerdictProblem {
            path: "the file".into(),
            expected: "a WebAssembly component".into(),
            found: cut(&self.to_string()),
            detail: instead.into(),
        }
    }
}

impl Surface {
    /// Reads the types of a component. Its code is validated, and not kept.
    ///
    /// Do not call this on an async thread: it takes about a second for 40 MiB, and a millisecond for a component
    /// without a language runtime inside.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] for any bytes that are no valid component.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        recognise(bytes)?;
        // wac-types panics on some valid components that import core modules or resources in ways that no toolchain
        // produces. The partly filled `types` is dropped.
        catch_unwind(AssertUnwindSafe(|| {
            let mut types = Types::new();
            let package = Package::from_bytes("component", None, bytes, &mut types)
                .map_err(|error| Unreadable::Damaged { reason: format!("{error:#}") })?;
            let world = &types[package.ty()];
            let owned = |(name, kind): (&String, &ItemKind)| (name.clone(), *kind);
            let (imports, exports) =
                (world.imports.iter().map(owned).collect(), world.exports.iter().map(owned).collect());
            Ok(Self { types, imports, exports })
        }))
        .unwrap_or(Err(Unreadable::Types))
    }

    pub(super) fn imports_by_name(&self) -> NameMap<String, ItemKind> {
        by_name(self.imports.iter().map(|(name, kind)| (name.as_str(), *kind)))
    }

    pub(super) fn exports_by_name(&self) -> NameMap<String, ItemKind> {
        by_name(self.exports.iter().map(|(name, kind)| (name.as_str(), *kind)))
    }
}

impl fmt::Debug for Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |items: &[(String, ItemKind)]| items.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let (imports, exports) = (names(&self.imports), names(&self.exports));
        f.debug_struct("Surface").field("imports", &imports).field("exports", &exports).finish_non_exhaustive()
    }
}

/// Finds items by name as the component model does: compatible versions match each other.
pub(super) fn by_name<'n>(items: impl IntoIterator<Item = (&'n str, ItemKind)>) -> NameMap<String, ItemKind> {
    let mut map = NameMap::default();
    for (name, kind) in items {
        // Later names shadow earlier ones, so insertion never fails.
        let _key = map.insert(name, &mut NameMapNoIntern, true, kind);
    }
    map
}

/// Checks the first eight bytes: magic, version, layer.
fn recognise(bytes: &[u8]) -> Result<(), Unreadable> {
    match bytes {
        [] => Err(Unreadable::Empty),
        _ if bytes.len() > COMPONENT_BYTES_MAX => Err(Unreadable::TooLarge { bytes: bytes.len() }),
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', _, _, 0, 0, ..] => Err(Unreadable::CoreModule),
        [0, b'a', b's', b'm', _, _, _, _, ..] => Err(Unreadable::OtherVersion),
        [0, b'a', b's', b'm', ..] => Err(Unreadable::Damaged { reason: "the file ends within its header".into() }),
        _ if bytes.trim_ascii_start().starts_with(b"(") => Err(Unreadable::Text),
        _ => Err(Unreadable::NotWasm),
    }
}
