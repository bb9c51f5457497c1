//! The kind of a call that lost a commit: its function, and the argument that names the key on which it lost.
//!
//! `reserve(order-7, [(tea, 2)])` that lost on `stock/tea` is `reserve` with `tea`. A call that names nothing in the key is
//! of the kind of its whole function, for example if the key is a counter that all of its calls write. That counts only
//! after several losses in a row on the one key: `release(order-7)` loses on whatever was ordered.

use std::fmt::Write as _;
use std::sync::Arc;

use wasmtime::component::Val;

use crate::contract::Function;

/// Losses in a row of calls which do not name the key, until all calls of their function are expected to change it.
const UNNAMED_LOSSES_MIN: u32 = 4;

/// Values of one call that are compared: more than a call has that changes one thing. Calls with long lists pay no more.
const VALUES_MAX: usize = 256;

#[derive(Debug)]
pub(in crate::call::routing) struct Kind {
    interface: Arc<str>,
    function: Arc<str>,
    /// The argument, or the value in an argument.
    name: Option<Box<str>>,
    losses: u32,
}

/// Losses do not count.
impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        (&self.function, &self.name, &self.interface) == (&other.function, &other.name, &other.interface)
    }
}

impl Kind {
    /// The kind of a call of `function` with `arguments` that lost on `key`. The longest text in the key names it.
    pub(in crate::call::routing) fn of(function: &Function, arguments: &[Val], key: &str) -> Self {
        let mut name: Option<Box<str>> = None;
        any_text(arguments, &mut |text| {
            if text.len() > name.as_ref().map_or(0, |name| name.len()) && key.contains(text) {
                name = Some(text.into());
            }
            false
        });
        let (interface, function) = (Arc::clone(&function.interface), Arc::clone(&function.name.wit));
        Self { interface, function, name, losses: 1 }
    }

    pub(in crate::call::routing) fn is_unnamed(&self) -> bool {
        self.name.is_none()
    }

    pub(in crate::call::routing) fn lost_again(&mut self) {
        self.losses = self.losses.saturating_add(1);
    }

    /// Whether a call of `function` with `arguments` is of this kind.
    pub(in crate::call::routing) fn has(&self, function: &Function, arguments: &[Val]) -> bool {
        self.function == function.name.wit
            && self.interface == function.interface
            && match &self.name {
                Some(name) => any_text(arguments, &mut |text| text == &**name),
                None => self.losses >= UNNAMED_LOSSES_MIN,
            }
    }
}

/// Whether `is` finds what it looks for among the texts and whole numbers in `values`, at any depth.
fn any_text(values: &[Val], is: &mut dyn FnMut(&str) -> bool) -> bool {
    let (mut left, mut number) = (VALUES_MAX, String::new());
    values.iter().any(|value| any_text_in(value, &mut left, &mut number, is))
}

/// `number` is room for a number as text.
fn any_text_in(value: &Val, left: &mut usize, number: &mut String, is: &mut dyn FnMut(&str) -> bool) -> bool {
    if *left == 0 {
        return false;
    }
    *left -= 1;
    let mut is_number = |digits: std::fmt::Arguments<'_>, is: &mut dyn FnMut(&str) -> bool| {
        number.clear();
        number.write_fmt(digits).is_ok() && is(number)
    };
    match value {
        Val::String(text) => is(text),
        Val::U8(value) => is_number(format_args!("{value}"), is),
        Val::U16(value) => is_number(format_args!("{value}"), is),
        Val::U32(value) => is_number(format_args!("{value}"), is),
        Val::U64(value) => is_number(format_args!("{value}"), is),
        Val::S8(value) => is_number(format_args!("{value}"), is),
        Val::S16(value) => is_number(format_args!("{value}"), is),
        Val::S32(value) => is_number(format_args!("{value}"), is),
        Val::S64(value) => is_number(format_args!("{value}"), is),
        Val::List(values) | Val::Tuple(values) => values.iter().any(|value| any_text_in(value, left, number, is)),
        Val::Record(fields) => fields.iter().any(|(_, value)| any_text_in(value, left, number, is)),
        Val::Variant(_, Some(value)) | Val::Option(Some(value)) | Val::Result(Ok(Some(value)) | Err(Some(value))) => {
            any_text_in(value, left, number, is)
        }
        _ => false,
    }
}

#[cfg(test)]
pub(super) mod tests;
