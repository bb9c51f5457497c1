//! Every fixed bound of the host, with its reason. What an operator may move is in `config`.

use std::time::Duration;

/// Longest service name, in bytes: it is part of file names, metric labels and URLs.
pub const SERVICE_NAME_BYTES_MAX: usize = 40;

/// Most calls of one service that may run at once: each has an instance, and a host has as many of these at most.
pub const CALLS_IN_FLIGHT_MAX: usize = 10_000;

/// Connections to outside hosts that one call may have open at once: several times what a browser opens to one host. Each
/// takes a descriptor and a buffer of the host.
pub const OUTGOING_PER_CALL_MAX: usize = 32;

/// Connections to outside hosts that all calls of one release may have open at once: four for each call of the usual
/// `calls_in_flight_max`. A few such services leave most descriptors to clients.
pub const OUTGOING_PER_RELEASE_MAX: usize = 256;
const _: () = assert!(OUTGOING_PER_CALL_MAX < OUTGOING_PER_RELEASE_MAX);

/// For how long calls may wait while a store without data gets the format of another release, in milliseconds: it takes
/// one commit, and the calls under way must end before it.
pub const ADOPT_PAUSE_MS_MAX: u32 = 1_000;

/// Longest key of an entity in a state interface, in bytes: it must fit into the key of a system table's row.
pub const ENTITY_KEY_BYTES_MAX: usize = 512;
const _: () = assert!(ENTITY_KEY_BYTES_MAX < KEY_BYTES_MAX);

/// Characters of a component's reason against an import that the operator sees: a few lines.
pub const STATE_TEXT_CHARS_MAX: usize = 400;

/// Entities that an export reads in one call, and that a mirror imports in one: large enough that a call is worth its
/// instance, small enough that an import of all of them fits into one commit.
pub const MIRROR_PAGE_ENTITIES: u32 = 64;

/// Entities that a mirror reads in one call: few, because it reads all of them again after one of them has changed.
pub const MIRROR_HOT_PAGE_ENTITIES: u32 = 8;

/// Pages that a mirror copies again with one import, and with one commit: mostly one entity of each has changed. All of them
/// together have no more entities than the memory of two pages of an export.
pub const MIRROR_BATCH_PAGES: usize = 16;

/// Pages that a mirror remembers. Further ones are as large as those of an export.
pub const MIRROR_PAGES_MAX: usize = 200_000;

/// Bytes of the read set that a mirror remembers of each page. A larger set is replaced by one that contains more keys.
pub const MIRROR_READS_BYTES_MAX: usize = 512;

/// Pages of a mirror that are compared with new commits as one, and groups of them: each level of groups costs a commit as
/// many comparisons. The pages of a million entities have three levels.
pub const MIRROR_GROUP_MEMBERS_MAX: usize = 64;

/// Bytes of the read set of such a group. Pages that follow each other mostly read ranges that follow each other.
pub const MIRROR_GROUP_READS_BYTES_MAX: usize = 512;

/// The time of one call of a state interface in a mirror, an export or an import.
pub const STATE_CALL_MS_MAX: u64 = 5_000;

/// For how long new calls may wait while a handover completes its copy, in milliseconds: a client does not notice it.
pub const HANDOVER_HOLD_MS_MAX: u32 = 250;

/// Attempts at the swap of a handover, before it is given up.
pub const HANDOVER_ATTEMPTS_MAX: u32 = 10;

/// Entries that one commit deletes of a generation that nothing needs.
pub const MIRROR_CLEAR_ENTRIES: u32 = 256;

/// Entities in one batch of an import: they are one transaction, and a component may write several entries for each.
pub const STATE_LINES_MAX: usize = 100;

/// Attempts of a batch whose data other calls change at the same time.
pub const STATE_CONFLICTS_MAX: usize = 20;

/// Longest name of a data format, in bytes: it is shown in one line of a verdict.
pub const FORMAT_NAME_BYTES_MAX: usize = 64;

/// Connections to the operator's side at once: a console, probes, a scraper, and a few scripts.
pub const ADMIN_CONNECTIONS_MAX: usize = 256;

