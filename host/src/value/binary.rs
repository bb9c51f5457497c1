//! Values as bytes, for the host's own records of calls: complete, short, and different for different values.
//!
//! Invariant: two values of one type have the same bytes if and only if they are equal; floats compare by their bits.
//! The bytes do not contain the type, but they name cases and flags, so a type may reorder them.

#[cfg(test)]
mod tests;

use wasmtime::component::Val;

use crate::contract::{Field, Type};

/// Why bytes are no value of a type: another contract wrote them, or they are damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a value of this type")]
pub struct BinaryError;

/// Appends the bytes of `value`.
pub fn put(value: &Val, out: &mut Vec<u8>) {
    match value {
        Val::Bool(value) => out.push(u8::from(*value)),
        Val::S8(value) => out.extend_from_slice(&value.to_be_bytes()),
        Val::U8(value) => out.push(*value),
        Val::S16(value) => out.extend_from_slice(&value.to_be_bytes()),
        Val::U16(value) => out.extend_from_slice(&value.to_be_bytes()),
        Val::S32(value) => out.extend_from_slice(&value.to_be_bytes()),
        Val::U32(value) => out.extend_from_slice(&value.to_be_bytes()),
        Val::S64(value) => out.extend_from_slice(&value.to_be_bytes()),
        Val::U64(value) => out.extend_from_slice(&value.to_be_bytes()),
        Val::Float32(value) => out.extend_from_slice(&value.to_bits().to_be_bytes()),
        Val::Float64(value) => out.extend_from_slice(&value.to_bits().to_be_bytes()),
        Val::Char(value) => out.extend_from_slice(&u32::from(*value).to_be_bytes()),
        Val::String(text) | Val::Enum(text) => put_text(text, out),
        Val::List(items) | Val::Tuple(items) | Val::FixedLengthList(items) => put_all(items, out),
        Val::Record(fields) => fields.iter().for_each(|(_name, value)| put(value, out)),
        Val::Variant(case, payload) => {
            put_text(case, out);
            put_payload(payload.as_deref(), out);
        }
        Val::Flags(names) => {
            put_count(names.len(), out);
            names.iter().for_each(|name| put_text(name, out));
        }
        Val::Option(payload) => put_payload(payload.as_deref(), out),
        Val::Result(result) => {
            out.push(u8::from(result.is_ok()));
            let (Ok(payload) | Err(payload)) = result;
            put_payload(payload.as_deref(), out);
        }
        // Reading a contract refuses these types, so no value has them.
        Val::Map(_) | Val::Resource(_) | Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => {}
    }
}

/// Appends the number of `values` and their bytes.
pub fn put_all(values: &[Val], out: &mut Vec<u8>) {
    put_count(values.len(), out);
    values.iter().for_each(|value| put(value, out));
}

/// Appends the bytes of an optional value.
pub fn put_payload(payload: Option<&Val>, out: &mut Vec<u8>) {
    out.push(u8::from(payload.is_some()));
    payload.iter().for_each(|value| put(value, out));
}

