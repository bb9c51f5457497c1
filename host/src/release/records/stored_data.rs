//! The data of a service as it lies in its store, and how a release fits it.

use super::record::{DataFormat, ServiceRecord};
use crate::names::{FormatName, Generation};
use crate::store::Store;

/// The data of a service as it lies in its store. The default is that of a service that has stored nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::release) struct StoredData {
    /// That of the release that wrote it; nothing where that release did not say.
    pub(in crate::release) format: Option<FormatName>,
    pub(in crate::release) generation: Generation,
    pub(in crate::release) version: u64,
    /// The lowest version of an entry.
    pub(in crate::release) oldest: u64,
    /// Whether there is no entry at all.
    pub(in crate::release) is_empty: bool,
}

/// How a release fits the data of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::release) enum DataFit {
    /// It cannot read the format or the version of the data, of which there is none.
    Empty,
    Same,
    /// It brings the data to its own version.
    Migrates,
    OtherFormat,
    /// The data is of a later version than it reads.
    TooNew,
}

impl StoredData {
    /// The data of `record`'s service in `store`.
    pub(in crate::release) fn of(store: &Store, record: &ServiceRecord) -> Self {
        Self {
            format: record.live.data.format.clone(),
            generation: record.generation,
            version: store.data_version(),
            oldest: record.oldest_data,
            is_empty: store.bytes_of(record.generation) == 0,
        }
    }

    /// The data in `store`, of which no release is known.
    pub(in crate::release) fn without_release(store: &Store) -> Self {
        let version = store.data_version();
        let (format, generation) = (None, Generation::First);
        Self { format, generation, version, oldest: version, is_empty: store.bytes_of(generation) == 0 }
    }

    /// How `release` fits. Where the operator vouches for it, it reads the format of the data.
    pub(in crate::release) fn fit(&self, release: &DataFormat, is_vouched: bool) -> DataFit {
        // An empty store without a format takes the format of its first release.
        let is_unclaimed = self.is_empty && self.format.is_none();
        let same = is_vouched || is_unclaimed || self.format == release.format;
        let reads = release.reads_up_to >= self.version;
        match (same && reads, self.is_empty) {
            (false, true) => DataFit::Empty,
            (false, false) if !same => DataFit::OtherFormat,
            (false, false) => DataFit::TooNew,
            (true, _) if release.writes > self.oldest => DataFit::Migrates,
            (true, _) => DataFit::Same,
        }
    }
}

impl Default for StoredData {
    fn default() -> Self {
        Self { format: None, generation: Generation::First, version: 0, oldest: 0, is_empty: true }
    }
}

/// A format as a text for the operator.
pub(in crate::release) fn format_text(format: Option<&FormatName>) -> String {
    format.map_or_else(|| "a format that nobody names".into(), |name| format!("the format {name:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(name: &str) -> Option<FormatName> {
        FormatName::parse(name).ok()
    }

    fn fit(there: (&str, u64, u64, bool), release: (&str, u64, u64), is_vouched: bool) -> DataFit {
        let there = StoredData {
            format: format(there.0),
            version: there.1,
            oldest: there.2,
            is_empty: there.3,
            ..StoredData::default()
        };
        let release = DataFormat { format: format(release.0), writes: release.1, reads_up_to: release.2 };
        there.fit(&release, is_vouched)
    }

    #[test]
    fn a_release_fits_data_of_its_own_format_that_it_can_read_and_any_store_without_data() {
        use DataFit::*;
        let check =
            |there, release, expected| assert_eq!(fit(there, release, false), expected, "{there:?} {release:?}");
        check(("a", 1, 1, false), ("a", 1, 1), Same);
        check(("a", 1, 1, false), ("a", 2, 2), Migrates);
        check(("a", 2, 1, false), ("a", 2, 2), Migrates);
        check(("a", 2, 2, false), ("a", 1, 2), Same);
        check(("a", 2, 2, false), ("a", 1, 1), TooNew);
        check(("a", 1, 1, false), ("b", 1, 1), OtherFormat);
        check(("a", 1, 1, false), ("", 1, 1), OtherFormat);
        check(("", 0, 0, false), ("", 0, 0), Same);
        check(("", 0, 0, false), ("a", 1, 1), OtherFormat);
        check(("a", 2, 2, true), ("a", 1, 1), Empty);
        check(("a", 1, 1, true), ("b", 1, 1), Empty);
        check(("a", 1, 1, true), ("a", 2, 2), Migrates);
        check(("", 0, 0, true), ("a", 0, 0), Same);
        check(("", 0, 0, true), ("a", 1, 1), Migrates);
    }

    #[test]
    fn the_operator_vouches_for_a_format_and_not_for_a_version() {
        assert_eq!(fit(("a", 1, 1, false), ("b", 1, 1), true), DataFit::Same);
        assert_eq!(fit(("a", 0, 0, false), ("b", 1, 1), true), DataFit::Migrates);
        assert_eq!(fit(("a", 2, 2, false), ("b", 1, 1), true), DataFit::TooNew);
    }
}
