//! Any bytes, read as a segment of the journal and as one record: they are read or refused, without any other effect.

use switchyard::config::StoreSettings;
use switchyard::journal::{End, Frames, Record};
use switchyard::names::{CallId, ServiceName};
use switchyard::store::{CommitDetails, Stores};

use super::kind_of;
use crate::run::Target;

const SETTINGS: StoreSettings = StoreSettings {
    segment_bytes: 64 << 20,
    overlay_bytes_max: 64 << 20,
    checkpoint_ms_max: 3_600_000,
    index_cache_bytes: 1 << 20,
    batch_commits_max: 1,
};

pub(crate) struct Journal {
    segments: Vec<Vec<u8>>,
}

impl Journal {
    /// Begins with the segments of a journal that a store wrote, and with their records.
    pub(crate) fn open() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let service = ServiceName::parse("a")?;
        let stores = Stores::open(folder.path(), &SETTINGS, &[(service.clone(), 1 << 20)])?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        for number in 0..5_u8 {
            let Some(store) = stores.service(&service) else { continue };
            let mut transaction = store.begin();
            transaction.set(&format!("key {number}"), vec![number; usize::from(number) * 100])?;
            transaction.delete("key 1")?;
            let details = CommitDetails { call: CallId([number; 16]), data_version: Some(u64::from(number)) };
            let commit = async { anyhow::Ok(stores.wait_durable(transaction.commit(details).await?).await?) };
            runtime.block_on(commit)?;
        }
        let mut segments = Vec::new();
        for file in std::fs::read_dir(folder.path().join("journal"))? {
            let mut bytes = std::fs::read(file?.path())?;
            let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 64).min(bytes.len());
            bytes.truncate(end);
            if let Ok(frames) = Frames::read(&bytes) {
                segments.extend(frames.map(|(_, body)| body.to_vec()).collect::<Vec<_>>());
            }
            segments.push(bytes);
        }
        stores.close()?;
        Ok(Self { segments })
    }
}

impl Target for Journal {
    fn corpus(&self) -> Vec<Vec<u8>> {
        self.segments.clone()
    }

    fn run(&mut self, input: &[u8]) -> String {
        // The checksums of a frame keep most inputs out of its record, so the record is also tested separately.
        let record = match Record::decode(input) {
            Ok(record) => format!("{} sections", record.sections.len()),
            Err(error) => kind_of(&error.to_string()),
        };
        let mut frames = match Frames::read(input) {
            Ok(frames) => frames,
            Err(error) => return format!("{record}; {}", kind_of(&format!("{error:?}"))),
        };
        let (mut last, mut count) = (frames.next_number(), 0);
        for (number, body) in frames.by_ref() {
            assert_eq!(number, last);
            last.0 += 1;
            count += 1;
            drop(Record::decode(&body));
        }
        let end = frames.end();
        assert!(frames.offset() <= input.len());
        let rest = input.get(frames.offset()..).unwrap_or_default();
        assert!(end != End::Clean || rest.iter().all(|byte| *byte == 0));
        format!("{record}; {count} frames")
    }
}
