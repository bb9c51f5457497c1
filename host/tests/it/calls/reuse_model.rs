//! Two hosts get the same calls, commits and changes. One gives answers again, the other runs every call: nobody can tell
//! them apart by an answer.

use std::sync::Arc;

use switchyard::call::{Backend, Candidate, Origin, RootCall, Routing, Share};
use switchyard::config::LimitSettings;
use switchyard::names::{CallId, Generation, Identity};
use switchyard::store::CommitDetails;

use super::{Pair, Side, said};

const SEEDS: u64 = 6;
const STEPS: usize = 1_200;
/// Releases of each service.
const RELEASES: usize = 3;
/// More commits than an answer is compared with.
const STORM: u64 = 300;

/// Numbers from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn of<'t>(&mut self, choices: &[&'t str]) -> &'t str {
        choices[self.below(choices.len())]
    }

    fn key(&mut self) -> &'static str {
        self.of(&["k0", "k1", "k2", "p/a", "p/b", "p/c", "p/d", "p/e"])
    }

    /// A script that reads. Its answer depends on nothing but data, releases and callers.
    fn reads(&mut self, depth: usize) -> String {
        let steps = (0..=self.below(2)).map(|_| match self.below(if depth < 3 { 12 } else { 8 }) {
            0 | 1 => format!("get {}", self.key()),
            2 => format!("page p/ {}", 1 + self.below(4)),
            3 => format!("last p/ {}", 1 + self.below(3)),
            4 => "keys p/".into(),
            5 => "release".into(),
            6 => "who".into(),
            7 => format!("if {} 1{{get {}}}", self.key(), self.key()),
            8 => format!("front.read{{{}; refuse it}}", self.reads(depth + 1)),
            9 | 10 => format!("back.read{{{}}}", self.reads(depth + 1)),
            _ => format!("front.read{{{}}}", self.reads(depth + 1)),
        });
        steps.collect::<Vec<_>>().join("; ")
    }

    fn writes(&mut self) -> String {
        let steps = (0..=self.below(3)).map(|_| match self.below(6) {
            0 | 1 => format!("set {} {}", self.key(), self.below(3)),
            2 => format!("delete {}", self.key()),
            3 => "add count".into(),
            4 => format!("back.write{{set {} {}}}", self.key(), self.below(3)),
            _ => self.reads(1),
        });
        steps.collect::<Vec<_>>().join("; ")
    }
}

/// What both hosts run, of `front` and of `back`.
#[derive(Debug, Clone)]
struct Setup {
    release: [usize; 2],
    generation: [Generation; 2],
    /// Whether the services have a lower bound for nested calls.
    is_shallow: bool,
    /// The share of a candidate of `back`, in percent.
    candidate: Option<u32>,
    data_version: u64,
}

struct Host {
    pair: Arc<Pair>,
    releases: [Vec<Backend>; 2],
}

impl Host {
    fn new(reuse: bool) -> Self {
        Self::of(Pair::with(|front, back| {
            (front.reuse, back.reuse) = (reuse, reuse);
            (front.store_bytes_max, back.store_bytes_max) = (1 << 30, 1 << 30);
        }))
    }

    fn of(pair: Arc<Pair>) -> Self {
        let of_side = |side: &Side| (0..RELEASES).map(|name| side.release(&pair.runtime, &name.to_string())).collect();
        let releases = [of_side(&pair.front), of_side(&pair.back)];
        Self { pair, releases }
    }

    fn run(&self, setup: &Setup) {
        let live = [0, 1].map(|side| {
            let backend = &self.releases[side][setup.release[side]];
            let limits = LimitSettings { call_depth_max: 2, ..backend.service.limits().clone() };
            let service = match setup.is_shallow {
                true => Arc::new(backend.service.within(limits)),
                false => Arc::clone(&backend.service),
            };
            Backend { service, generation: setup.generation[side], ..backend.clone() }
        });
        let candidates = setup.candidate.map(|percent| Candidate {
            backend: Backend { release: Arc::clone(&self.releases[1][0].release), ..live[1].clone() },
            share: Share::of_parts(percent * 100),
            header: None,
            reads_only: false,
        });
        self.pair.calls.swap(Routing::new(&live, candidates.into_iter().collect(), &[]).unwrap());
    }

