//! The kind of a call that lost a commit: its function, and the argument that names the key on which it lost.
//!
//! `reserve(order-7, [(tea, 2)])` that lost on `stock/tea` is `reserve` with `tea`. A call that names nothing in the key is
//! of the kind of its whole function, for example if the key is a counter that all of its calls write. That counts only
//! after several losses in a row on the one key: `release(order-7)` loses on whatever was ordered.

use std::collections::BTreeSet;
use std::sync::Arc;

use wasmtime::component::Val;

use crate::contract::Function;
use crate::limits::KEY_BYTES_MAX;

/// Losses in a row of calls which do not name the key, until all calls of their function are expected to change it.
const UNNAMED_LOSSES_MIN: u32 = 4;

/// Values of one call that are looked at: more than a call has that changes one thing. Calls with long lists pay no more.
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
    /// The kind of a call of `function` with `texts` in its arguments that lost on `key`. The longest one in the key names it.
    pub(in crate::call::routing) fn of(function: &Function, texts: &Texts, key: &str) -> Self {
        let named = texts.0.iter().filter(|text| !text.is_empty() && key.contains(text.as_str()));
        let name = named.max_by_key(|text| text.len()).map(|text| text.as_str().into());
        let (interface, function) = (Arc::clone(&function.interface), Arc::clone(&function.name.wit));
        Self { interface, function, name, losses: 1 }
    }

    pub(in crate::call::routing) fn is_unnamed(&self) -> bool {
        self.name.is_none()
    }

    pub(in crate::call::routing) fn lost_again(&mut self) {
        self.losses = self.losses.saturating_add(1);
    }

    /// Whether a call of `function` with `texts` in its arguments is of this kind.
    pub(in crate::call::routing) fn has(&self, function: &Function, texts: &Texts) -> bool {
        self.function == function.name.wit
            && self.interface == function.interface
            && match &self.name {
                Some(name) => texts.0.contains(&**name),
                None => self.losses >= UNNAMED_LOSSES_MIN,
            }
    }
}

/// The texts and whole numbers in the arguments of a call, at any depth, as far as they may occur in a key.
#[derive(Debug)]
pub(in crate::call::routing) struct Texts(BTreeSet<String>);

impl Texts {
    pub(in crate::call::routing) fn of(arguments: &[Val]) -> Self {
        let (mut texts, mut left) = (BTreeSet::new(), VALUES_MAX);
        arguments.iter().for_each(|value| collect(value, &mut left, &mut texts));
        Self(texts)
    }
}

fn collect(value: &Val, left: &mut usize, texts: &mut BTreeSet<String>) {
    if *left == 0 {
        return;
    }
    *left -= 1;
    let text = match value {
        Val::String(text) if text.len() <= KEY_BYTES_MAX => text.clone(),
        Val::U8(value) => value.to_string(),
        Val::U16(value) => value.to_string(),
        Val::U32(value) => value.to_string(),
        Val::U64(value) => value.to_string(),
        Val::S8(value) => value.to_string(),
        Val::S16(value) => value.to_string(),
        Val::S32(value) => value.to_string(),
        Val::S64(value) => value.to_string(),
        Val::List(values) | Val::Tuple(values) => return values.iter().for_each(|value| collect(value, left, texts)),
        Val::Record(fields) => return fields.iter().for_each(|(_, value)| collect(value, left, texts)),
        Val::Variant(_, Some(value)) | Val::Option(Some(value)) | Val::Result(Ok(Some(value)) | Err(Some(value))) => {
            return collect(value, left, texts);
        }
        _ => return,
    };
    texts.insert(text);
}

#[cfg(test)]
pub(super) mod tests;
