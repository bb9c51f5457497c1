//! Values that JSON writes as one number or string.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wasmtime::component::Val;

use crate::value::shape::{CaseShape, Shape};

/// The integer `number` as a value of `shape`, if it has one.
pub(super) fn whole(shape: &Shape, number: i128) -> Option<Val> {
    match shape {
        Shape::Integer(integer) => integer.value(number),
        #[expect(clippy::cast_precision_loss, reason = "a float is the nearest number to what is written")]
        Shape::F64 => Some(Val::Float64(number as f64)),
        #[expect(clippy::cast_precision_loss, reason = "a float is the nearest number to what is written")]
        Shape::F32 => Some(Val::Float32(number as f32)),
        _ => None,
    }
}

/// The JSON number `digits` as a value of `shape`; it may have a fraction, an exponent or more than 64 bits.
///
/// A float is rounded to the nearest one; a number outside the range of floats gives `None`.
pub(super) fn number(shape: &Shape, digits: &str) -> Option<Val> {
    let kept = |finite: bool, zero: bool| finite && (!zero || is_zero(digits));
    match shape {
        Shape::Integer(integer) => integer.value(exact_integer(digits)?),
        Shape::F64 => {
            let float: f64 = digits.parse().ok()?;
            kept(float.is_finite(), float == 0.0).then_some(Val::Float64(float))
        }
        Shape::F32 => {
            let float: f32 = digits.parse().ok()?;
            kept(float.is_finite(), float == 0.0).then_some(Val::Float32(float))
        }
        _ => None,
    }
}

/// The mantissa of a JSON number without its sign, and its exponent.
fn mantissa(number: &str) -> (&str, Option<i64>) {
    let number = number.strip_prefix('-').unwrap_or(number);
    match number.split_once(['e', 'E']) {
        // An exponent beyond 64 bits exceeds the digits of any number.
        Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()),
        None => (number, Some(0)),
    }
}

fn is_zero(number: &str) -> bool {
    mantissa(number).0.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

/// The exact integer value of a JSON number: of `1.0` and `1e18`, but not of `0.99999999999999999999`. At most 128
/// bits.
fn exact_integer(number: &str) -> Option<i128> {
    if is_zero(number) {
        return Some(0);
    }
    let (mantissa, exponent) = mantissa(number);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let mut digits = format!("{}{whole}{fraction}", if number.starts_with('-') { "-" } else { "" });
    let shift = exponent?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    match usize::try_from(shift) {
        // 128 bits have 39 digits.
        Ok(zeros) if zeros < 40 => digits.push_str(&"0".repeat(zeros)),
        Ok(_) => return None,
        Err(_) => {
            let dropped = digits.len().checked_sub(usize::try_from(shift.unsigned_abs()).ok()?)?;
            let (kept, rest) = digits.split_at_checked(dropped)?;
            if rest.bytes().any(|digit| digit != b'0') {
                return None;
            }
            digits = kept.to_owned();
        }
    }
    digits.parse().ok()
}

/// The string `text` as a value of `shape`, if it has one.
pub(in crate::value) fn text(shape: &Shape, text: &str) -> Option<Val> {
    match shape {
        Shape::String => Some(Val::String(text.into())),
        Shape::Integer(integer) if integer.may_be_text() => integer.value_of_text(text),
        Shape::Char => {
            let mut chars = text.chars();
            chars.next().filter(|_| chars.next().is_none()).map(Val::Char)
        }
        Shape::Bytes => {
            let bytes = STANDARD.decode(text).ok()?;
            Some(Val::List(bytes.into_iter().map(Val::U8).collect()))
        }
        Shape::Cases(cases) => match cases.find(text) {
            Some(case @ CaseShape { payload: None, .. }) => Some(cases.value(case, None)),
            _ => None,
        },
        _ => None,
    }
}
