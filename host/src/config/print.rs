//! Writes the effective configuration as a manifest, with the source of every line.

use toml::{Table, Value};

use super::keys::Section;
use super::load::Configuration;

/// Writes `configuration` as TOML. Reading it again gives the same settings; the admin token is left out.
///
/// # Errors
///
/// If a path is not UTF-8, as TOML requires.
pub fn print(configuration: &Configuration) -> Result<String, toml::ser::Error> {
    let table = Table::try_from(&configuration.manifest)?;
    let mut text = String::new();
    for (name, section) in Section::NAMED {
        if let Some(Value::Table(values)) = table.get(name) {
            lines(configuration, name, section, values, &mut text);
        }
    }
    if let Some(Value::Table(services)) = table.get("services") {
        for (name, service) in services {
            if let Value::Table(values) = service {
                let path = format!("services.{name}");
                lines(configuration, &path, Section::Service, values, &mut text);
                if let Some(Value::Table(limits)) = values.get("limits").filter(|limits| has_any(limits)) {
                    lines(configuration, &format!("{path}.limits"), Section::ServiceLimits, limits, &mut text);
                }
            }
        }
    }
    Ok(text)
}

fn has_any(value: &Value) -> bool {
    value.as_table().is_some_and(|table| !table.is_empty())
}

fn lines(configuration: &Configuration, path: &str, section: Section, values: &Table, text: &mut String) {
    let gap = if text.is_empty() { "" } else { "\n" };
    text.push_str(&format!("{gap}[{path}]\n"));
    for key in section.keys() {
        match values.get(*key) {
            None => {}
            Some(Value::Table(_)) if *key == "limits" => {}
            Some(value) => {
                let origin = configuration.origins.of(&format!("{path}.{key}"));
                text.push_str(&format!("{key} = {value}  # {origin}\n"));
            }
        }
    }
}
