//! Compares two surfaces: finds each difference once, with its path in WIT terms.
//!
//! wac-types decides whether two types are equal, but it stops at the first difference. So this module then compares
//! unequal types member by member.

mod text;
mod types;

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::Serialize;
use wac_types::{DefinedTypeId, FuncTypeId, InterfaceId, ItemKind, SubtypeChecker, Type, Types};

use self::text::TypeTexts;
pub(super) use self::text::cut;
use crate::limits::VERDICT_LINES_MAX;

const NOTHING: &str = "nothing";

/// One problem that makes a component unsuitable, in WIT terms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VerdictProblem {
    /// The path: `shop:cart/cart@1.0.0 · checkout · parameter request · field address-id`.
    pub path: String,
    /// The item that the contract, the host or another release expects there.
    pub expected: String,
    /// The item that the component has there.
    pub found: String,
    /// How to fix it, or where else it shows; may be empty.
    pub detail: String,
}

impl VerdictProblem {
    /// Writes the problem, indented under its parent. `labels` name the expected and the found item.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, labels: [&str; 2]) -> fmt::Result {
        let (Self { path, expected, found, detail }, [expects, finds]) = (self, labels);
        write!(f, "\n  {path}\n    {expects} {expected}\n    {finds} {found}")?;
        if detail.is_empty() { Ok(()) } else { write!(f, "\n    {detail}") }
    }
}

/// The side of a component on which an interface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Export,
    Import,
}

/// The part of two surfaces that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Functions and the types that they use: all that a call needs. The component must export every expected function,
    /// and may import only expected ones.
    Calls,
    /// The named types of interfaces too: all that a developer builds against. An import on only one side is no
    /// difference.
    Contract,
}

/// The items that only one of two surfaces has, by WIT path.
#[derive(Debug, Default)]
pub(super) struct OneSided {
    pub(super) exported_more: Vec<String>,
    pub(super) imported_more: Vec<String>,
    pub(super) imported_less: Vec<String>,
}

