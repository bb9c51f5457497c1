//! A component's functions beside the contract's: every difference, each once, with its path in WIT terms.

use std::collections::{HashMap, HashSet};

use wac_types::{DefinedType, DefinedTypeId, FuncType, FuncTypeId, InterfaceId, ItemKind, SubtypeChecker, Types};
use wac_types::{Type, ValueType};

use super::VerdictProblem;
use super::text::{TypeTexts, cut};

const NOTHING: &str = "nothing";

/// On which side of the component an interface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Export,
    Import,
}

/// Collects what differs.
pub(super) struct Comparison<'a> {
    types: &'a Types,
    texts: TypeTexts<'a>,
    equal: HashSet<(ItemKind, ItemKind)>,
    /// The problems that a pair of types had when it was compared first.
    compared: HashMap<(DefinedTypeId, DefinedTypeId), Vec<usize>>,
    /// The functions in which a problem shows again.
    again: HashMap<usize, Vec<String>>,
    problems: Vec<VerdictProblem>,
    /// Where the comparison is, from the interface down.
    path: Vec<String>,
}

/// A member of a record, variant, enum, flags type or parameter list, and its type.
type Member<'m> = (&'m str, Option<ValueType>);

impl<'a> Comparison<'a> {
    pub(super) fn new(types: &'a Types) -> Self {
        Self {
            types,
            texts: TypeTexts::new(types),
            equal: HashSet::new(),
            compared: HashMap::new(),
            again: HashMap::new(),
            problems: Vec::new(),
            path: Vec::new(),
        }
    }

    pub(super) fn into_problems(mut self) -> Vec<VerdictProblem> {
        for (index, mut functions) in self.again {
            functions.dedup();
            if let Some(problem) = self.problems.get_mut(index) {
                let also = format!("also in {}", functions.join(", "));
                problem.detail =
                    if problem.detail.is_empty() { cut(&also) } else { format!("{}; {}", problem.detail, cut(&also)) };
            }
        }
        self.problems
    }

    /// One import or export that both sides have.
    pub(super) fn item(&mut self, side: Side, name: &str, expected: ItemKind, found: ItemKind) {
        let name = match side {
            Side::Export => cut(name),
            Side::Import => format!("import {}", cut(name)),
        };
        self.path.push(name);
        match (expected.promote(), found.promote()) {
            (ItemKind::Instance(expected), ItemKind::Instance(found)) => self.interface(side, expected, found),
            (ItemKind::Func(expected), ItemKind::Func(found)) => self.function(expected, found),
            // Types that a world uses by name have no life of their own.
            (ItemKind::Type(_), ItemKind::Type(_)) => {}
            (expected, found) => {
                self.differs(expected.desc(self.types).into(), found.desc(self.types).into(), String::new());
            }
        }
        self.path.pop();
    }

