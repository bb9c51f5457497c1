//! Every fixed bound of the host, with its reason. What an operator may move is in `config`.

/// Longest service name, in bytes: it is part of file names, metric labels and URLs.
pub const SERVICE_NAME_BYTES_MAX: usize = 40;

/// Longest request id taken from a client, in bytes: it stands in every log line of its request.
pub const REQUEST_ID_BYTES_MAX: usize = 128;

/// Longest `Idempotency-Key`, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// Longest key a service may store, in bytes: a key must fit inside one 4 KiB page.
pub const KEY_BYTES_MAX: usize = 1024;

/// Largest value a service may store, in bytes.
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;

/// Most keys one commit may write: validating and applying it holds others up.
pub const COMMIT_KEYS_MAX: usize = 512;

/// Largest commit, in bytes of keys, values and events: it is one record of the journal, held in memory whole.
pub const COMMIT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Most entries that one scan gives at once: a page, not a dump.
pub const SCAN_ENTRIES_MAX: u32 = 1000;

/// Bytes of keys and values behind which a scan ends its page, whatever its limit: a page is held in memory whole.
pub const SCAN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest index that is read whole and checked at every start; a larger one would hold the start up for too long.
pub const INDEX_CHECK_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Most keys that a call's reads are remembered by; more are remembered as the range between the first and the last.
pub const READ_KEYS_MAX: usize = 4096;

/// Most ranges that a call's scans are remembered by; more are remembered as the whole store.
pub const READ_RANGES_MAX: usize = 256;

/// Deepest nesting of a value, counted in types: what reads or writes it recurses that deep.
pub const VALUE_DEPTH_MAX: usize = 64;

const _: () = assert!(KEY_BYTES_MAX < VALUE_BYTES_MAX);
const _: () = assert!(VALUE_BYTES_MAX < COMMIT_BYTES_MAX);
