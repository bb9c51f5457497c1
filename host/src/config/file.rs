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
use crate::names::ServiceName;

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

/// Parses `text`, the manifest at `path`, on top of the defaults. Returns all its mistakes: unknown keys, and values of the
/// wrong type. In the manifest their keys have the defaults, so that other mistakes can be found too.
///
/// # Errors
///
/// [`ConfigError::Wrong`]: text that is no TOML.
pub(super) fn parse(path: &Path, text: &str) -> Result<(Manifest, Origins, Vec<Problem>), ConfigError> {
    let mut reading = Reading { path: path.into(), text, origins: Origins::default(), problems: Vec::new() };
    let wrong = |reading: &Reading<'_>, error: &toml::de::Error| {
        let origin = reading.origin_of(error.span().map_or(0, |span| span.start));
        ConfigError::one(origin, error.message())
    };
    let mut document = DeTable::parse(text).map_err(|error| wrong(&reading, &error))?;
    reading.manifest(document.get_ref());
    let defaults = DeTable::parse(DEFAULTS).expect("a test reads the embedded defaults").into_inner();
    reading.keep_good(document.get_mut(), &defaults);
    complete(document.get_mut(), defaults);
    let manifest = Manifest::deserialize(Deserializer::from(document)).map_err(|error| wrong(&reading, &error))?;
    Ok((manifest, reading.origins, reading.problems))
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

fn take<'i>(table: &mut DeTable<'i>) -> DeTable<'i> {
    std::mem::replace(table, DeTable::new())
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

    /// Removes unknown keys, which are reported already, and reports and removes all keys with a wrong value.
    fn keep_good<'i>(&mut self, document: &mut DeTable<'i>, defaults: &DeTable<'i>) {
        if !document.contains_key("services") {
            self.problem(0, "missing field `services`: add a section such as `[services.cart]`".to_owned());
        }
        for (name, mut value) in take(document) {
            let key = name.get_ref().as_ref();
            let section = Section::named(key);
            let DeValue::Table(table) = value.get_mut() else { continue };
            match section.zip(defaults.get(key).and_then(|default| default.get_ref().as_table())) {
                Some((section, default)) => self.keep_good_keys(section, table, default),
                None if key == "services" => self.keep_good_services(table),
                None => continue,
            }
            document.insert(name, value);
        }
        if !document.contains_key("services") {
            document.insert(Spanned::new(0..0, "services".into()), Spanned::new(0..0, DeValue::Table(DeTable::new())));
        }
    }

    fn keep_good_services<'i>(&mut self, services: &mut DeTable<'i>) {
        let (least, none) = (DeTable::parse("component = ''").expect("it is TOML").into_inner(), DeTable::new());
        for (name, mut value) in take(services) {
            let DeValue::Table(service) = value.get_mut() else { continue };
            if let Err(error) = ServiceName::parse(name.get_ref()) {
                self.problem(name.span().start, error.to_string());
                continue;
            }
            if let Some(DeValue::Table(limits)) = service.get_mut("limits").map(Spanned::get_mut) {
                self.keep_good_keys(Section::ServiceLimits, limits, &none);
            }
            if !service.contains_key("component") {
                let detail = "missing field `component`: name the file of its component";
                self.problem(name.span().start, format!("`services.{}`: {detail}", name.get_ref()));
            }
            self.keep_good_keys(Section::Service, service, &least);
            complete(service, least.clone());
            services.insert(name, value);
        }
    }

    /// Tries each key of `table` alone, with the defaults for all others.
    fn keep_good_keys<'i>(&mut self, section: Section, table: &mut DeTable<'i>, defaults: &DeTable<'i>) {
        for (name, value) in take(table) {
            let key = name.get_ref().as_ref();
            if !section.keys().contains(&key) {
                continue;
            }
            let mut alone = defaults.clone();
            alone.remove(key);
            alone.insert(name.clone(), value.clone());
            match section.check(alone) {
                Ok(()) => drop(table.insert(name, value)),
                Err(error) => {
                    let offset = error.span().map_or(value.span().start, |span| span.start);
                    self.problem(offset, error.message().to_owned());
                }
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
