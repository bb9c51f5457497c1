//! The data that all lives of all seeds share: the manifest, the contracts and the compiled components. Compiling takes
//! long, so it is done once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use switchyard::config::{Flags, Manifest, StoreSettings, load};
use switchyard::names::{Digest, HostSecret};
use switchyard::runtime::{COMPILED_FOLDER, Runtime};
use switchyard::tasks::Outages;

use super::variants;

/// Small segments, so that a life passes several, and checkpoints only where the simulator makes them. Answers are kept
/// for longer than all clock steps of a seed together, because an expired key may rightly have a second effect.
/// Deliveries have few attempts, so that events become dead letters.
const MANIFEST: &str = r#"
[store]
overlay_bytes_max = 67_108_864
checkpoint_ms_max = 3_600_000
index_cache_bytes = 1_048_576
batch_commits_max = 64

[retries]
answers_kept_ms = 31_536_000_000
intents_at_once = 4
intent_retry_ms_min = 10

[events]
kept_ms = 3_600_000
attempts_max = 3
retry_ms_min = 5
retry_ms_max = 100

[deploy]
candidate_calls_min = 3
shadow_calls_min = 2

[runtime]
instances_max = 1_024

[limits]
memory_bytes_max = 8_388_608
wait_ms_max = 5_000
store_bytes_max = 16_777_216
kept_bytes_max = 16_777_216
answer_bytes_max = 1_048_576
circuit_failures = 1_000

[services.front]
contract = "test:calls/front-service@1.0.0"
component = "components/first.wasm"

[services.back]
contract = "test:calls/back-service@1.0.0"
component = "components/first.wasm"

[services.source]
contract = "test:events/source-service@1.0.0"
component = "components/emits.wasm"

[services.sink]
contract = "test:events/sink-service@1.0.0"
component = "components/takes.wasm"
events_from = "beginning"

[services.clock]
contract = "test:events/clock-service@1.0.0"
component = "components/takes.wasm"
"#;

/// Clients that send it get candidates.
pub(crate) const CANDIDATE_HEADER: (&str, &str) = ("x-candidate", "yes");

/// The service with the schedule, which the operator removes and adds again.
pub(crate) const CLOCK: &str = "clock";

/// The periods of the tests are too short for hours of virtual time.
const PERIODS: [(&str, &str); 2] = [("every 100ms", "every 10m"), ("every 2s", "every 1h")];

/// The period of `tick`, in microseconds.
pub(crate) const TICK_MICROS: u64 = 600_000_000;

const SEGMENT_BYTES: u64 = 64 << 10;

/// No guest of the simulation runs for long: if one yielded, the order of tasks would depend on real time.
const EPOCH_MS: u64 = 3_600_000;

/// The initial data of all simulated hosts.
#[derive(Debug)]
pub(crate) struct World {
    /// The folder of files that hosts read from the real disk.
    _folder: tempfile::TempDir,
    manifest: Manifest,
    pub(crate) runtime: Runtime,
    /// The component of `clock`.
    pub(crate) clock: Vec<u8>,
    pub(crate) clock_digest: Digest,
    /// The variants of the component that `front` and `back` run, by number.
    pub(crate) variants: Vec<Vec<u8>>,
    digests: Vec<Digest>,
}

impl World {
    /// Compiles the test guests of the workspace.
    ///
    /// # Errors
    ///
    /// When they are not built.
    pub(crate) fn compile() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let component = |name: &str| {
            let path = workspace.join("target/wasm32-wasip2/release").join(name);
            fs::read(&path)
                .with_context(|| format!("{} is missing: build it with `cargo xtask guests`", path.display()))
        };
        let variants = variants::all(&component("callers.wasm")?)?;
        let place = |name: &str| folder.path().join("components").join(name);
        fs::create_dir(folder.path().join("components"))?;
        for name in ["emits.wasm", "takes.wasm"] {
            fs::write(place(name), component(name)?)?;
        }
        fs::write(place("first.wasm"), variants.first().context("a first variant")?)?;
        copy_folder(&workspace.join("host/tests/wit"), &folder.path().join("wit"))?;
        let events = folder.path().join("wit/events/events.wit");
        let text = fs::read_to_string(&events)?;
        fs::write(&events, PERIODS.iter().fold(text, |text, (from, to)| text.replace(from, to)))?;
        let path = folder.path().join("switchyard.toml");
        fs::write(&path, MANIFEST)?;
        let mut manifest = load(&path, &[], Flags::default())?.manifest;
        manifest.store.segment_bytes = SEGMENT_BYTES;
        manifest.runtime.epoch_ms = EPOCH_MS;
        fs::create_dir(&manifest.host.data)?;
        let runtime = Runtime::new(&manifest.runtime, &Outages::default())?;
        runtime.open_cache(&manifest.host.data.join(COMPILED_FOLDER), &HostSecret::new([7; 32]))?;
        let clock = component("takes.wasm")?;
        let (clock_digest, digests) = (Digest::of(&clock), variants.iter().map(|bytes| Digest::of(bytes)).collect());
        Ok(Self { _folder: folder, manifest, runtime, clock, clock_digest, variants, digests })
    }

    /// The manifest, with `clock` in it or not.
    pub(crate) fn manifest(&self, has_clock: bool) -> Manifest {
        let mut manifest = self.manifest.clone();
        manifest.services.retain(|name, _| has_clock || name.as_str() != CLOCK);
        manifest
    }

    /// The digest of the variant `number`.
    pub(crate) fn digest(&self, number: usize) -> Option<Digest> {
        self.digests.get(number).copied()
    }

    /// The version of the data that a component writes.
    pub(crate) fn data_version(&self, digest: Digest) -> u64 {
        self.digests.iter().position(|known| *known == digest).map_or(0, variants::version_of)
    }

    pub(crate) fn store_settings(&self) -> &StoreSettings {
        &self.manifest.store
    }
}

fn copy_folder(from: &Path, to: &PathBuf) -> anyhow::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match fs::metadata(entry.path())?.is_dir() {
            true => copy_folder(&entry.path(), &target)?,
            false => drop(fs::copy(entry.path(), &target)?),
        }
    }
    Ok(())
}
