//! Any bytes, proposed as a component: there must be a verdict.

use std::fs;
use std::sync::Arc;

use anyhow::Context as _;
use switchyard::contract::{Contracts, OutboundHttp, Verdict, World, judge_http};

use super::{kind_of, workspace};
use crate::run::Target;

/// The guests of the host's tests that are the first inputs, and the world that they are judged by.
const GUESTS: [&str; 4] = ["callers", "takes", "web_0_2", "web_0_3"];
const WORLD: &str = "test:calls/front-service@1.0.0";

/// Longest guest among the first inputs, in bytes: the code of a component is not read for a verdict, and copying it is
/// slow.
const GUEST_BYTES_MAX: usize = 1 << 19;

pub(crate) struct Component {
    contracts: Contracts,
    world: Arc<World>,
    guests: Vec<Vec<u8>>,
}

impl Component {
    pub(crate) fn open() -> anyhow::Result<Self> {
        let root = workspace();
        let contracts = Contracts::read(&root.join("host/tests/wit"))?;
        let world = contracts.world(WORLD).context("a world of the tests")?;
        let guest = |name: &&str| {
            let path = root.join("target/wasm32-wasip2/release").join(name).with_extension("wasm");
            fs::read(&path)
                .with_context(|| format!("{} is missing: build it with `cargo xtask guests`", path.display()))
        };
        let mut guests = GUESTS.iter().map(guest).collect::<anyhow::Result<Vec<_>>>()?;
        guests.retain(|guest| guest.len() <= GUEST_BYTES_MAX);
        // An empty component: eight bytes.
        guests.push(b"\0asm\x0d\0\x01\0".to_vec());
        Ok(Self { contracts, world, guests })
    }
}

impl Target for Component {
    fn corpus(&self) -> Vec<Vec<u8>> {
        self.guests.clone()
    }

    fn words(&self) -> &'static [&'static [u8]] {
        &[
            b"\0asm\x0d\0\x01\0",
            b"\0asm\x01\0\0\0",
            b"\x07\x02\x01\x42\x00",
            b"wasi:http/handler@0.3.0",
            b"\xff\xff\xff\xff\x0f",
        ]
    }

    fn run(&mut self, input: &[u8]) -> String {
        let said = |verdict: &Verdict| format!("{} {}", verdict.accepted, kind_of(&verdict.to_string()));
        let domain = self.contracts.judge(&self.world, input, OutboundHttp::Refused);
        let http = judge_http(input);
        format!("{}; {}", said(&domain), said(&http))
    }
}
