//! The operations of the operator API.

use crate::admin::handlers::apply::{APPLY, REMOVE};
use crate::admin::handlers::entries::EDIT;
use crate::admin::handlers::logs::LOGS;
use crate::admin::handlers::releases::{DEPLOY, SET};

/// One method of one path.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    /// The least role that may do it.
    pub(super) role: &'static str,
    pub(super) query: &'static [&'static str],
    /// The media type of the body and its schema; empty without a body.
    pub(super) body: &'static str,
    pub(super) status: u16,
    /// The schema of the answer, after its media type unless that is `application/json`.
    pub(super) answer: &'static str,
}

/// The options of queries.
pub(super) const PARAMETERS: &[(&str, &str)] = &[
    ("after", "continue after this id or position"),
    ("afterIntents", "wait for unfinished calls, at most this many seconds"),
    ("allowOldSignature", "accept a signature with a lower number than an earlier one"),
    ("answersMayDiffer", "deploy although it has lost what the live release answers to recent calls"),
    ("cursor", "the `nextCursor` of a page"),
    ("dataCompatible", "deploy over data of another format: you vouch that the component reads it"),
    ("dryRun", "only show what would happen"),
    ("every", "seconds of each step"),
    ("first", "whether this is the first batch of an import"),
    ("force", "roll back over data that the release may not be able to read"),
    ("grant", "a host that the release may send requests to; may be repeated"),
    ("handover", "copy the data to the component, then swap; with `shadow`, after it has repeated calls on the copy"),
    ("header", "`name=value`: calls with this header get the candidate"),
    ("ifDigest", "only if the value of the entry has this digest, or if there is none: `none`"),
    ("key", "the key of the entry"),
    ("limit", "the most items of the page"),
    ("live", "continue on the live releases"),
    ("prefix", "only entries whose keys begin with this"),
    ("reason", "the reason, for the history"),
    ("replace", "end the trial of another candidate"),
    ("request", "only lines about the request with this id"),
    ("resetReleases", "also replace releases that were deployed after the last apply"),
    ("service", "only this service"),
    ("shadow", "the percentage of calls that the candidate repeats"),
    ("steps", "percentages of the callers, one after another"),
    ("to", "the digest of a kept release, or a prefix"),
    ("weight", "the percentage of the callers that get the candidate"),
];

const ONLY_REASON: &[&str] = &["reason"];
const NO_QUERY: &[&str] = &[];

macro_rules! operations {
    ($($method:ident $path:literal $role:literal $query:expr, $body:literal => $status:literal $answer:literal: $summary:literal;)*) => {
        pub(super) const OPERATIONS: &[Operation] = &[$(Operation {
            method: stringify!($method), path: $path, summary: $summary, role: $role, query: $query, body: $body,
            status: $status, answer: $answer,
        },)*];
    };
}

