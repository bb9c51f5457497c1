//! The pointer: whoever calls begins on one table, in which each service has its live release or its candidate.

use std::sync::{Arc, LazyLock};

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use proptest::prelude::*;
use switchyard::call::{
    Backend, Candidate, LinkedComponent, LoadedRelease, Origin, Routing, RoutingTable, Service, Share,
};
use switchyard::contract::Contracts;
use switchyard::limits::CANDIDATES_MAX;
use switchyard::names::{Digest, Generation, Identity, ServiceName};
use switchyard::runtime::LinkSettings;
use switchyard::store::Stores;

use crate::guest::{limits, runtime, store_settings};

/// Services with two releases each: one is live, the other one may be a candidate.
struct Services {
    live: Vec<Backend>,
    other: Vec<Backend>,
    _stores: Stores,
    _data: tempfile::TempDir,
}

static SERVICES: LazyLock<Services> = LazyLock::new(|| {
    let data = tempfile::tempdir().unwrap();
    let wit = data.path().join("wit/nothing");
    std::fs::create_dir_all(&wit).unwrap();
    std::fs::write(wit.join("nothing.wit"), "package test:nothing@1.0.0; world nothing {}").unwrap();
    let world = Contracts::read(&data.path().join("wit")).unwrap().world("test:nothing/nothing").unwrap();
    let names: Vec<_> = (0..=CANDIDATES_MAX).map(|n| ServiceName::parse(&format!("s{n}")).unwrap()).collect();
    let quotas: Vec<_> = names.iter().map(|name| (name.clone(), 1 << 20)).collect();
    let stores = Stores::open(&data.path().join("data"), &store_settings(), &quotas).unwrap();
    let runtime = runtime(1);
    let code = runtime.compile(&wat::parse_str("(component)").unwrap()).unwrap();
    let (mut live, mut other) = (Vec::new(), Vec::new());
    for name in names {
        let service = Arc::new(Service::new(name.clone(), stores.service(&name).unwrap(), limits()));
        let backend = |mark: &str| {
            let settings = LinkSettings {
                service: name.clone(),
                environment: Vec::new(),
                outbound_hosts: Vec::new(),
                limits: limits(),
            };
            let program = runtime.link(&code, &world, settings).unwrap();
            let digest = Digest::of(mark.as_bytes());
            let release = Arc::new(LoadedRelease::new(
                digest,
                Arc::clone(&world),
                LinkedComponent::Contract(program),
                &limits(),
                0,
            ));
            Backend { service: Arc::clone(&service), release, generation: Generation::First }
        };
        live.push(backend("live"));
        other.push(backend("other"));
    }
    Services { live, other, _stores: stores, _data: data }
});

/// A candidate: its share in hundredths of a percent, and whether `x-try: yes` gets it, too.
fn rollout() -> impl Strategy<Value = Option<(u32, bool)>> {
    prop_oneof![
        1 => Just(None),
        4 => (prop_oneof![Just(0), Just(10_000), 0..=10_000_u32], any::<bool>()).prop_map(Some),
    ]
}

fn routing(rollouts: &[Option<(u32, bool)>]) -> Routing {
    routing_of(rollouts, false)
}

fn routing_of(rollouts: &[Option<(u32, bool)>], reads_only: bool) -> Routing {
    let candidates = SERVICES.other.iter().zip(rollouts).filter_map(|(backend, rollout)| {
        let (share, by_header) = (*rollout)?;
        let header = (HeaderName::from_static("x-try"), HeaderValue::from_static("yes"));
        let (share, header) = (Share::of_parts(share), by_header.then_some(header));
        Some(Candidate { backend: backend.clone(), share, header, reads_only })
    });
    Routing::new(&SERVICES.live, candidates.collect(), &[]).unwrap()
}

fn runs(table: &RoutingTable, backend: &Backend) -> bool {
    Arc::ptr_eq(&table.backend(backend.service.name()).unwrap().release, &backend.release)
}

proptest! {
    #[test]
    fn every_caller_gets_of_each_service_its_live_release_or_the_candidate_that_it_is_in_the_share_of(
        rollouts in prop::collection::vec(rollout(), CANDIDATES_MAX),
        account: Option<String>,
        client: [u8; 16],
        tries: Option<bool>,
        reads_only: bool,
    ) {
        let routing = routing(&rollouts);
        let identity = account.map(|id| Identity { id: id.into(), role: "customer".into(), session: None });
        let mut headers = HeaderMap::new();
        if let Some(yes) = tries {
            headers.append("x-try", HeaderValue::from_static(if yes { "yes" } else { "no" }));
        }
        let origin = Origin { client: &client, headers: Some(&headers) };
        let chosen = routing.choose(identity.as_ref(), origin, reads_only);
        prop_assert_eq!(chosen.backends().count(), SERVICES.live.len());
        let key = identity.as_ref().map_or(&client[..], |identity| identity.id.as_bytes());
        for (position, live) in SERVICES.live.iter().enumerate() {
            let rollout = rollouts.get(position).copied().flatten();
            let takes = rollout.is_some_and(|(share, by_header)| {
                let drawn = Share::of_parts(share).takes(live.service.name(), &Digest::of(b"other"), key);
                drawn || (by_header && tries == Some(true))
            });
            let due = if takes { &SERVICES.other[position] } else { live };
            prop_assert!(runs(chosen, due), "service {}, {:?}", position, rollout);
        }
        prop_assert!(Arc::ptr_eq(chosen, routing.choose(identity.as_ref(), origin, reads_only)), "the same caller, the same table");
    }

    #[test]
    fn the_address_of_an_account_does_not_count(
        rollouts in prop::collection::vec(rollout(), CANDIDATES_MAX),
        id: String,
        clients: [[u8; 16]; 2],
    ) {
        let routing = routing(&rollouts);
        let identity = Identity { id: id.into(), role: "customer".into(), session: None };
        let [one, other] = clients.each_ref().map(|client| {
            routing.choose(Some(&identity), Origin { client, headers: None }, false)
        });
        prop_assert!(Arc::ptr_eq(one, other));
    }
}

#[test]
fn a_candidate_that_only_reads_gets_no_call_that_may_write() {
    let routing = routing_of(&[Some((10_000, true))], true);
    let headers = HeaderMap::from_iter([(HeaderName::from_static("x-try"), HeaderValue::from_static("yes"))]);
    for headers in [None, Some(&headers)] {
        let origin = Origin { client: &[1], headers };
        assert!(runs(routing.choose(None, origin, true), &SERVICES.other[0]));
        assert!(Arc::ptr_eq(routing.choose(None, origin, false), routing.live()));
    }
}

#[test]
fn without_a_candidate_everybody_gets_what_is_live() {
    let routing = routing(&[]);
    for client in 0..=u8::MAX {
        let chosen = routing.choose(None, Origin { client: &[client], headers: None }, false);
        assert!(Arc::ptr_eq(chosen, routing.live()));
    }
}
