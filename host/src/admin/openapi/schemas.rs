//! The shapes of bodies and answers, in a short notation: `name:type`, `?` for a member that may be absent, `|null` for
//! one that may be null, `[]` for a list and `{}` for a map by name.

use serde_json::{Map, Value as Json, json};

pub(super) const SCHEMAS: &[(&str, &str)] = &[
    ("Any", ""),
    ("Binary", "=binary"),
    ("Text", "=string"),
    (
        "Problem",
        "type:string title:string status:integer detail:string instance:string errors:[]Fault? verdict:Verdict? verdicts:{}Verdict?",
    ),
    ("Fault", "field:string? parameter:string? detail:string"),
    ("Health", "status:string"),
    ("Readiness", "ready:boolean because:[]string?"),
    ("Version", "switchyard:string commit:string wasmtime:string formats:{}integer"),
    ("LogPage", "items:[]Any nextCursor:string"),
    ("Services", "items:[]Service manifestFile:ManifestState"),
    ("ManifestState", "path:string unapplied:[]string error:string?"),
    (
        "Service",
        "name:string contract:string mount:string? live:Release candidate:Candidate? mirror:Any? kept:[]Release dataVersion:integer figures:CallFigures storeBytes:integer platformBytes:integer",
    ),
    (
        "CallFigures",
        "calls:integer refused:integer errors:{}integer latencyMicros:Latency? conflicts:integer turns:integer reused:integer nestedCalls:integer inFlight:integer waiting:integer",
    ),
    ("Latency", "p50:integer p99:integer"),
    (
        "Release",
        "number:integer digest:string deployedAt:string by:string reason:string? dataVersion:DataVersion circuitOpen:boolean rolledBack:boolean? missing:boolean? figures:ReleaseFigures?",
    ),
    ("DataVersion", "format:string? writes:integer readsUpTo:integer"),
    (
        "ReleaseFigures",
        "calls:integer refused:integer errors:integer traps:integer errorRate:number latencyMicros:Latency?",
    ),
    (
        "Candidate",
        "number:integer digest:string deployedAt:string by:string reason:string? dataVersion:DataVersion circuitOpen:boolean rolledBack:boolean? missing:boolean? figures:ReleaseFigures? phase:string share:number header:Header? steps:[]number step:integer? paused:boolean? everySeconds:integer? nextStepAt:string? shadow:Any? judged:Judged?",
    ),
    ("Header", "name:string value:string"),
    ("Judged", "opinion:string text:string live:Rates candidate:Rates sampleMin:integer"),
    ("Rates", "calls:integer refusedRate:number errorRate:number trapRate:number slowRate:number"),
    ("Deployed", "release:Release? verdict:Verdict unchanged:boolean"),
    ("SetDeployed", "releases:{}Release verdicts:{}Verdict unchanged:boolean"),
    (
        "Verdict",
        "accepted:boolean service:string digest:string world:string checks:[]Check problems:[]VerdictProblem problemsMore:integer warnings:[]string? functions:[]Any? rehearsal:Any? compatibility:Any? asks:Any timings:{}number text:string",
    ),
    ("Check", "name:string passed:boolean detail:string"),
    ("VerdictProblem", "path:string expected:string found:string detail:string"),
    ("Upload", "digest:string bytes:integer"),
    ("Set", "set:{}Component reason:string? grants:[]string? signatures:{}string?"),
    ("Component", "digest:string"),
    ("History", "items:[]HistoryEntry nextCursor:string?"),
    (
        "HistoryEntry",
        "number:integer at:string who:string service:string? what:string from:string? to:string? reason:string? verdict:Any? figures:Any?",
    ),
    ("Order", "manifest:string components:{}string? contracts:[]ContractFile? signatures:{}string? reason:string?"),
    ("ServiceOrder", "manifest:string component:string contracts:[]ContractFile? signature:string? reason:string?"),
    ("ContractFile", "path:string text:string"),
    ("Plan", "changes:[]Change missing:[]string verdicts:{}Verdict applied:boolean manifestFile:ManifestFile"),
    ("Change", "service:string? what:string from:string? to:string? detail:string"),
    ("ManifestFile", "path:string agrees:boolean"),
    ("BackupOrder", "folder:string"),
    ("Stores", "items:[]Store"),
    ("Store", "service:string bytes:integer platformBytes:integer inUse:boolean"),
    ("Entries", "items:[]Entry nextAfter:string?"),
    ("Entry", "key:string bytes:integer digest:string text:string? hex:string?"),
    ("EditedEntry", "key:string before:EntrySize? after:EntrySize?"),
    ("EntrySize", "bytes:integer digest:string"),
    ("Intents", "items:[]Intent"),
    (
        "Intent",
        "id:string service:string function:string request:string begunAt:string ageMs:integer attempts:integer lastError:string? running:boolean dueInMs:integer onLive:boolean",
    ),
    ("Subscriptions", "items:[]Subscription"),
    (
        "Subscription",
        "service:string from:string interfaces:[]string commit:integer lagEvents:integer lagSeconds:number retrying:integer dead:integer pauseReason:string?",
    ),
    ("ServiceEvents", "items:[]Subscription failedDeliveries:[]Any"),
    ("DeadLetters", "ids:[]string? all:boolean? reason:string?"),
    ("Count", "count:integer"),
    ("Schedules", "items:[]Schedule"),
    (
        "Schedule",
        "service:string function:string everyMs:integer lastAt:string? nextAt:string running:boolean error:string? failures:integer",
    ),
    ("Tokens", "items:[]Token"),
    ("Token", "name:string role:string services:[]string createdAt:string lastUsedAt:string?"),
    ("NewToken", "name:string role:string services:[]string? createdAt:string? token:string?"),
    (
        "Cluster",
        "cluster:string leader:string|null epoch:integer commit:integer leaseMs:integer stream:string? nodes:[]ClusterNode",
    ),
    (
        "ClusterNode",
        "node:string address:string role:string version:string commit:integer behind:integer reportedMs:integer because:[]string?",
    ),
];

/// The schema with these members.
pub(super) fn schema(members: &str) -> Json {
    match members.strip_prefix('=') {
        Some("binary") => return json!({"type": "string", "format": "binary"}),
        Some(plain) => return json!({"type": plain}),
        None if members.is_empty() => return json!({}),
        None => {}
    }
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (name, of) in members.split(' ').filter_map(|member| member.split_once(':')) {
        let (of, is_optional) = of.strip_suffix('?').map_or((of, false), |of| (of, true));
        properties.insert(name.to_owned(), reference(of));
        if !is_optional {
            required.push(name);
        }
    }
    json!({"type": "object", "properties": properties, "required": required})
}

/// A type, or a reference to a schema.
pub(super) fn reference(of: &str) -> Json {
    if let Some(item) = of.strip_prefix("[]") {
        return json!({"type": "array", "items": reference(item)});
    }
    if let Some(item) = of.strip_prefix("{}") {
        return json!({"type": "object", "additionalProperties": reference(item)});
    }
    match of {
        "string" | "integer" | "number" | "boolean" => json!({"type": of}),
        "string|null" => json!({"type": ["string", "null"]}),
        schema => json!({"$ref": format!("#/components/schemas/{schema}")}),
    }
}
