//! Example values: realistic, and always the same for the same type.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::contract::types::{Case, Field, Type};

/// Examples from doc comments (``…, such as `DE`.``), by field name. A field without a doc comment takes the example of
/// another field of the same name.
#[derive(Debug, Default)]
pub(super) struct Examples(BTreeMap<Arc<str>, String>);

impl Examples {
    /// Records the example in the docs of `field`, if there is one.
    pub(super) fn add(&mut self, field: &Field) {
        if let Some(text) = such_as(&field.docs) {
            self.0.entry(Arc::clone(&field.name.wit)).or_insert_with(|| text.to_owned());
        }
    }

    /// An example value of `field` in JSON; for an option, of its inner type.
    pub(super) fn field(&self, field: &Field) -> Json {
        let holds_text = match &field.ty {
            Type::Option(inner) => **inner == Type::String,
            ty => *ty == Type::String,
        };
        match such_as(&field.docs) {
            Some(text) if holds_text => text.into(),
            _ => self.named(&field.name.wit, &field.ty),
        }
    }

    /// An example of `ty`.
    pub(super) fn of(&self, ty: &Type) -> Json {
        self.named("", ty)
    }

    /// An example of `ty` for a field called `name`.
    fn named(&self, name: &str, ty: &Type) -> Json {
        match ty {
            Type::Bool => json!(true),
            Type::S8 | Type::U8 | Type::S16 | Type::U16 | Type::S32 | Type::U32 | Type::S64 | Type::U64 => {
                number(name, ty)
            }
            Type::F32 | Type::F64 => json!(1.5),
            Type::Char => json!("a"),
            Type::String => self.0.get(name).cloned().unwrap_or_else(|| text(name)).into(),
            Type::List(item) if **item == Type::U8 => json!("AQID"),
            Type::List(item) => json!([self.named(singular(name), item)]),
            Type::FixedList(item, length) => (0..*length).map(|_| self.of(item)).collect(),
            Type::Tuple(items) => items.iter().map(|item| self.of(item)).collect(),
            Type::Option(inner) => match &**inner {
                Type::Option(_) => json!({ "some": self.named(name, inner) }),
                _ => self.named(name, inner),
            },
            Type::Result { ok, .. } => self.case("ok", ok.as_deref()),
            Type::Record(record) => {
                let member = |field: &Field| (field.name.json.to_string(), self.field(field));
                record.fields.iter().map(member).collect::<Map<_, _>>().into()
            }
            Type::Variant(variant) => self.first(&variant.cases),
            Type::Enum(cases) => self.first(&cases.cases),
            Type::Flags(flags) => flags.flags.iter().take(1).map(|name| Json::from(&*name.json)).collect(),
        }
    }

    fn first(&self, cases: &[Case]) -> Json {
        cases.first().map_or(Json::Null, |case| self.case(&case.name, case.ty.as_ref()))
    }

    fn case(&self, name: &str, payload: Option<&Type>) -> Json {
        match payload {
            Some(payload) => json!({ name: self.of(payload) }),
            None => name.into(),
        }
    }
}

/// The example in a doc comment: "…, such as `DE`."
fn such_as(docs: &str) -> Option<&str> {
    let (_, behind) = docs.split_once("such as `")?;
    behind.split_once('`').map(|(example, _)| example)
}

/// A whole number that is in the range of every integer type.
fn number(name: &str, ty: &Type) -> Json {
    let fits = !matches!(ty, Type::S8 | Type::U8);
    match last_word(name) {
        "year" if fits => json!(2030),
        "amount" | "price" if fits => json!(1999),
        "grams" | "bytes" | "ms" if fits => json!(250),
        "seconds" | "minutes" => json!(30),
        "percent" => json!(50),
        "limit" => json!(20),
        _ => json!(1),
    }
}

fn text(name: &str) -> String {
    match last_word(name) {
        "id" => "3f9a1c7e52d84b06".into(),
        "at" | "time" | "since" | "until" => "2026-01-31T09:30:00Z".into(),
        "date" => "2026-01-31".into(),
        "email" => "ada@example.com".into(),
        "name" | "recipient" => "Ada Lovelace".into(),
        "password" => "correct horse battery staple".into(),
        "url" | "uri" | "link" => "https://example.com/".into(),
        "country" => "DE".into(),
        "currency" => "EUR".into(),
        "city" => "Berlin".into(),
        "number" => "1234567890".into(),
        "cursor" | "token" => "b3BhcXVlIHRvIGNsaWVudHM".into(),
        "field" | "pointer" => "/email".into(),
        "last4" => "4242".into(),
        // The name matches no known word, but people may understand it.
        "" => "text".into(),
        _ => name.replace('-', " "),
    }
}

fn last_word(name: &str) -> &str {
    name.rsplit('-').next().unwrap_or_default()
}

/// The singular of a plural name: `item` for `items`.
fn singular(name: &str) -> &str {
    name.strip_suffix('s').unwrap_or(name)
}