/// Largest manifest, in bytes: what stands in it is written by hand.
pub const MANIFEST_BYTES_MAX: usize = 1024 * 1024;

/// Largest request to bring a host to what a manifest says, in bytes: the manifest, and the texts of all contracts.
pub const APPLY_BYTES_MAX: usize = 16 * MANIFEST_BYTES_MAX;

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
pub const ASSET_CACHED_BYTES_MAX: usize = 512 * 1024;
pub const ASSET_CACHE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Files whose description is kept in memory: a storefront has fewer.
pub const ASSET_CACHE_ENTRIES_MAX: usize = 1024;

/// Names in the assets' folder itself that are remembered, so that requests for others need no look-up: a storefront has few,
/// and they are read again each second.
pub const ASSET_NAMES_MAX: usize = 1024;

/// How long a file kept in memory is served without a look at the disk, in milliseconds.
pub const ASSET_FRESH_MS_MAX: u64 = 1_000;

/// Bytes of an answer that are handed out at once: so much of each that is not taken is in the buffers of a connection.
pub const ANSWER_CHUNK_BYTES: usize = 64 * 1024;

/// How long an answer may take before its client has to keep to the slowest rate, in milliseconds.
pub const ANSWER_GRACE_MS: u64 = 10_000;

/// Longest time for which what a client has taken lets it take nothing, in milliseconds: the buffers of the kernel take
/// more at once than a slow client reads in a minute.
pub const ANSWER_CREDIT_MS_MAX: u64 = 120_000;

/// Longest header of the PROXY protocol, in bytes: addresses, and what proxies add about TLS.
pub const PROXY_HEADER_BYTES_MAX: usize = 4096;

/// Connections to the operator's side without a good token: probes and scrapers. The oldest makes room for the next one.
pub const ADMIN_UNAUTHENTICATED_MAX: usize = 64;

/// How long such a connection may last.
pub const ADMIN_UNAUTHENTICATED_TIME_MAX: Duration = Duration::from_secs(10);

/// Components that are received at once: each is in a file of the data directory until it gets its place.
pub const UPLOADS_AT_ONCE_MAX: usize = 32;

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

/// Most keys one change of the operator's may write. There are few changes, and the first start adds all services of a
/// manifest at once, each with about five keys.
pub const CHANGE_KEYS_MAX: usize = 32 * COMMIT_KEYS_MAX;

/// Largest commit, in bytes of keys, values and events: it is one record of the journal, held in memory whole.
pub const COMMIT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Largest event, in bytes of its names and payload: a failed delivery stores it again, with its error, in one commit.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// Most bytes of the events of one call: they are read back a page at a time, and a page must fit in a commit.
pub const EVENTS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most entries that one scan gives at once: a page, not a dump.
pub const SCAN_ENTRIES_MAX: u32 = 1000;

/// Bytes of keys and values behind which a scan ends its page, whatever its limit: a page is held in memory whole.
pub const SCAN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest index that is read whole and checked at every start; a larger one would hold the start up for too long.
pub const INDEX_CHECK_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Largest `backup.json`, in bytes: some hundred bytes a file, and no host has a hundred thousand of them.
pub const BACKUP_DOCUMENT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Bytes that are remembered of what one call read: some ten thousand keys and ranges. Beyond, neighbours are remembered
/// as one range.
pub const READ_SET_BYTES_MAX: usize = 1024 * 1024;

/// Bytes that an index writes between two syncs: about what one sync of the journal writes, so that the journal's syncs
/// wait no longer for those of an index than for their own.
pub const INDEX_SYNC_BYTES: usize = 256 * 1024;

/// Bytes of the log of one store's recent commits: half a second of small ones at full speed. A call that began before
/// it runs again.
pub const COMMIT_LOG_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes that one service may have in the journal's queue: a batch of small commits. More waits, so that no service's
/// commits stand behind a long queue of another's.
pub const JOURNAL_QUEUE_BYTES_MAX: usize = 1024 * 1024;

