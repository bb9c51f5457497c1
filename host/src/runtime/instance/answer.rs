//! The size of a value: the answer of a guest is bounded.

use wasmtime::component::Val;

/// The approximate size of `value` as JSON, counted up to `max`: above it the sum is not exact.
pub(crate) fn bytes(value: &Val, max: usize) -> usize {
    let mut sum = 0_usize;
    add(value, max, &mut sum);
    sum
}

/// The size of punctuation and a member's name in JSON, in addition to the value.
const OVERHEAD: usize = 4;

fn add(value: &Val, max: usize, sum: &mut usize) {
    if *sum > max {
        return;
    }
    match value {
        Val::String(text) | Val::Enum(text) => *sum = sum.saturating_add(text.len() + OVERHEAD),
        Val::List(items) | Val::Tuple(items) | Val::FixedLengthList(items) => {
            items.iter().for_each(|item| add(item, max, sum));
        }
        Val::Record(fields) => {
            for (name, field) in fields {
                *sum = sum.saturating_add(name.len() + OVERHEAD);
                add(field, max, sum);
            }
        }
        Val::Map(entries) => {
            for (key, value) in entries {
                add(key, max, sum);
                add(value, max, sum);
            }
        }
        Val::Variant(name, payload) => {
            *sum = sum.saturating_add(name.len() + OVERHEAD);
            payload.iter().for_each(|payload| add(payload, max, sum));
        }
        Val::Flags(names) => names.iter().for_each(|name| *sum = sum.saturating_add(name.len() + OVERHEAD)),
        Val::Option(payload) | Val::Result(Ok(payload) | Err(payload)) => {
            payload.iter().for_each(|payload| add(payload, max, sum));
        }
        // A number: most have few digits.
        _ => *sum = sum.saturating_add(OVERHEAD),
    }
}

#[cfg(test)]
mod tests;
