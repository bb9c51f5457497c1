//! `switchyard:service/migration`: the version of a component's data, and the migration of a store to it.

mod functions;

use std::sync::Arc;

use wasmtime::component::Val;

use self::functions::INTERFACE;
pub(super) use self::functions::Migration;
use super::operator_text::for_operator;
use super::program::Program;
use crate::limits::{MIGRATION_PAUSE_MS_MAX, MIGRATION_TEXT_CHARS_MAX};
use crate::names::{FormatName, NameError};
use crate::runtime::instance::{Failure, IsolatedFrame};
use crate::store::Transaction;

/// The versions of data that a component reports. The default is for a component that reports none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataDescription {
    /// The layout of the data; nothing for a component that says nothing.
    pub format: Option<FormatName>,
    /// The version that it writes.
    pub version: u32,
    /// The highest version that it reads, at least `version`.
    pub reads_up_to: u32,
    /// For how many milliseconds calls may wait while it migrates.
    pub pause_ms_max: u32,
}

/// Why a component's data version is unknown. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    #[error("it does not say what its data is")]
    Failed(#[source] Failure),
    #[error("it says that it writes data of version {version} and reads up to version {reads_up_to}, not even its own")]
    ReadsLess { version: u32, reads_up_to: u32 },
    #[error("it names no format for its data")]
    Format(#[source] NameError),
    #[error("it has calls wait {pause_ms_max} ms for its migration, and {MIGRATION_PAUSE_MS_MAX} ms are the most")]
    PauseTooLong { pause_ms_max: u32 },
}

/// Why data was not migrated. The writes of the run must be discarded.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The component's data has no versions.
    #[error("the component does not export {INTERFACE}")]
    NotExported,
    /// The component's own reason, for the operator.
    #[error("the component refuses to migrate: {text}")]
    Refused { text: String },
    #[error("the migration failed")]
    Failed(#[source] Failure),
}

/// The result of a migration.
#[derive(Debug)]
pub struct Migrated {
    pub result: Result<(), MigrateError>,
    /// It contains all writes of the migration. The caller decides whether to commit them; after an error it must not.
    pub transaction: Transaction,
}

impl Program {
    /// The data versions that the component reports; the default if it does not export `switchyard:service/migration`.
    ///
    /// The transaction may be read-only, on any store.
    ///
    /// # Errors
    ///
    /// [`DescribeError`]; a failed run is logged here.
    ///
    /// # Cancel safety
    ///
    /// Like [`Program::run`].
    pub async fn describe_data(self: &Arc<Self>, frame: IsolatedFrame) -> Result<DataDescription, DescribeError> {
        let Some(migration) = &self.migration else { return Ok(DataDescription::default()) };
        let finished = self.run_isolated(Some(&migration.describe), [], frame).await;
        let Some(Val::Record(fields)) = finished.result.map_err(DescribeError::Failed)? else {
            unreachable!("linking made sure that it gives a record")
        };
        let field = |name: &str| match fields.iter().find(|(field, _)| field == name) {
            Some((_, Val::U32(number))) => *number,
            _ => unreachable!("linking made sure of the fields of the record"),
        };
        let format = match fields.iter().find(|(field, _)| field == "format") {
            Some((_, Val::String(text))) => FormatName::parse(text).map_err(DescribeError::Format)?,
            _ => unreachable!("linking made sure of the fields of the record"),
        };
        let (version, reads_up_to) = (field("version"), field("reads-up-to"));
        let pause_ms_max = field("pause-ms-max");
        if reads_up_to < version {
            return Err(DescribeError::ReadsLess { version, reads_up_to });
        }
        if pause_ms_max > MIGRATION_PAUSE_MS_MAX {
            return Err(DescribeError::PauseTooLong { pause_ms_max });
        }
        Ok(DataDescription { format: Some(format), version, reads_up_to, pause_ms_max })
    }

    /// Runs the component's migration of the snapshot's data from version `from`, which is below its own version. The
    /// returned transaction contains its writes, to be committed or, for a rehearsal, dropped.
    ///
    /// The limits are those of a call, except for the time, which is the given deadline. A failed run is logged.
    ///
    /// # Cancel safety
    ///
    /// Like [`Program::run`].
    pub async fn migrate(self: &Arc<Self>, from: u32, frame: IsolatedFrame) -> Migrated {
        let Some(migration) = &self.migration else {
            return Migrated { result: Err(MigrateError::NotExported), transaction: frame.transaction };
        };
        let finished = self.run_isolated(Some(&migration.migrate), [Val::U32(from)], frame).await;
        let result = match finished.result {
            Ok(Some(Val::Result(Err(Some(text))))) => match *text {
                Val::String(text) => Err(MigrateError::Refused { text: for_operator(&text, MIGRATION_TEXT_CHARS_MAX) }),
                other => unreachable!("linking made sure that its error is a string, not {other:?}"),
            },
            Ok(_) => Ok(()),
            Err(failure) => Err(MigrateError::Failed(failure)),
        };
        Migrated { result, transaction: finished.transaction }
    }
}