    async fn call(&self, id: &str, function: &str, script: &str) -> String {
        let identity = Some(Identity { id: id.into(), role: "customer".into(), session: None });
        let call = RootCall { identity, ..self.pair.root(function, script) };
        said(self.pair.calls.call(call, &self.pair.calls.routing(), Origin::HOST).await.map(|called| called.answer))
    }

    /// Commits of the host itself, as a migration or a delivery makes them.
    async fn commits(&self, side: usize, setup: &Setup, key: &str, count: u64, data_version: Option<u64>) {
        let side_of_pair = if side == 0 { &self.pair.front } else { &self.pair.back };
        let store = self.pair.stores.service(side_of_pair.service.name()).unwrap();
        for value in 0..count {
            let mut transaction = store.begin().in_generation(setup.generation[side]);
            transaction.set(key, value.to_string()).unwrap();
            transaction.commit(CommitDetails { call: CallId([9; 16]), data_version }).await.unwrap();
        }
    }

    fn reused(&self) -> u64 {
        self.pair.front.service.figures().reused + self.pair.back.service.figures().reused
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_gives_answers_again_answers_as_one_that_runs_every_call() {
    let mut reused = 0;
    for seed in 0..SEEDS {
        reused += lockstep(seed).await;
    }
    assert!(reused > 50 * SEEDS, "only {reused} answers were given again");
}

/// Returns how many answers were given again.
async fn lockstep(seed: u64) -> u64 {
    let random = &mut Random(seed);
    let pool: Vec<_> = (0..10).map(|_| random.reads(1)).collect();
    let mut hosts = [Host::new(true), Host::new(false)];
    let (first, second) = (Generation::First, Generation::Second);
    let mut setup =
        Setup { release: [0; 2], generation: [first; 2], is_shallow: false, candidate: None, data_version: 0 };
    hosts.iter().for_each(|host| host.run(&setup));
    let mut reused = 0;
    for step in 0..STEPS {
        let (side, id) = (random.below(2), ["anna", "bob"][random.below(2)]);
        let (function, script) = match random.below(100) {
            0..=76 => {
                (["front.read", "front.look", "back.read"][random.below(3)], pool[random.below(pool.len())].clone())
            }
            77..=89 => (["front.write", "back.write"][side], random.writes()),
            90 | 91 => ("back.write", format!("set session/t{} {id} customer", random.below(2))),
            92..=96 => ("authenticate", format!("t{}", random.below(2))),
            _ => {
                match random.below(6) {
                    0 => setup.release[side] = random.below(RELEASES),
                    1 => setup.generation[side] = if setup.generation[side] == first { second } else { first },
                    2 => setup.candidate = [None, Some(0), Some(50)][random.below(3)],
                    3 => setup.is_shallow = !setup.is_shallow,
                    4 if random.below(3) == 0 => {
                        reused += hosts[0].reused();
                        hosts = hosts.map(|Host { pair, releases }| {
                            drop(releases);
                            Host::of(pair.restart())
                        });
                    }
                    4 => setup.data_version += 1,
                    _ => {
                        let key = random.key();
                        for host in &hosts {
                            host.commits(side, &setup, key, STORM, None).await;
                        }
                    }
                }
                for host in &hosts {
                    host.commits(1, &setup, "version", 1, Some(setup.data_version)).await;
                    host.run(&setup);
                }
                continue;
            }
        };
        let mut answers = Vec::new();
        for host in &hosts {
            answers.push(match function {
                "authenticate" => format!("{:?}", host.pair.authenticate(&script).await),
                _ => host.call(id, function, &script).await,
            });
        }
        assert_eq!(answers[0], answers[1], "seed {seed}, step {step}: {id} {function} {script}\n{setup:?}");
    }
    assert_eq!(hosts[1].reused(), 0);
    reused + hosts[0].reused()
}
