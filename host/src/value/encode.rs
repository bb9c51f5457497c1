//! Encodes values as JSON, directly into the response buffer.

use std::io::Write as _;

use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use serde::Serialize;
use wasmtime::component::Val;

use super::error::{ErrorContext, Refused, ValueError};
use super::integer;
use super::shape::{Cases, Member, Shape};
use crate::contract::Name;
use crate::limits::VALUE_JSON_BYTES_MAX;

/// Appends `value`, which has the shape `shape`, to `out`; after an error `out` is unchanged.
pub(super) fn encode(shape: &Shape, value: &Val, out: &mut Vec<u8>) -> Result<(), ValueError> {
    whole(out, |writer| writer.value(shape, value))
}

/// Appends an object of `members`; `values` have the same order.
pub(super) fn encode_members(members: &[Member], values: &[Val], out: &mut Vec<u8>) -> Result<(), ValueError> {
    whole(out, |writer| {
        if members.len() != values.len() {
            let detail = format!("expected {} values, found {}", members.len(), values.len());
            return Err(writer.context.refuse(detail));
        }
        writer.members(members.iter().zip(values))
    })
}

fn whole(out: &mut Vec<u8>, write: impl FnOnce(&mut Writer<'_>) -> Result<(), Refused>) -> Result<(), ValueError> {
    let start = out.len();
    let mut writer =
        Writer { out, end_max: start.saturating_add(VALUE_JSON_BYTES_MAX), context: ErrorContext::default() };
    write(&mut writer).and_then(|()| writer.check_size()).map_err(|Refused| {
        let context = writer.context;
        writer.out.truncate(start);
        context.into_error(String::new)
    })
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// The maximum length of `out`.
    end_max: usize,
    context: ErrorContext,
}

impl Writer<'_> {
    fn value(&mut self, shape: &Shape, value: &Val) -> Result<(), Refused> {
        match (shape, value) {
            (Shape::Bool, Val::Bool(true)) => self.raw("true"),
            (Shape::Bool, Val::Bool(false)) => self.raw("false"),
            (Shape::Integer(kind), value) => match kind.number(value) {
                Some(number) => self.integer(number),
                None => return Err(self.mismatch(shape)),
            },
            (Shape::F32, Val::Float32(number)) if number.is_finite() => self.json(number),
            (Shape::F64, Val::Float64(number)) if number.is_finite() => self.json(number),
            (Shape::F32, Val::Float32(_)) | (Shape::F64, Val::Float64(_)) => {
                return Err(self.context.refuse("an infinite or NaN float has no JSON form"));
            }
            (Shape::Char, Val::Char(char)) => self.json(char),
            (Shape::String, Val::String(text)) => self.text(text),
            (Shape::Bytes, Val::List(bytes)) => return self.bytes(shape, bytes),
            (Shape::List(item), Val::List(values)) => return self.items(std::iter::repeat(&**item).zip(values)),
            (Shape::FixedList(item, length), Val::FixedLengthList(values)) if values.len() == *length => {
                return self.items(std::iter::repeat(&**item).zip(values));
            }
            (Shape::Tuple(shapes), Val::Tuple(values)) if values.len() == shapes.len() => {
                return self.items(shapes.iter().zip(values));
            }
            (Shape::Option(_), Val::Option(None)) => self.raw("null"),
            (Shape::Option(inner), Val::Option(Some(value))) => return self.value(inner, value),
            (Shape::Cases(cases), value) => return self.case(shape, cases, value),
            (Shape::Record(members), Val::Record(values)) => {
                let same = |(member, (name, _)): (&Member, &(String, Val))| *member.name.wit == **name;
                if members.fields.len() != values.len() || !members.fields.iter().zip(values).all(same) {
                    return Err(self.mismatch(shape));
                }
                return self.members(members.fields.iter().zip(values.iter().map(|(_, value)| value)));
            }
            (Shape::Flags(names), Val::Flags(set)) => return self.flags(shape, names, set),
            _ => return Err(self.mismatch(shape)),
        }
        Ok(())
    }

    fn mismatch(&mut self, shape: &Shape) -> Refused {
        self.context.refuse(format!("expected a value for {shape} in JSON, found a value of another type"))
    }

    fn raw(&mut self, json: &str) {
        self.out.extend_from_slice(json.as_bytes());
    }

    fn json<T: Serialize + ?Sized>(&mut self, value: &T) {
        serde_json::to_writer(&mut *self.out, value).expect("numbers and texts have a JSON form, a Vec takes all");
    }

    fn text(&mut self, text: &str) {
        // Few texts need escapes; a scan without an early exit handles many bytes at once.
        let escapes = |found: bool, byte: u8| found | (byte < b' ') | (byte == b'"') | (byte == b'\\');
        if text.bytes().fold(false, escapes) {
            return self.json(text);
        }
        self.out.push(b'"');
        self.raw(text);
        self.out.push(b'"');
    }

    fn integer(&mut self, number: i128) {
        match integer::exact(number) {
            Some(number) => self.json(&number),
            None => {
                self.out.push(b'"');
                self.json(&number);
                self.out.push(b'"');
            }
        }
    }

    fn bytes(&mut self, shape: &Shape, bytes: &[Val]) -> Result<(), Refused> {
        let byte = |value: &Val| if let Val::U8(byte) = value { Some(*byte) } else { None };
        let Some(bytes) = bytes.iter().map(byte).collect::<Option<Vec<_>>>() else { return Err(self.mismatch(shape)) };
        self.out.push(b'"');
        let mut base64 = EncoderWriter::new(&mut *self.out, &STANDARD);
        base64.write_all(&bytes).and_then(|()| base64.finish().map(|_| ())).expect("a Vec takes every write");
        drop(base64);
        self.out.push(b'"');
        Ok(())
    }

    fn items<'v>(&mut self, items: impl Iterator<Item = (&'v Shape, &'v Val)>) -> Result<(), Refused> {
        self.out.push(b'[');
        for (position, (shape, value)) in items.enumerate() {
            if position > 0 {
                self.out.push(b',');
            }
            let written = self.value(shape, value).and_then(|()| self.check_size());
            written.inspect_err(|_| self.context.leave(position))?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn members<'v>(&mut self, members: impl Iterator<Item = (&'v Member, &'v Val)>) -> Result<(), Refused> {
        let mut before = b'{';
        for (member, value) in members {
            if matches!((&member.shape, value), (Shape::Option(_), Val::Option(None))) {
                continue;
            }
            self.out.push(before);
            self.raw(&member.key);
            self.value(&member.shape, value).inspect_err(|_| self.context.leave(&member.name.json))?;
            before = b',';
        }
        if before == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
        Ok(())
    }

    fn case(&mut self, shape: &Shape, cases: &Cases, value: &Val) -> Result<(), Refused> {
        let Some((case, payload)) = cases.of(value) else { return Err(self.mismatch(shape)) };
        let Some((shape, payload)) = case.payload.as_ref().zip(payload) else {
            self.text(&case.name);
            return Ok(());
        };
        self.out.push(b'{');
        self.text(&case.name);
        self.out.push(b':');
        self.value(shape, payload).inspect_err(|_| self.context.leave(&case.name))?;
        self.out.push(b'}');
        Ok(())
    }

    fn flags(&mut self, shape: &Shape, names: &[Name], set: &[String]) -> Result<(), Refused> {
        if set.iter().any(|flag| !names.iter().any(|name| *name.wit == **flag)) {
            return Err(self.mismatch(shape));
        }
        let set = names.iter().filter(|name| set.iter().any(|flag| *name.wit == **flag));
        self.out.push(b'[');
        for (position, name) in set.enumerate() {
            if position > 0 {
                self.out.push(b',');
            }
            self.text(&name.json);
        }
        self.out.push(b']');
        Ok(())
    }

    /// Checked after each item. A value without lists is about as long as its texts, which are already in memory.
    fn check_size(&mut self) -> Result<(), Refused> {
        if self.out.len() > self.end_max {
            return Err(self.context.refuse(format!("expected at most {VALUE_JSON_BYTES_MAX} bytes of JSON")));
        }
        Ok(())
    }
}