    /// An interface that the component does not export; `exported` are those that it does.
    pub(super) fn missing_export<'n>(
        &mut self,
        name: &str,
        expected: ItemKind,
        mut exported: impl Iterator<Item = &'n str>,
    ) {
        self.path.push(cut(name));
        let expected = match expected.promote() {
            ItemKind::Instance(id) => {
                let names: Vec<_> = functions(self.types, id).map(|(name, _)| name).collect();
                cut(&format!("an export with {}", names.join(", ")))
            }
            other => format!("an export: a {}", other.desc(self.types)),
        };
        let unversioned = |name: &str| name.split('@').next().map(str::to_owned);
        let detail = match exported.find(|other| unversioned(other) == unversioned(name)) {
            Some(other) => format!("it exports {}, another version", cut(other)),
            None => String::new(),
        };
        self.differs(expected, NOTHING.into(), detail);
        self.path.pop();
    }

    /// A component exports at least what is expected of it, and imports at most that.
    fn interface(&mut self, side: Side, expected: InterfaceId, found: InterfaceId) {
        let types = self.types;
        let found_functions: HashMap<_, _> = functions(types, found).collect();
        let expected_functions: HashMap<_, _> = functions(types, expected).collect();
        let needed = match side {
            Side::Export => expected,
            Side::Import => found,
        };
        for (name, _) in functions(types, needed) {
            self.path.push(cut(name));
            match (expected_functions.get(name), found_functions.get(name)) {
                (Some(expected), Some(found)) => self.function(*expected, *found),
                (Some(expected), None) => {
                    self.differs(self.texts.function(&types[*expected]), NOTHING.into(), String::new());
                }
                (None, Some(found)) => {
                    let detail = "the interface has no such function".into();
                    self.differs(NOTHING.into(), self.texts.function(&types[*found]), detail);
                }
                (None, None) => {}
            }
            self.path.pop();
        }
    }

    fn function(&mut self, expected: FuncTypeId, found: FuncTypeId) {
        let types = self.types;
        let checked = SubtypeChecker::new(&mut self.equal).is_subtype(
            ItemKind::Func(found),
            types,
            ItemKind::Func(expected),
            types,
        );
        let Err(error) = checked else { return };
        let (expected, found) = (&types[expected], &types[found]);
        let before = (self.problems.len(), self.again.values().map(Vec::len).sum::<usize>());
        if expected.is_async != found.is_async {
            self.differs(self.texts.function(expected), self.texts.function(found), String::new());
        }
        self.members("parameter", &parameters(expected), &parameters(found));
        match (expected.result, found.result) {
            (Some(expected), Some(found)) => self.below("result", |this| this.value(expected, found)),
            (None, None) => {}
            (expected, found) => self.below("result", |this| this.presence(expected, found)),
        }
        if before == (self.problems.len(), self.again.values().map(Vec::len).sum()) {
            self.differs(self.texts.function(expected), self.texts.function(found), cut(&format!("{error:#}")));
        }
    }

    fn value(&mut self, expected: ValueType, found: ValueType) {
        let types = self.types;
        match (types.resolve_value_type(expected), types.resolve_value_type(found)) {
            (ValueType::Primitive(one), ValueType::Primitive(other)) if one == other => {}
            (ValueType::Defined(one), ValueType::Defined(other)) => self.defined(one, other, expected, found),
            (ValueType::Own(one), ValueType::Own(other)) | (ValueType::Borrow(one), ValueType::Borrow(other)) => {
                let name = |id| &types[types.resolve_resource(id)].name;
                if name(one) != name(other) {
                    self.values_differ(expected, found);
                }
            }
            _ => self.values_differ(expected, found),
        }
    }

    fn defined(&mut self, one: DefinedTypeId, other: DefinedTypeId, expected: ValueType, found: ValueType) {
        if let Some(problems) = self.compared.get(&(one, other)) {
            let function = self.path.get(1).cloned().unwrap_or_default();
            for index in problems {
                let first = self
                    .problems
                    .get(*index)
                    .is_some_and(|problem| problem.path.split(" · ").nth(1).is_some_and(|first| first == function));
                if !first {
                    self.again.entry(*index).or_default().push(function.clone());
                }
            }
            return;
        }
        let before = self.problems.len();
        match (&self.types[one], &self.types[other]) {
            (DefinedType::Record(one), DefinedType::Record(other)) => {
                let fields = |record: &'a wac_types::Record| -> Vec<Member<'a>> {
                    record.fields.iter().map(|(name, ty)| (name.as_str(), Some(*ty))).collect()
                };
                self.members("field", &fields(one), &fields(other));
            }
            (DefinedType::Variant(one), DefinedType::Variant(other)) => {
                let cases = |variant: &'a wac_types::Variant| -> Vec<Member<'a>> {
                    variant.cases.iter().map(|(name, ty)| (name.as_str(), *ty)).collect()
                };
                self.members("case", &cases(one), &cases(other));
            }
            (DefinedType::Enum(one), DefinedType::Enum(other)) => {
                self.members("case", &bare(&one.0), &bare(&other.0));
            }
            (DefinedType::Flags(one), DefinedType::Flags(other)) => {
                self.members("flag", &bare(&one.0), &bare(&other.0));
            }
            (DefinedType::List(one), DefinedType::List(other)) => {
                self.below("element", |this| this.value(*one, *other));
            }
            (DefinedType::FixedSizeList(one, length), DefinedType::FixedSizeList(other, other_length))
                if length == other_length =>
            {
                self.below("element", |this| this.value(*one, *other));
            }
            (DefinedType::Option(one), DefinedType::Option(other)) => {
                self.below("some", |this| this.value(*one, *other));
            }
            (DefinedType::Tuple(one), DefinedType::Tuple(other)) if one.len() == other.len() => {
                for (index, (one, other)) in one.iter().zip(other).enumerate() {
                    self.below(&format!("element {index}"), |this| this.value(*one, *other));
                }
            }
            (DefinedType::Result { ok, err }, DefinedType::Result { ok: other_ok, err: other_err }) => {
                self.below("ok", |this| this.presence(*ok, *other_ok));
                self.below("error", |this| this.presence(*err, *other_err));
            }
            _ => self.values_differ(expected, found),
        }
        self.compared.insert((one, other), (before..self.problems.len()).collect());
    }

    /// What may be there or not.
    fn presence(&mut self, expected: Option<ValueType>, found: Option<ValueType>) {
        match (expected, found) {
            (Some(expected), Some(found)) => self.value(expected, found),
            (None, None) => {}
            (expected, found) => {
                let text = |this: &Self, ty: Option<ValueType>| ty.map_or(NOTHING.into(), |ty| this.texts.value(ty));
                self.differs(text(self, expected), text(self, found), String::new());
            }
        }
    }

    /// Members by name; where all are there, their order counts too.
    fn members(&mut self, noun: &str, expected: &[Member<'_>], found: &[Member<'_>]) {
        let other: HashMap<_, _> = found.iter().copied().collect();
        let known: HashMap<_, _> = expected.iter().copied().collect();
        let before = self.problems.len();
        let text = |this: &Self, ty: Option<ValueType>| ty.map_or(format!("the {noun}"), |ty| this.texts.value(ty));
        for (name, ty) in expected {
            let place = format!("{noun} {}", cut(name));
            match other.get(name) {
                Some(found) => self.below(&place, |this| this.presence(*ty, *found)),
                None => self.below(&place, |this| this.differs(text(this, *ty), NOTHING.into(), String::new())),
            }
        }
        for (name, ty) in found.iter().filter(|(name, _)| !known.contains_key(name)) {
            let place = format!("{noun} {}", cut(name));
            self.below(&place, |this| this.differs(NOTHING.into(), text(this, *ty), String::new()));
        }
        let names = |members: &[Member<'_>]| members.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let same = expected.len() == found.len() && expected.iter().all(|(name, _)| other.contains_key(name));
        if same && before == self.problems.len() && names(expected) != names(found) {
            let order = |members| cut(&format!("{noun}s in the order {}", names(members)));
            self.differs(order(expected), order(found), String::new());
        }
    }

    fn below(&mut self, place: &str, go: impl FnOnce(&mut Self)) {
        self.path.push(place.into());
        go(self);
        self.path.pop();
    }

    fn values_differ(&mut self, expected: ValueType, found: ValueType) {
        let (mut one, mut other) = (self.texts.value(expected), self.texts.value(found));
        if one == other {
            // Both have one name: what they are tells them apart.
            one = format!("{one}, a {}", self.types.resolve_value_type(expected).desc(self.types));
            other = format!("{other}, a {}", self.types.resolve_value_type(found).desc(self.types));
        }
        self.differs(one, other, String::new());
    }

    fn differs(&mut self, expected: String, found: String, detail: String) {
        self.problems.push(VerdictProblem { path: self.path.join(" · "), expected, found, detail });
    }
}

fn functions(types: &Types, interface: InterfaceId) -> impl Iterator<Item = (&str, FuncTypeId)> {
    types[interface].exports.iter().filter_map(|(name, kind)| match kind {
        ItemKind::Func(id) | ItemKind::Type(Type::Func(id)) => Some((name.as_str(), *id)),
        _ => None,
    })
}

fn parameters(function: &FuncType) -> Vec<Member<'_>> {
    function.params.iter().map(|(name, ty)| (name.as_str(), Some(*ty))).collect()
}

fn bare<'n>(names: impl IntoIterator<Item = &'n String>) -> Vec<Member<'n>> {
    names.into_iter().map(|name| (name.as_str(), None)).collect()
}
