//! The certificate authorities that the system trusts. All releases share them in memory: they have more than 100 KiB.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::RootCertStore;

use crate::clock;

/// How long they are not read again. A start loads many releases, and a later one must see what has been installed since.
const FRESH_FOR: Duration = Duration::from_secs(10);

static LATEST: Mutex<Latest> = Mutex::new(Latest(None));

/// What was read last, and when.
struct Latest(Option<(Instant, Arc<RootCertStore>)>);

pub(super) fn system_roots() -> Arc<RootCertStore> {
    LATEST.lock().unwrap_or_else(PoisonError::into_inner).get(clock::now(), read)
}

fn read() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        tracing::warn!(errors = ?found.errors, "the system has no certificates: outgoing https will not work");
    }
    roots
}

impl Latest {
    fn get(&mut self, now: Instant, read: impl FnOnce() -> RootCertStore) -> Arc<RootCertStore> {
        let roots = match self.0.take() {
            Some((since, roots)) if now.saturating_duration_since(since) < FRESH_FOR => {
                self.0 = Some((since, Arc::clone(&roots)));
                return roots;
            }
            Some((_, before)) => Some(read()).filter(|new| new.roots != before.roots).map_or(before, Arc::new),
            None => Arc::new(read()),
        };
        self.0 = Some((now, Arc::clone(&roots)));
        roots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: usize) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        for _ in 0..count {
            let key = rcgen::generate_simple_self_signed(vec!["shop.example".into()]).unwrap();
            roots.add(key.cert.der().clone()).unwrap();
        }
        roots
    }

    #[test]
    fn the_same_authorities_are_in_memory_once_and_new_ones_are_seen() {
        let (mut latest, begin, read) = (Latest(None), clock::now(), of(2));
        let first = latest.get(begin, || read.clone());
        let soon = latest.get(begin + FRESH_FOR / 2, || panic!("they have just been read"));
        let later = latest.get(begin + FRESH_FOR, || read.clone());
        assert!(Arc::ptr_eq(&first, &soon) && Arc::ptr_eq(&first, &later));
        let renewed = latest.get(begin + 2 * FRESH_FOR, || of(3));
        assert_eq!((renewed.len(), first.len()), (3, 2));
    }
}