pub fn put_text(text: &str, out: &mut Vec<u8>) {
    put_count(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

pub fn put_count(count: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(count as u64).to_be_bytes());
}

/// Reads the arguments that [`put_all`] wrote, for a function with these `parameters`.
///
/// # Errors
///
/// [`BinaryError`] if `bytes` are not such arguments; any bytes may be passed.
pub fn read_arguments(parameters: &[Field], bytes: &[u8]) -> Result<Vec<Val>, BinaryError> {
    let mut reader = Reader { rest: bytes };
    if reader.count()? != parameters.len() {
        return Err(BinaryError);
    }
    let arguments = parameters.iter().map(|parameter| reader.value(&parameter.ty)).collect::<Result<_, _>>()?;
    reader.end(arguments)
}

/// Reads a value of type `ty` that [`put_payload`] wrote. There is a value exactly if there is a type.
///
/// # Errors
///
/// [`BinaryError`] if `bytes` are no such value; any bytes may be passed.
pub fn read_payload(ty: Option<&Type>, bytes: &[u8]) -> Result<Option<Val>, BinaryError> {
    let mut reader = Reader { rest: bytes };
    let payload = reader.payload(ty)?;
    reader.end(payload)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn end<T>(self, read: T) -> Result<T, BinaryError> {
        if self.rest.is_empty() { Ok(read) } else { Err(BinaryError) }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], BinaryError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(BinaryError)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, BinaryError> {
        self.take().map(|[byte]| byte)
    }

    fn flag(&mut self) -> Result<bool, BinaryError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(BinaryError),
        }
    }

    fn count(&mut self) -> Result<usize, BinaryError> {
        usize::try_from(u64::from_be_bytes(self.take()?)).map_err(|_| BinaryError)
    }

    fn text(&mut self) -> Result<&'a str, BinaryError> {
        let bytes = self.count()?;
        let (text, rest) = self.rest.split_at_checked(bytes).ok_or(BinaryError)?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| BinaryError)
    }

    fn value(&mut self, ty: &Type) -> Result<Val, BinaryError> {
        Ok(match ty {
            Type::Bool => Val::Bool(self.flag()?),
            Type::S8 => Val::S8(i8::from_be_bytes(self.take()?)),
            Type::U8 => Val::U8(self.byte()?),
            Type::S16 => Val::S16(i16::from_be_bytes(self.take()?)),
            Type::U16 => Val::U16(u16::from_be_bytes(self.take()?)),
            Type::S32 => Val::S32(i32::from_be_bytes(self.take()?)),
            Type::U32 => Val::U32(u32::from_be_bytes(self.take()?)),
            Type::S64 => Val::S64(i64::from_be_bytes(self.take()?)),
            Type::U64 => Val::U64(u64::from_be_bytes(self.take()?)),
            Type::F32 => Val::Float32(f32::from_bits(u32::from_be_bytes(self.take()?))),
            Type::F64 => Val::Float64(f64::from_bits(u64::from_be_bytes(self.take()?))),
            Type::Char => Val::Char(char::from_u32(u32::from_be_bytes(self.take()?)).ok_or(BinaryError)?),
            Type::String => Val::String(self.text()?.into()),
            Type::List(item) => Val::List(self.list(item, None)?),
            Type::FixedList(item, length) => Val::FixedLengthList(self.list(item, Some(*length as usize))?),
            Type::Tuple(types) => Val::Tuple(self.tuple(types)?),
            Type::Option(inner) => Val::Option(self.option(inner)?.map(Box::new)),
            Type::Result { ok, err } => {
                let is_ok = self.flag()?;
                let payload = self.payload(if is_ok { ok.as_deref() } else { err.as_deref() })?.map(Box::new);
                Val::Result(if is_ok { Ok(payload) } else { Err(payload) })
            }
            Type::Record(record) => {
                let field = |field: &Field| Ok((field.name.wit.as_ref().into(), self.value(&field.ty)?));
                Val::Record(record.fields.iter().map(field).collect::<Result<_, _>>()?)
            }
            Type::Variant(variant) => {
                let name = self.text()?;
                let case = variant.cases.iter().find(|case| *case.name == *name).ok_or(BinaryError)?;
                Val::Variant(name.into(), self.payload(case.ty.as_ref())?.map(Box::new))
            }
            Type::Enum(enumeration) => {
                let name = self.text()?;
                let known = enumeration.cases.iter().any(|case| *case.name == *name);
                if known { Val::Enum(name.into()) } else { return Err(BinaryError) }
            }
            Type::Flags(flags) => {
                let names = (0..self.count()?).map(|_| {
                    let name = self.text()?;
                    let known = flags.flags.iter().any(|flag| *flag.wit == *name);
                    if known { Ok(name.into()) } else { Err(BinaryError) }
                });
                Val::Flags(names.collect::<Result<_, _>>()?)
            }
        })
    }

    fn tuple(&mut self, types: &[Type]) -> Result<Vec<Val>, BinaryError> {
        if self.count()? != types.len() {
            return Err(BinaryError);
        }
        types.iter().map(|ty| self.value(ty)).collect()
    }

    /// The items of a list. The count alone reserves no memory: every item consumes bytes of the input.
    fn list(&mut self, item: &Type, length: Option<usize>) -> Result<Vec<Val>, BinaryError> {
        let count = self.count()?;
        if length.is_some_and(|length| length != count) {
            return Err(BinaryError);
        }
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(self.value(item)?);
        }
        Ok(items)
    }

    fn option(&mut self, inner: &Type) -> Result<Option<Val>, BinaryError> {
        if self.flag()? { self.value(inner).map(Some) } else { Ok(None) }
    }

    fn payload(&mut self, ty: Option<&Type>) -> Result<Option<Val>, BinaryError> {
        match (self.flag()?, ty) {
            (true, Some(ty)) => self.value(ty).map(Some),
            (false, None) => Ok(None),
            _ => Err(BinaryError),
        }
    }
}
