//! The eight integer types: their ranges, and their numbers and texts in JSON.

use wasmtime::component::Val;

/// Above this, a reader that has only binary64 numbers may lose digits.
const EXACT_MAX: u64 = 1 << 53;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integer {
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
}

impl Integer {
    /// `number` as a value of this type; `None` if it is out of range.
    pub(super) fn value(self, number: i128) -> Option<Val> {
        match self {
            Self::S8 => number.try_into().ok().map(Val::S8),
            Self::U8 => number.try_into().ok().map(Val::U8),
            Self::S16 => number.try_into().ok().map(Val::S16),
            Self::U16 => number.try_into().ok().map(Val::U16),
            Self::S32 => number.try_into().ok().map(Val::S32),
            Self::U32 => number.try_into().ok().map(Val::U32),
            Self::S64 => number.try_into().ok().map(Val::S64),
            Self::U64 => number.try_into().ok().map(Val::U64),
        }
    }

    /// The number in `value`; `None` if its type is another.
    pub(super) fn number(self, value: &Val) -> Option<i128> {
        match (self, value) {
            (Self::S8, Val::S8(number)) => Some((*number).into()),
            (Self::U8, Val::U8(number)) => Some((*number).into()),
            (Self::S16, Val::S16(number)) => Some((*number).into()),
            (Self::U16, Val::U16(number)) => Some((*number).into()),
            (Self::S32, Val::S32(number)) => Some((*number).into()),
            (Self::U32, Val::U32(number)) => Some((*number).into()),
            (Self::S64, Val::S64(number)) => Some((*number).into()),
            (Self::U64, Val::U64(number)) => Some((*number).into()),
            _ => None,
        }
    }

    /// The value of a decimal `text`: an optional minus, and digits without leading zeros.
    pub(super) fn value_of_text(self, text: &str) -> Option<Val> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = digits.bytes().all(|b| b.is_ascii_digit()) && (digits.len() == 1 || !digits.starts_with('0'));
        if plain { text.parse().ok().and_then(|number| self.value(number)) } else { None }
    }

    /// Whether JSON may write it as a string, because a binary64 number does not always fit it.
    pub(super) fn may_be_text(self) -> bool {
        matches!(self, Self::S64 | Self::U64)
    }

    pub(super) fn range(self) -> (i128, i128) {
        match self {
            Self::S8 => (i8::MIN.into(), i8::MAX.into()),
            Self::U8 => (u8::MIN.into(), u8::MAX.into()),
            Self::S16 => (i16::MIN.into(), i16::MAX.into()),
            Self::U16 => (u16::MIN.into(), u16::MAX.into()),
            Self::S32 => (i32::MIN.into(), i32::MAX.into()),
            Self::U32 => (u32::MIN.into(), u32::MAX.into()),
            Self::S64 => (i64::MIN.into(), i64::MAX.into()),
            Self::U64 => (u64::MIN.into(), u64::MAX.into()),
        }
    }
}

/// `number` if JSON writes it as a number; JSON writes all others as strings.
pub(super) fn exact(number: i128) -> Option<i64> {
    i64::try_from(number).ok().filter(|number| number.unsigned_abs() <= EXACT_MAX)
}
