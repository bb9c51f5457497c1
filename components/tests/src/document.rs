//! The OpenAPI document as a promise: every answer of an operation has a status, headers and a schema that the document
//! names.
//!
//! It knows only the JSON Schema keywords that the document uses for answers; an unknown keyword is an error.

use anyhow::Context as _;
use hyper::StatusCode;
use serde_json::Value;

use crate::http::Answer;
use crate::json::text;

/// The document of a running shop.
#[derive(Debug)]
pub struct Document(Value);

impl Document {
    /// # Errors
    ///
    /// When `document` is not an OpenAPI 3.1 document.
    pub fn new(document: Value) -> anyhow::Result<Self> {
        anyhow::ensure!(text(&document, "/openapi")?.starts_with("3.1."), "not of OpenAPI 3.1");
        Ok(Self(document))
    }

    /// Method and path of every operation, such as `GET /carts/{id}`, in order.
    #[must_use]
    pub fn operations(&self) -> Vec<String> {
        let paths = self.0.get("paths").and_then(Value::as_object).into_iter().flatten();
        let methods =
            |path: &Value| path.as_object().into_iter().flatten().map(|(name, _)| name.to_uppercase()).collect();
        let mut operations: Vec<String> = paths
            .flat_map(|(path, item)| {
                let methods: Vec<String> = methods(item);
                methods.into_iter().map(move |method| format!("{method} {path}"))
            })
            .collect();
        operations.sort_unstable();
        operations
    }

    /// Checks the answer to `line`, a method and a path. For a line that is not an operation, nothing is promised.
    ///
    /// # Errors
    ///
    /// When the answer differs from the document.
    pub fn check(&self, line: &str, answer: &Answer) -> anyhow::Result<()> {
        let Some(operation) = self.operation(line) else { return Ok(()) };
        let told = || format!("{line}: {} {}", answer.status, answer.body);
        let status = answer.status.as_u16().to_string();
        let response = self.resolve(operation.get("responses").and_then(|all| all.get(&status)).with_context(told)?)?;
        for (name, header) in response.get("headers").and_then(Value::as_object).into_iter().flatten() {
            let is_required = self.resolve(header)?.get("required") == Some(&Value::Bool(true));
            anyhow::ensure!(!is_required || answer.header(name).is_some(), "without {name}: {}", told());
        }
        let Some(content) = response.get("content") else {
            anyhow::ensure!(answer.body.is_null(), "a body where none is promised: {}", told());
            return Ok(());
        };
        let media_type = answer.header("content-type").with_context(told)?;
        let schema = content.get(media_type).and_then(|content| content.get("schema")).with_context(told)?;
        match answer.status {
            // Only HEAD is answered without the body.
            StatusCode::OK if line.starts_with("HEAD ") => Ok(()),
            _ => self.fits(schema, &answer.body).with_context(told),
        }
    }

    fn operation(&self, line: &str) -> Option<&Value> {
        let (method, path) = line.split_once(' ')?;
        let method = if method == "HEAD" { "get".to_owned() } else { method.to_lowercase() };
        let path: Vec<&str> = path.split('?').next()?.split('/').collect();
        let is_path = |pattern: &str| {
            let pattern: Vec<&str> = pattern.split('/').collect();
            let is_segment = |(pattern, segment): (&&str, &&str)| {
                pattern == segment || pattern.starts_with('{') && !segment.is_empty()
            };
            pattern.len() == path.len() && pattern.iter().zip(&path).all(is_segment)
        };
        let mut paths = self.0.get("paths")?.as_object()?.iter();
        paths.find(|(pattern, _)| is_path(pattern))?.1.get(&method)
    }

    /// The target of the reference in `value`, or `value` itself.
    fn resolve<'a>(&'a self, value: &'a Value) -> anyhow::Result<&'a Value> {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return Ok(value) };
        let pointer = reference.strip_prefix('#').context("references lead into the same document")?;
        self.0.pointer(pointer).with_context(|| format!("nothing is at {reference}"))
    }

    fn fits(&self, schema: &Value, value: &Value) -> anyhow::Result<()> {
        let keywords = schema.as_object().with_context(|| format!("{schema} is no schema"))?;
        for (keyword, rule) in keywords {
            anyhow::ensure!(self.keeps(schema, keyword, rule, value)?, "{value} breaks {keyword}: {rule}");
        }
        Ok(())
    }

    fn keeps(&self, schema: &Value, keyword: &str, rule: &Value, value: &Value) -> anyhow::Result<bool> {
        let fits = |schema: &Value, value: &Value| self.fits(schema, value).is_ok();
        let all = || rule.as_array().into_iter().flatten();
        let members = || value.as_object().into_iter().flatten();
        Ok(match keyword {
            "$ref" => {
                self.fits(self.resolve(schema)?, value)?;
                true
            }
            "description" | "format" | "pattern" => true,
            "type" => rule.as_str().map_or_else(|| all().any(|name| is(name, value)), |_| is(rule, value)),
            "const" => rule == value,
            "enum" => all().any(|one| one == value),
            "minimum" => value.as_f64() >= rule.as_f64() || !value.is_number(),
            "maximum" => value.as_f64() <= rule.as_f64() || !value.is_number(),
            "items" => value.as_array().into_iter().flatten().all(|item| fits(rule, item)),
            "properties" => members().all(|(name, value)| rule.get(name).is_none_or(|schema| fits(schema, value))),
            "required" => all().all(|name| name.as_str().is_some_and(|name| value.get(name).is_some())),
            "additionalProperties" => {
                let known = |name: &String| schema.get("properties").is_some_and(|known| known.get(name).is_some());
                *rule == true || members().all(|(name, _)| known(name))
            }
            "anyOf" => all().any(|schema| fits(schema, value)),
            "allOf" => all().all(|schema| fits(schema, value)),
            "oneOf" => all().filter(|schema| fits(schema, value)).count() == 1,
            other => anyhow::bail!("{other} is not known"),
        })
    }
}

fn is(name: &Value, value: &Value) -> bool {
    match name.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    }
}
