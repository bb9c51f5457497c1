//! Reads the manifest file: its text becomes settings, and every mistake has its line.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::error::{ConfigError, Origin, Origins, Problem};
use super::keys::{Section, instead_of};
use super::settings::Manifest;
use crate::limits::MANIFEST_BYTES_MAX;

/// Every setting with its default.
pub const DEFAULTS: &str = include_str!("default.toml");

/// Reads the text of a manifest.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let read = |source| ConfigError::Read { path: path.into(), source };
    let bytes_max = MANIFEST_BYTES_MAX;
    let mut text = Vec::new();
    // One byte over the limit shows that the file is too long; the rest is not read.
    let length_max = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).map_err(read)?.take(length_max).read_to_end(&mut text).map_err(read)?;
    if text.len() > bytes_max {
        return Err(ConfigError::TooLarge { path: path.into(), bytes_max });
    }
    String::from_utf8(text).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        ConfigError::one(
            Origin::File { path: path.into(), line },
            "not UTF-8: save the file as UTF-8, as TOML requires",
        )
    })
}

/// Parses `text`, the manifest at `path`, on top of the defaults.
///
/// # Errors
///
/// [`ConfigError::Wrong`]: text that is no TOML, unknown keys (all of them), a value of the wrong type.
pub(super) fn parse(path: &Path, text: &str) -> Result<(Manifest, Origins), ConfigError> {
    let mut reading = Reading { path: path.into(), text, origins: Origins::default(), problems: Vec::new() };
    let wrong = |reading: &Reading<'_>, error: &toml::de::Error| {
        let origin = reading.origin_of(error.span().map_or(0, |span| span.start));
        ConfigError::one(origin, error.message())
    };
    let mut document = DeTable::parse(text).map_err(|error| wrong(&reading, &error))?;
    reading.manifest(document.get_ref());
    if !reading.problems.is_empty() {
        return Err(ConfigError::Wrong { problems: reading.problems });
    }
    let defaults = DeTable::parse(DEFAULTS).expect("a test reads the embedded defaults");
    complete(document.get_mut(), defaults.into_inner());
    let manifest = Manifest::deserialize(Deserializer::from(document)).map_err(|error| wrong(&reading, &error))?;
    Ok((manifest, reading.origins))
}

/// Adds the defaults of all keys that `document` does not set.
fn complete<'i>(document: &mut DeTable<'i>, defaults: DeTable<'i>) {
    for (name, default) in defaults {
        match (document.get_mut(name.get_ref().as_ref()).map(Spanned::get_mut), default.into_inner()) {
            (None, default) => {
                document.insert(name, Spanned::new(0..0, default));
            }
            (Some(DeValue::Table(given)), DeValue::Table(default)) => complete(given, default),
            (Some(_), _) => {}
        }
    }
}

/// Walks through a manifest, and records the location of every key and all unknown keys.
struct Reading<'a> {
    path: Arc<Path>,
    text: &'a str,
    origins: Origins,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn origin_of(&self, offset: usize) -> Origin {
        let line = self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
        Origin::File { path: Arc::clone(&self.path), line }
    }

    fn problem(&mut self, offset: usize, detail: String) {
        let origin = self.origin_of(offset);
        self.problems.push(Problem { origin, detail });
    }

    fn manifest(&mut self, document: &DeTable<'_>) {
        self.keys("", Section::Manifest, document);
        for (name, value) in document {
            let name = name.get_ref().as_ref();
            if let Some(section) = Section::named(name) {
                self.section(name, section, value);
            } else if name == "services" {
                self.services(value);
            }
        }
    }

    fn services(&mut self, services: &Spanned<DeValue<'_>>) {
        let DeValue::Table(table) = services.get_ref() else {
            return self.problem(
                services.span().start,
                "`services` must consist of sections: write for example `[services.cart]`".into(),
            );
        };
        for (service, value) in table {
            let path = format!("services.{}", service.get_ref());
            self.origins.set(path.as_str(), self.origin_of(service.span().start));
            self.section(&path, Section::Service, value);
            let limits = value.get_ref().as_table().and_then(|table| table.get("limits"));
            if let Some(limits) = limits {
                self.section(&format!("{path}.limits"), Section::ServiceLimits, limits);
            }
        }
    }

    fn section(&mut self, path: &str, section: Section, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.keys(path, section, table),
            _ => self.problem(value.span().start, format!("`{path}` must be a section: `[{path}]`")),
        }
    }

    fn keys(&mut self, path: &str, section: Section, table: &DeTable<'_>) {
        for name in table.keys() {
            let (offset, name) = (name.span().start, name.get_ref().as_ref());
            let key = if path.is_empty() { name.into() } else { format!("{path}.{name}") };
            if section.keys().contains(&name) {
                self.origins.set(key, self.origin_of(offset));
            } else {
                self.problem(offset, format!("unknown key `{key}`: {}", instead_of(name, section.keys())));
            }
        }
    }
}
