//! The names of settings, read from the structs themselves, so that no list of them can become outdated.

#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde::de::value::Error;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use toml::Spanned;
use toml::de::DeTable;

use super::cluster::ClusterSettings;
use super::settings::{
    DeploySettings, EventSettings, GatewaySettings, HostSettings, JournalSettings, LimitOverrides, LimitSettings,
    Manifest, RetrySettings, RuntimeSettings, ServiceSettings, StoreSettings, TelemetrySettings,
};

/// A word counts as a misspelling of another from this similarity on (Jaro-Winkler, 0 to 1).
const LIKENESS_MIN: f64 = 0.8;

/// A group of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Manifest,
    Host,
    Gateway,
    Store,
    Journal,
    Runtime,
    Limits,
    Retries,
    Deploy,
    Events,
    Telemetry,
    Cluster,
    Service,
    ServiceLimits,
}

impl Section {
    /// The sections with a fixed name, in the order of the documentation.
    pub(super) const NAMED: [(&'static str, Self); 11] = [
        ("host", Self::Host),
        ("gateway", Self::Gateway),
        ("store", Self::Store),
        ("journal", Self::Journal),
        ("runtime", Self::Runtime),
        ("limits", Self::Limits),
        ("retries", Self::Retries),
        ("deploy", Self::Deploy),
        ("events", Self::Events),
        ("telemetry", Self::Telemetry),
        ("cluster", Self::Cluster),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, section)| *section)
    }

    /// Whether `table` can be read as this group.
    pub(super) fn check(self, table: DeTable<'_>) -> Result<(), toml::de::Error> {
        let deserializer = toml::de::Deserializer::from(Spanned::new(0..0, table));
        match self {
            Self::Manifest => Manifest::deserialize(deserializer).map(drop),
            Self::Host => HostSettings::deserialize(deserializer).map(drop),
            Self::Gateway => GatewaySettings::deserialize(deserializer).map(drop),
            Self::Store => StoreSettings::deserialize(deserializer).map(drop),
            Self::Journal => JournalSettings::deserialize(deserializer).map(drop),
            Self::Runtime => RuntimeSettings::deserialize(deserializer).map(drop),
            Self::Limits => LimitSettings::deserialize(deserializer).map(drop),
            Self::Retries => RetrySettings::deserialize(deserializer).map(drop),
            Self::Deploy => DeploySettings::deserialize(deserializer).map(drop),
            Self::Events => EventSettings::deserialize(deserializer).map(drop),
            Self::Telemetry => TelemetrySettings::deserialize(deserializer).map(drop),
            Self::Cluster => ClusterSettings::deserialize(deserializer).map(drop),
            Self::Service => ServiceSettings::deserialize(deserializer).map(drop),
            Self::ServiceLimits => LimitOverrides::deserialize(deserializer).map(drop),
        }
    }

    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Manifest => fields::<Manifest>(),
            Self::Host => fields::<HostSettings>(),
            Self::Gateway => fields::<GatewaySettings>(),
            Self::Store => fields::<StoreSettings>(),
            Self::Journal => fields::<JournalSettings>(),
            Self::Runtime => fields::<RuntimeSettings>(),
            Self::Limits => fields::<LimitSettings>(),
            Self::Retries => fields::<RetrySettings>(),
            Self::Deploy => fields::<DeploySettings>(),
            Self::Events => fields::<EventSettings>(),
            Self::Telemetry => fields::<TelemetrySettings>(),
            Self::Cluster => fields::<ClusterSettings>(),
            Self::Service => fields::<ServiceSettings>(),
            Self::ServiceLimits => fields::<LimitOverrides>(),
        }
    }
}

/// A hint for the unknown name `name`: the most similar of `known`, or all of them.
pub(crate) fn instead_of(name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), *candidate))
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    match nearest {
        Some((likeness, candidate)) if likeness >= LIKENESS_MIN => format!("did you mean `{candidate}`?"),
        _ => format!("known are {}", known.join(", ")),
    }
}

/// The names of the fields that `T` deserializes.
fn fields<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    let _asked = T::deserialize(Asks(&mut fields));
    fields
}

/// A deserializer that records the field names of a struct and then fails.
struct Asks<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Asks<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("no struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("only the names were asked for"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
