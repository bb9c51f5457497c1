//! A compiler that takes too much or dies: the component is refused, and the host goes on.

use rustix::process::{Signal, kill_process};
use tokio::io::AsyncReadExt as _;

use super::compiling::{begun, children, compiling};
use super::components::{says, with_module};
use super::process::Process;
use super::{Setup, look};

/// A core module with two functions that take the compiler much memory: their locals live across many blocks in a loop.
/// It has fewer locals and bytes than the checks before the compiler allow.
fn voracious() -> Vec<u8> {
    const LOCALS: usize = 9_990;
    let mut function = format!("(func (param i32) (local {}) loop ", "i32 ".repeat(LOCALS));
    for number in 0..LOCALS {
        let (from, to) = (1 + number * 7919 % LOCALS, 1 + number);
        function.push_str("block local.get 0 br_if 0 ");
        function.push_str(&format!("local.get {from} i32.const {number} i32.add local.set {to} end "));
    }
    for number in (0..LOCALS).step_by(7) {
        function.push_str(&format!("local.get {number} drop "));
    }
    function.push_str("local.get 0 br_if 0 end)");
    wat::parse_str(format!("(module {function} {function})")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_takes_the_compiler_too_much_memory_is_refused_and_costs_the_host_nothing() {
    let setup = Setup::pair("");
    setup.write_manifest();
    let process = Process::start(setup.folder.path()).await;
    let component = with_module(&says("voracious"), &voracious());
    let answer = process.operator.post("/services/front/releases", component).await;
    assert!(children(process.pid().as_raw_nonzero().get()).is_empty(), "the compiler is gone");
    let verdict = answer.expect(422)["verdict"].clone();
    let problem = &verdict["problems"][0];
    assert!(problem["found"].as_str().unwrap().contains("takes more than 1280 MiB of memory"), "{verdict:#}");
    assert_eq!(look(&process.public, "variant").await, "1");
    process.operator.post("/services/front/releases", says("2")).await.expect(201);
    assert_eq!(look(&process.public, "variant").await, "2");
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_that_dies_refuses_the_component_and_not_the_next_one() {
    let (_setup, process, _log, mut connection, child) = compiling("").await;
    kill_process(begun(child).await, Signal::KILL).unwrap();
    let mut line = [0; 12];
    connection.read_exact(&mut line).await.unwrap();
    assert_eq!(std::str::from_utf8(&line).unwrap(), "HTTP/1.1 422");
    let refused = process.history().await.into_iter().find(|line| line["what"] == "refused").unwrap();
    assert!(refused.to_string().contains("the compiler ended without an answer"), "{refused:#}");
    assert_eq!(look(&process.public, "variant").await, "1");
    process.operator.post("/services/front/releases", says("2")).await.expect(201);
    process.kill().await;
}