/// Most snapshots of one store that are held at once beyond the calls that took them: each keeps a few KiB of its own.
pub const SNAPSHOTS_MAX: usize = 1024;

/// Deepest nesting of a value, counted in types: what reads or writes it recurses that deep.
pub const VALUE_DEPTH_MAX: usize = 64;

/// Commits with which a cached answer is compared before it is used again: about as many as take the time of a run.
pub const REUSE_COMMITS_MAX: usize = 256;

/// Runs on which one cached answer may depend, its own and those below: each is compared when the answer is used again.
pub const REUSE_DEPENDENCIES_MAX: usize = 64;

/// Bytes of the read set of one run that are cached with its answer. Beyond, neighbours are remembered as one range.
pub const REUSE_READ_SET_BYTES_MAX: usize = 16 * 1024;

/// Largest answer of a call that is committed with the call's writes, in bytes: with it, a commit still has room for writes.
pub const ANSWER_BYTES_MAX: usize = COMMIT_BYTES_MAX / 4;

/// Largest sum of a call's arguments, in bytes: the intent that holds them is one commit.
pub const ARGUMENTS_BYTES_MAX: usize = COMMIT_BYTES_MAX / 4;

/// Clients whose shares of kept answers are remembered at once: 32 bytes each. Beyond, newcomers use one share.
pub const ANSWER_CLIENTS_MAX: usize = 65_536;

/// The longest time in which the failures of a release open its circuit: older ones are forgotten.
pub const CIRCUIT_WINDOW_MAX: Duration = Duration::from_secs(60);

/// Most calls that one writing call may make: their answers are kept for its next run.
pub const NESTED_CALLS_MAX: usize = 1_000;

/// Largest sum of those answers, in bytes of JSON: as much as one answer may be at most.
pub const NESTED_BYTES_MAX: usize = VALUE_JSON_BYTES_MAX;

/// Longest JSON of one value, in bytes, read or written: it is held in memory whole, beside the value itself.
pub const VALUE_JSON_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most memory that one value read from JSON may take, in bytes: a few bytes of JSON can stand for a record of many
/// absent fields, so a bound on the body alone is none on the value.
pub const VALUE_MEMORY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Longest name of an unknown member that an error repeats, in bytes: errors are logged.
pub const VALUE_UNKNOWN_NAME_BYTES_MAX: usize = 128;

/// Most failed deliveries of one service's events to another that are retried at once: what is known of each is in memory.
/// More of them fail when the subscriber itself does.
pub const EVENTS_RETRIED_MAX: usize = 1_000;

/// Most dead letters of one service: an operator looks at them, and which memos they need is computed for all of them.
pub const DEAD_LETTERS_MAX: u64 = 100_000;

/// Most events without a handler that a cursor moves over before it is stored: an event that was attempted is one of so
/// many behind the stored cursor, so its memos can be found.
pub const EVENTS_SKIPPED_MAX: u32 = 128;

/// Shortest time for which caches may give an answer without asking the host: HTTP counts whole seconds.
pub const ANSWER_AGE_MIN: Duration = Duration::from_secs(1);

/// Longest such time: nobody can take an answer back from a cache.
pub const ANSWER_AGE_MAX: Duration = Duration::from_hours(24 * 7);

/// Shortest period of a schedule: each run is a call with a transaction of its own.
pub const SCHEDULE_PERIOD_MIN: Duration = Duration::from_millis(100);

/// Longest period of a schedule.
pub const SCHEDULE_PERIOD_MAX: Duration = Duration::from_hours(24 * 7);

/// Largest component that is looked at, in bytes: Python's are 40 MiB, and compiling one takes many times its size.
pub const COMPONENT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Components that are taken at once: each is in memory until it is judged, and compiling takes both cores.
pub const COMPONENTS_AT_ONCE_MAX: usize = 4;

/// Most memory that compiling one component may take, in bytes: usual ones take some hundred MiB, and one of 81 KB that was
/// made to do harm took 2.4 GB.
pub const COMPILE_MEMORY_BYTES_MAX: u64 = 1280 * 1024 * 1024;