operations! {
    GET "/healthz" "none" NO_QUERY, "" => 200 "Health": "Whether the process answers";
    GET "/readyz" "none" NO_QUERY, "" => 200 "Readiness": "Whether the host can do its work; 503 and why not";
    GET "/metrics" "none" NO_QUERY, "" => 200 "text/plain Text": "All metrics, in Prometheus' text format";
    GET "/openapi.json" "none" NO_QUERY, "" => 200 "Any": "This document";
    GET "/version" "viewer" NO_QUERY, "" => 200 "Version": "The build of the host, and its formats";
    GET "/logs" "deployer" LOGS, "" => 200 "LogPage": "The recent log: of everything for an admin, else of the token's services";
    GET "/services" "viewer" NO_QUERY, "" => 200 "Services": "All services";
    GET "/services/{service}" "viewer" NO_QUERY, "" => 200 "Service": "One service, with its releases and figures";
    PUT "/services/{service}" "admin" APPLY, "application/json ServiceOrder" => 200 "Plan": "Adds a service, or changes it to its section of a manifest";
    DELETE "/services/{service}" "admin" REMOVE, "" => 200 "Plan": "Removes a service; its store and releases are kept";
    POST "/services/{service}/releases" "deployer" DEPLOY, "application/wasm Binary" => 201 "Deployed": "Deploys a component, live at once or as a candidate";
    POST "/services/{service}/promote" "deployer" &["reason", "afterIntents"], "" => 200 "Service": "Makes the candidate live";
    POST "/services/{service}/abort" "deployer" ONLY_REASON, "" => 200 "Service": "Removes the candidate";
    POST "/services/{service}/pause" "deployer" ONLY_REASON, "" => 200 "Service": "Keeps the share of the candidate as it is";
    POST "/services/{service}/resume" "deployer" ONLY_REASON, "" => 200 "Service": "Begins the current step of a paused candidate again";
    POST "/services/{service}/weight" "deployer" &["weight", "reason"], "" => 200 "Service": "Gives the candidate another share of the callers";
    POST "/services/{service}/rollback" "deployer" &["to", "force", "reason", "afterIntents"], "" => 200 "Service": "Returns to an earlier release";
    POST "/services/{service}/settle" "deployer" ONLY_REASON, "" => 200 "Service": "Ends a handover";
    POST "/services/{service}/call/{function}" "deployer" NO_QUERY, "application/json Any" => 200 "Any": "Calls a function with an object of its parameters; a deployer only functions that read";
    GET "/services/{service}/state" "admin" NO_QUERY, "" => 200 "application/x-ndjson Any": "Exports the entities of a service";
    POST "/services/{service}/state" "admin" &["dryRun", "reason", "first"], "application/x-ndjson Any" => 200 "Any": "Imports a batch of entities";
    GET "/services/{service}/entries" "admin" &["prefix", "after", "limit"], "" => 200 "Entries": "The entries of the service's store";
    GET "/services/{service}/entry" "admin" &["key"], "" => 200 "Entry": "One entry";
    PUT "/services/{service}/entry" "admin" EDIT, "application/octet-stream Binary" => 200 "EditedEntry": "Sets an entry to the body";
    DELETE "/services/{service}/entry" "admin" EDIT, "" => 200 "EditedEntry": "Deletes an entry";
    PUT "/components" "deployer" NO_QUERY, "application/wasm Binary" => 200 "Upload": "Uploads a component for a later change";
    POST "/releases" "deployer" SET, "application/json Set" => 201 "SetDeployed": "Deploys several services as one";
    GET "/history" "viewer" &["service", "limit", "cursor"], "" => 200 "History": "The changes, newest first";
    POST "/apply" "admin" APPLY, "application/json Order" => 200 "Plan": "Brings the host to a manifest";
    POST "/backup" "admin" NO_QUERY, "application/json BackupOrder" => 200 "application/x-ndjson Any": "Copies everything as of one instant";
    GET "/stores" "viewer" NO_QUERY, "" => 200 "Stores": "All stores";
    DELETE "/stores/{service}" "admin" NO_QUERY, "" => 204 "": "Deletes the store of a removed service";
    GET "/intents" "viewer" NO_QUERY, "" => 200 "Intents": "The unfinished calls";
    POST "/intents/{id}/retry" "admin" &["live"], "" => 200 "Intent": "Runs an unfinished call again";
    POST "/intents/{id}/give-up" "admin" ONLY_REASON, "" => 200 "Intent": "Gives an unfinished call up";
    GET "/events" "viewer" NO_QUERY, "" => 200 "Subscriptions": "All subscriptions";
    GET "/events/{service}" "viewer" &["after", "limit"], "" => 200 "ServiceEvents": "The subscriptions and failed deliveries of a service";
    POST "/events/{service}/replay" "admin" NO_QUERY, "application/json DeadLetters" => 200 "Count": "Delivers dead letters again";
    POST "/events/{service}/drop" "admin" NO_QUERY, "application/json DeadLetters" => 200 "Count": "Deletes dead letters";
    GET "/schedules" "viewer" &["service"], "" => 200 "Schedules": "The scheduled functions";
    GET "/tokens" "admin" NO_QUERY, "" => 200 "Tokens": "The tokens";
    POST "/tokens" "admin" NO_QUERY, "application/json NewToken" => 201 "NewToken": "Creates a token, which is shown once";
    DELETE "/tokens/{name}" "admin" NO_QUERY, "" => 204 "": "Revokes a token";
    GET "/cluster" "viewer" NO_QUERY, "" => 200 "Cluster": "The hosts of the cluster; 404 on a host that is in none, as for all of its paths";
    POST "/cluster/step-down" "admin" NO_QUERY, "" => 202 "Cluster": "Asks the leader to lead no more; the answer names it";
    DELETE "/cluster/nodes/{name}" "admin" NO_QUERY, "" => 200 "Cluster": "Removes a lost host from the list; one that still runs reports again";
}
