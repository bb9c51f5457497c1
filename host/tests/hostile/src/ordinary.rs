//! What any component does, so that the tests can tell that it still works.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a guest has only what std gives it")]

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant, SystemTime};

use crate::Guest;
use crate::bindings::exports::test::hostile::ordinary::{self, Refusal};
use crate::bindings::switchyard::service::{call, caller, store};
use crate::bindings::test::hostile::{hostile_events, peer};
use crate::bindings::wasi::keyvalue::atomics::{self, Cas, CasError};
use crate::bindings::wasi::keyvalue::store::Bucket;
use crate::bindings::wasi::keyvalue::{batch, store as keyvalue};

impl ordinary::Guest for Guest {
    fn echo(text: String) -> String {
        println!("{text}");
        text
    }

    fn get(key: String) -> Option<Vec<u8>> {
        store::get(&key)
    }

    fn set(key: String, value: Vec<u8>) {
        store::set(&key, &value);
    }

    fn keys(prefix: String) -> Vec<String> {
        let page = store::scan(&prefix, None, store::Direction::Ascending, 100);
        page.entries.into_iter().map(|entry| entry.key).collect()
    }

    fn emit(text: String) {
        hostile_events::happened(&text);
    }

    fn caller() -> String {
        let identity = caller::current().map_or("nobody".into(), |who| format!("{}/{}", who.id, who.role));
        format!("{identity} {}", caller::calling_service().unwrap_or_default())
    }

    fn environment(name: String) -> Option<String> {
        std::env::var(name).ok()
    }

    fn fixed() -> (u64, u64) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        (u64::try_from(now.as_micros()).unwrap_or(u64::MAX), RandomState::new().hash_one(0))
    }

    fn drawn(prefix: String) -> (u64, Vec<u8>, String, String) {
        (call::now(), call::random_bytes(4), call::new_id(&prefix), call::new_id(&prefix))
    }

    fn nap(ms: u32) -> u64 {
        let began = Instant::now();
        std::thread::sleep(Duration::from_millis(ms.into()));
        u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn ask(text: String) -> Result<String, Refusal> {
        peer::ask(&text).map_err(|refusal| match refusal {
            peer::Refusal::Refused(why) => Refusal::Refused(why),
            peer::Refusal::Unavailable(why) => Refusal::Unavailable(why),
        })
    }

    fn keyvalue() -> Vec<String> {
        let Ok(bucket) = keyvalue::open("default") else { return vec!["no bucket".into()] };
        let mut found = vec![format!("other bucket: {:?}", keyvalue::open("other").err())];
        found.push(format!("empty: {:?}", bucket.get("a")));
        found.push(format!("set: {:?}", bucket.set("a", b"1")));
        found.push(format!("increment: {:?}", atomics::increment(&bucket, "a", 41)));
        found.push(format!("increment new: {:?}", atomics::increment(&bucket, "n", -5)));
        found.push(format!("exists: {:?}", bucket.exists("a")));
        found.push(format!("set many: {:?}", batch::set_many(&bucket, &[("b".into(), b"x".to_vec())])));
        found.push(format!("get many: {:?}", batch::get_many(&bucket, &["b".into(), "none".into()])));
        found.push(format!("keys: {:?}", bucket.list_keys(None).map(|page| page.keys)));
        found.push(format!("delete: {:?}", batch::delete_many(&bucket, &["b".into(), "none".into()])));
        found.push(format!("swapped: {}", swap(&bucket)));
        found.push(format!("no key: {}", bucket.set("", b"x").is_err()));
        found
    }

    fn reach_out() -> Vec<String> {
        let file = std::fs::read("/etc/passwd").map(|bytes| bytes.len());
        let socket = std::net::TcpStream::connect("127.0.0.1:80").map(|_| ());
        let name = std::net::ToSocketAddrs::to_socket_addrs("localhost:80").map(|_| ());
        vec![format!("{}", file.is_err()), format!("{}", socket.is_err()), format!("{}", name.is_err())]
    }
}

/// A swap of a value that changed meanwhile fails with a handle that then succeeds.
fn swap(bucket: &Bucket) -> String {
    let Ok(stale) = Cas::new(bucket, "a") else { return "no handle".into() };
    let seen = stale.current();
    let changed = bucket.set("a", b"changed");
    match atomics::swap(stale, b"stale") {
        Err(CasError::CasFailed(fresh)) => {
            format!("{seen:?} {changed:?} {:?} {:?}", fresh.current(), atomics::swap(fresh, b"fresh").is_ok())
        }
        other => format!("{}", other.is_ok()),
    }
}