/// Most processor time that compiling one component may take, over all threads: one with a JavaScript engine takes some
/// seconds, and 21 s in a host that is built without optimization. It is not the time on the clock, which grows with
/// everything else that the machine does.
pub const COMPILE_PROCESSOR_TIME_MAX: Duration = Duration::from_secs(40);

/// Longest time on the clock for the same: a compiler that gets a third of one core must still end.
pub const COMPILE_TIME_MAX: Duration = Duration::from_secs(120);

/// Largest function of a component, in bytes of code: the main loop of an interpreter has some hundred thousand, and one of
/// 6.4 MB took the compiler 44 s and 3.9 GB.
pub const FUNCTION_BYTES_MAX: u64 = 1024 * 1024;

/// Most locals of one function: compilers without optimization make some thousand. What they cost grows with the blocks
/// over which they live: 20,000 over 20,000 blocks took more than 5.9 GB.
pub const FUNCTION_LOCALS_MAX: u64 = 10_000;

/// Most functions of all modules of a component: language runtimes have some ten thousand, and 400,000 small ones took the
/// compiler 1.6 GB.
pub const COMPONENT_FUNCTIONS_MAX: u64 = 100_000;

/// Most core modules in a component: one in Python has one for each library.
pub const COMPONENT_MODULES_MAX: u64 = 1_000;

/// Most instances that starting a component makes, of modules and of components within it: 2 KB can ask for a billion, each
/// of which the compiler lists.
pub const COMPONENT_INSTANCES_MAX: u64 = 1_000;

/// Most types that a component declares, at all levels: interfaces have some hundred, modules some thousand.
pub const COMPONENT_TYPES_MAX: u64 = 100_000;

/// Most tables, and most memories, of all modules of a component: a module has one or two, and an instance gets few.
pub const COMPONENT_TABLES_MAX: u64 = 1_000;
pub const COMPONENT_MEMORIES_MAX: u64 = 1_000;

/// Longest time that a component waits for its place among those.
pub const COMPONENT_WAIT_MAX: Duration = Duration::from_secs(60);

/// Longest time that the upload of a component may take: the largest one at half a megabyte a second.
pub const COMPONENT_READ_MAX: Duration = Duration::from_secs(600);

/// Native stack that the code of a guest may use: four fifths of it are left to the host functions that it calls.
pub const GUEST_STACK_BYTES_MAX: usize = 512 * 1024;

/// Bytes of a mounted request's body that are kept until its response begins: after a conflict they are the body of the
/// next run. A request with a longer body gets a 503 then.
pub const REPLAYED_BODY_BYTES_MAX: usize = 1024 * 1024;

/// Most elements of one table of a guest: interpreters have some ten thousand functions.
pub const TABLE_ELEMENTS_MAX: usize = 100_000;

/// Most random bytes that a guest gets at once.
pub const RANDOM_BYTES_MAX: u64 = 1024 * 1024;

/// Longest prefix of an id that the host makes for a guest, in bytes: it names the kind of thing, such as `ord`.
pub const ID_PREFIX_BYTES_MAX: usize = 16;

/// What is kept of a guest's output for the report of its failure, in bytes: a panic message with its backtrace.
pub const LOG_TAIL_BYTES_MAX: usize = 4096;

/// Longest line of a guest's output in the log, in bytes; a longer one is cut into several.
pub const LOG_LINE_BYTES_MAX: usize = 8192;

/// Bytes of the log that wait for its reader: some seconds of a busy host. Lines beyond are dropped and counted.
pub const LOG_QUEUE_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of one file of the recent log, and how many files are kept: 32 MiB hold about 100,000 lines, hours of a busy
/// host, and a reader takes one file at a time into memory.
pub const LOG_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
pub const LOG_FILES_MAX: u64 = 8;
const _: () = assert!(LOG_QUEUE_BYTES_MAX as u64 <= LOG_FILE_BYTES_MAX);