/// Collects the differences.
pub(super) struct Comparison<'a> {
    scope: Scope,
    expected: TypeTexts<'a>,
    found: TypeTexts<'a>,
    equal: HashSet<(ItemKind, ItemKind)>,
    /// The problems that a pair of types had at its first comparison.
    compared: HashMap<(DefinedTypeId, DefinedTypeId), Vec<usize>>,
    /// The functions in which a problem shows again.
    again: HashMap<usize, Vec<String>>,
    problems: Vec<VerdictProblem>,
    /// The problems found so far under the current path, new or repeated.
    met: Vec<usize>,
    one_sided: OneSided,
    /// The current path: the side, then the interface and the items inside it.
    side: Side,
    path: Vec<String>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(scope: Scope, expected: &'a Types, found: &'a Types) -> Self {
        Self {
            scope,
            expected: TypeTexts::new(expected),
            found: TypeTexts::new(found),
            equal: HashSet::new(),
            compared: HashMap::new(),
            again: HashMap::new(),
            problems: Vec::new(),
            met: Vec::new(),
            one_sided: OneSided::default(),
            side: Side::Export,
            path: Vec::new(),
        }
    }

    /// All problems, and the items that only one side has.
    pub(super) fn finish(mut self) -> (Vec<VerdictProblem>, OneSided) {
        for (index, mut functions) in self.again {
            functions.dedup();
            if let Some(problem) = self.problems.get_mut(index) {
                let also = format!("also in {}", functions.join(", "));
                problem.detail =
                    if problem.detail.is_empty() { cut(&also) } else { format!("{}; {}", problem.detail, cut(&also)) };
            }
        }
        (self.problems, self.one_sided)
    }

    /// One import or export that both sides have.
    pub(super) fn item(&mut self, side: Side, name: &str, expected: ItemKind, found: ItemKind) {
        self.at(side, name, |this| match (expected.promote(), found.promote()) {
            (ItemKind::Instance(expected), ItemKind::Instance(found)) => this.interface(expected, found),
            (ItemKind::Func(expected), ItemKind::Func(found)) => this.function(expected, found),
            // A bare type of a world matters only where a function uses it.
            (ItemKind::Type(_), ItemKind::Type(_)) if this.scope == Scope::Calls => {}
            (ItemKind::Type(expected), ItemKind::Type(found)) => this.named_type(expected, found),
            (expected, found) => {
                let (one, other) = (expected.desc(this.expected.types), found.desc(this.found.types));
                this.differs(one.into(), other.into(), String::new());
            }
        });
    }

    /// Reports an expected export that is missing; `exported` lists the exports that exist.
    pub(super) fn missing_export<'n>(
        &mut self,
        name: &str,
        expected: ItemKind,
        mut exported: impl Iterator<Item = &'n str>,
    ) {
        let detail = match exported.find(|other| unversioned(other) == unversioned(name)) {
            Some(other) => format!("it exports {}, another version", cut(other)),
            None => String::new(),
        };
        let expected = match expected.promote() {
            ItemKind::Instance(id) => {
                let names: Vec<_> = functions(self.expected.types, id).map(|(name, _)| name).collect();
                cut(&format!("an export with {}", names.join(", ")))
            }
            other => format!("an export: a {}", other.desc(self.expected.types)),
        };
        self.at(Side::Export, name, |this| this.differs(expected, NOTHING.into(), detail));
    }

    fn interface(&mut self, expected: InterfaceId, found: InterfaceId) {
        // Compare types first: a difference in a type is reported at the type, and functions that use it get an "also
        // in".
        if self.scope == Scope::Contract {
            self.members_of(
                named_types(self.expected.types, expected),
                named_types(self.found.types, found),
                |name| format!("type {name}"),
                Self::named_type,
                |texts, ty| texts.definition(ty),
            );
        }
        self.members_of(
            functions(self.expected.types, expected),
            functions(self.found.types, found),
            str::to_owned,
            Self::function,
            TypeTexts::function,
        );
    }

    /// Compares the named members of two interfaces. A member on only one side is a problem or a `OneSided` entry,
    /// depending on side and scope.
    fn members_of<'n, T: Copy>(
        &mut self,
        expected: impl Iterator<Item = (&'n str, T)>,
        found: impl Iterator<Item = (&'n str, T)>,
        place: impl Fn(&str) -> String,
        both: impl Fn(&mut Self, T, T),
        text: impl Fn(&TypeTexts<'a>, T) -> String,
    ) {
        let found: Vec<_> = found.collect();
        let mut others: HashMap<_, _> = found.iter().copied().collect();
        for (name, expected) in expected {
            self.below(&place(&cut(name)), |this| match (others.remove(name), this.side, this.scope) {
                (Some(found), ..) => both(this, expected, found),
                (None, Side::Export, _) => {
                    this.differs(text(&this.expected, expected), NOTHING.into(), String::new());
                }
                (None, Side::Import, Scope::Contract) => this.one_sided.imported_less.push(this.path.join(" · ")),
                (None, Side::Import, Scope::Calls) => {}
            });
        }
        for (name, found) in found.into_iter().filter(|(name, _)| others.contains_key(name)) {
            self.below(&place(&cut(name)), |this| match (this.side, this.scope) {
                (Side::Export, Scope::Contract) => this.one_sided.exported_more.push(this.path.join(" · ")),
                (Side::Export, Scope::Calls) => {}
                (Side::Import, Scope::Contract) => this.one_sided.imported_more.push(this.path.join(" · ")),
                (Side::Import, Scope::Calls) => {
                    let detail = "the interface has no such function".into();
                    this.differs(NOTHING.into(), text(&this.found, found), detail);
                }
            });
        }
    }

    fn function(&mut self, expected: FuncTypeId, found: FuncTypeId) {
        self.unless_equal(ItemKind::Func(expected), ItemKind::Func(found), |this| {
            this.signature(&this.expected.types[expected], &this.found.types[found]);
            (this.expected.function(expected), this.found.function(found))
        });
    }

    fn named_type(&mut self, expected: Type, found: Type) {
        self.unless_equal(ItemKind::Type(expected), ItemKind::Type(found), |this| {
            if let (Type::Value(expected), Type::Value(found)) = (expected, found) {
                this.value(expected, found);
            }
            (this.expected.definition(expected), this.found.definition(found))
        });
    }

    /// Calls `walk` to find the differences if the items are not equal. If `walk` finds no reason for an inequality
    /// that wac-types reports, the problem is recorded with the two texts that `walk` returns.
    fn unless_equal(&mut self, expected: ItemKind, found: ItemKind, walk: impl FnOnce(&mut Self) -> (String, String)) {
        let mut checker = SubtypeChecker::new(&mut self.equal);
        let Err(error) = checker.is_subtype(found, self.found.types, expected, self.expected.types) else { return };
        self.met.clear();
        let (expected, found) = walk(self);
        if self.met.is_empty() {
            self.differs(expected, found, cut(&format!("{error:#}")));
        }
    }

    fn at(&mut self, side: Side, name: &str, go: impl FnOnce(&mut Self)) {
        self.side = side;
        self.below(&cut(name), go);
    }

    fn below(&mut self, place: &str, go: impl FnOnce(&mut Self)) {
        self.path.push(place.into());
        go(self);
        self.path.pop();
    }

    /// A verdict lists a limited number of problems; later ones get no text, and only their number counts.
    fn differs(&mut self, expected: String, found: String, detail: String) {
        self.met.push(self.problems.len());
        self.problems.push(if self.problems.len() < VERDICT_LINES_MAX {
            let prefix = if self.side == Side::Import { "import " } else { "" };
            let path = format!("{prefix}{}", self.path.join(" · "));
            VerdictProblem { path, expected, found, detail }
        } else {
            VerdictProblem::default()
        });
    }
}

/// How many callable functions an item has: those of an interface, or 1 for a function.
pub(super) fn functions_of(types: &Types, item: ItemKind) -> usize {
    match item.promote() {
        ItemKind::Instance(id) => functions(types, id).count(),
        ItemKind::Func(_) => 1,
        _ => 0,
    }
}

/// The name of an interface without its version.
pub(super) fn unversioned(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}

fn functions(types: &Types, interface: InterfaceId) -> impl Iterator<Item = (&str, FuncTypeId)> {
    types[interface].exports.iter().filter_map(|(name, kind)| match kind {
        ItemKind::Func(id) | ItemKind::Type(Type::Func(id)) => Some((name.as_str(), *id)),
        _ => None,
    })
}

fn named_types(types: &Types, interface: InterfaceId) -> impl Iterator<Item = (&str, Type)> {
    types[interface].exports.iter().filter_map(|(name, kind)| match kind {
        ItemKind::Type(Type::Func(_)) => None,
        ItemKind::Type(ty) => Some((name.as_str(), *ty)),
        _ => None,
    })
}
