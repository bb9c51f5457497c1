//! Every fixed bound of the host, with its reason. What an operator may move is in `config`.

use std::time::Duration;

/// Longest service name, in bytes: it is part of file names, metric labels and URLs.
pub const SERVICE_NAME_BYTES_MAX: usize = 40;

/// Longest request id taken from a client, in bytes: it stands in every log line of its request.
pub const REQUEST_ID_BYTES_MAX: usize = 128;

/// Longest `Idempotency-Key`, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// Fewest bytes of one write that count as an answer being taken: more than the acknowledgements of HTTP/2 that a client
/// can ask for without end.
pub const WRITE_PROGRESS_BYTES_MIN: usize = 512;

/// Most bytes of an unwanted request body that are read and thrown away, so that the client sees the refusal and not a
/// reset connection.
pub const BODY_DISCARD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Clients whose request rates are remembered at once: 64 bytes each. Beyond, newcomers share one rate.
pub const RATED_CLIENTS_MAX: usize = 65_536;

/// Ranges that one request may ask of a file; a request for more gets the whole.
pub const RANGES_MAX: usize = 16;

/// Largest file that is kept in memory, and the sum of those kept, in bytes.
pub const ASSET_CACHED_BYTES_MAX: usize = 256 * 1024;
pub const ASSET_CACHE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Files whose description is kept in memory: a storefront has fewer.
pub const ASSET_CACHE_ENTRIES_MAX: usize = 1024;

/// How long a file kept in memory is served without a look at the disk, in milliseconds.
pub const ASSET_FRESH_MS_MAX: u64 = 1_000;

/// Bytes of a file that are read at once when it is streamed.
pub const FILE_CHUNK_BYTES: usize = 64 * 1024;

/// Answers up to this size, in bytes, are compressed on the thread that handles the request; larger ones elsewhere.
pub const COMPRESS_INLINE_BYTES_MAX: usize = 64 * 1024;

/// Longest bearer token, in bytes: signed tokens of other makers are long, opaque ones short.
pub const TOKEN_BYTES_MAX: usize = 2048;

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

/// Deepest nesting of a value, counted in types: what reads or writes it recurses that deep.
pub const VALUE_DEPTH_MAX: usize = 64;

/// Longest JSON of one value, in bytes, read or written: it is held in memory whole, beside the value itself.
pub const VALUE_JSON_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most memory that one value read from JSON may take, in bytes: a few bytes of JSON can stand for a record of many
/// absent fields, so a bound on the body alone is none on the value.
pub const VALUE_MEMORY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Longest name of an unknown member that an error repeats, in bytes: errors are logged.
pub const VALUE_UNKNOWN_NAME_BYTES_MAX: usize = 128;
/// Shortest period of a schedule: each run is a call with a transaction of its own.
pub const SCHEDULE_PERIOD_MIN: Duration = Duration::from_millis(100);

/// Longest period of a schedule. A host that starts anew more often than that would never come to it.
pub const SCHEDULE_PERIOD_MAX: Duration = Duration::from_hours(24 * 7);

/// Largest component that is looked at, in bytes: Python's are 40 MiB, and compiling one takes many times its size.
pub const COMPONENT_BYTES_MAX: usize = 256 * 1024 * 1024;

const _: () = assert!(KEY_BYTES_MAX < VALUE_BYTES_MAX);
const _: () = assert!(VALUE_BYTES_MAX < COMMIT_BYTES_MAX);
// The JSON reader itself stops at 128 levels; a type takes one level at most for each of its own.
const _: () = assert!(VALUE_DEPTH_MAX < 128);