/// Ended spans that wait for their export, and the most spans of one export: some 8 MiB and 1 MiB. A busy host ends a few
/// thousand a second, and an export begins every second.
pub const SPANS_QUEUED_MAX: usize = 16_384;
pub const SPANS_PER_EXPORT_MAX: usize = 2_048;
const _: () = assert!(SPANS_PER_EXPORT_MAX < SPANS_QUEUED_MAX);

/// The last commits with events whose spans are remembered, for the deliveries: at 5,000 events a second those of most of
/// a second, a hundred times what a delivery needs.
pub const EMISSIONS_TRACED_MAX: usize = 4_096;

/// Bytes of the file with the headers for the collector, and of an answer of it that is read.
pub const TELEMETRY_HEADERS_BYTES_MAX: u64 = 16 * 1024;
pub const TELEMETRY_ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Requests that read the recent log at once: each may hold two files in memory.
pub const LOG_READERS_MAX: usize = 2;

/// File descriptors that clients' connections leave to the rest of the host: the operator's connections, the files of
/// stores, journal and assets, and requests to outside hosts.
pub const DESCRIPTORS_RESERVED: u64 = 2 * ADMIN_CONNECTIONS_MAX as u64;

/// Most problems, imports and exports that a verdict lists, each: a hostile component has as many as it likes.
pub const VERDICT_LINES_MAX: usize = 256;

/// Longest name or type in a verdict, in characters; the rest is cut off.
pub const VERDICT_TEXT_CHARS_MAX: usize = 400;

/// Longest that a component may have calls wait for its migration, in milliseconds: by then clients have given up.
pub const MIGRATION_PAUSE_MS_MAX: u32 = 30_000;

/// Longest text by which a component refuses to migrate, in characters; the rest is cut off.
pub const MIGRATION_TEXT_CHARS_MAX: usize = 2_000;

const _: () = assert!(KEY_BYTES_MAX < VALUE_BYTES_MAX);
const _: () = assert!(VALUE_BYTES_MAX < COMMIT_BYTES_MAX);
// The JSON reader itself stops at 128 levels; a type takes one level at most for each of its own.
const _: () = assert!(VALUE_DEPTH_MAX < 128);

/// Services that may have a candidate at once: every choice among them is a directory of its own, 16 in all.
pub const CANDIDATES_MAX: usize = 4;

/// Earlier releases of a service that stay ready to go back to.
pub const RELEASES_KEPT_MAX: usize = 10;

/// Differences of shadow runs that are kept for the operator, the first ones: more of them tell little more.
pub const SHADOW_DIFFERENCES_MAX: usize = 20;

/// Recent calls of one reading function that are remembered for the rehearsal of a deploy: with eight, a difference in
/// one call of ten is found in about half of the deploys, and the rehearsal of a service with many functions takes some
/// milliseconds.
pub const RECENT_CALLS_MAX: usize = 8;

/// Most bytes of the arguments of a remembered call: those of a reading call are ids and a few words. With all other
/// bounds, a service remembers 2 MiB at most.
pub const RECENT_CALL_BYTES_MAX: usize = 4096;

/// Functions of one service whose recent calls are remembered: contracts have some ten, and a swap may double them.
pub const RECENT_FUNCTIONS_MAX: usize = 64;

/// For how long calls of a rehearsal begin, in milliseconds: first the scratch calls of all functions, then the recent
/// calls on the live data. A deploy must not wait for a rehearsal longer than for the rest of its verdict.
pub const SCRATCH_CALLS_MS_MAX: u64 = 50;
pub const RECENT_CALLS_MS_MAX: u64 = 50;

/// Longest time of one call in a rehearsal, in milliseconds: a component in an interpreter on a busy machine needs a
/// second, and one that never ends must be found.
pub const REHEARSED_CALL_MS_MAX: u64 = 5_000;

/// Values of which a generated argument may consist: a type may describe a value as large as it likes in a few lines.
pub const GENERATED_VALUES_MAX: usize = 1_000;

/// Differences of one function that a rehearsal lists: more of them tell little more.
pub const REHEARSED_DIFFERENCES_MAX: usize = 8;

/// Calls below one call in a rehearsal: a chain of services.
pub const REHEARSED_DEPTH_MAX: usize = 8;
