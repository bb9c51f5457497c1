//! Runs a target on one input, or on many.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::mutate::{self, Random};

/// The longest time of one input.
const TOOK_MAX: Duration = Duration::from_secs(5);

/// Maximum of inputs that are mutated.
const CORPUS_MAX: usize = 10_000;

/// Panics in the whole process, including caught ones.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// A fuzz target.
pub(crate) trait Target {
    /// The first inputs.
    fn corpus(&self) -> Vec<Vec<u8>>;

    /// Texts that mutations insert.
    fn words(&self) -> &'static [&'static [u8]] {
        &[]
    }

    /// Runs on `input`. The text describes the outcome in few words: an input with a new outcome is kept.
    fn run(&mut self, input: &[u8]) -> String;
}

/// Runs `input`, and returns whether it passed.
pub(crate) fn once(name: &str, target: &mut dyn Target, input: Vec<u8>) -> bool {
    count_panics();
    match attempt(target, &input) {
        Ok(outcome) => {
            println!("{name}: {outcome}");
            true
        }
        Err(why) => {
            println!("{name}: {why}");
            false
        }
    }
}

/// Runs inputs for this many seconds, and returns whether all passed.
pub(crate) fn many(name: &str, target: &mut dyn Target, seed: u64, seconds: u64) -> anyhow::Result<bool> {
    count_panics();
    let (begin, mut random) = (Instant::now(), Random(seed));
    let (mut corpus, words) = (target.corpus(), target.words());
    anyhow::ensure!(!corpus.is_empty(), "the target {name} has no input to begin with");
    let (mut outcomes, mut inputs, first) = (HashSet::new(), 0_u64, corpus.clone());
    let mut first = first.into_iter();
    while begin.elapsed() < Duration::from_secs(seconds) {
        let input = first.next().unwrap_or_else(|| mutate::input(&mut random, &corpus, words));
        inputs += 1;
        match attempt(target, &input) {
            Ok(outcome) => {
                let mut hasher = DefaultHasher::new();
                outcome.hash(&mut hasher);
                if outcomes.insert(hasher.finish()) && corpus.len() < CORPUS_MAX {
                    corpus.push(input);
                }
            }
            Err(why) => {
                let path = keep(name, &input)?;
                println!("{name}: {why}, after {inputs} inputs of seed {seed}");
                println!("again with: cargo xtask fuzz --target {name} --input {}", path.display());
                return Ok(false);
            }
        }
    }
    println!("{name}: {inputs} inputs of seed {seed}, {} outcomes, nothing wrong", outcomes.len());
    Ok(true)
}

fn attempt(target: &mut dyn Target, input: &[u8]) -> Result<String, String> {
    let (begin, panics) = (Instant::now(), PANICS.load(Ordering::Relaxed));
    let outcome = catch_unwind(AssertUnwindSafe(|| target.run(input)));
    let took = begin.elapsed();
    if PANICS.load(Ordering::Relaxed) != panics {
        return Err("a panic".into());
    }
    if took > TOOK_MAX {
        return Err(format!("it takes {:.1} s", took.as_secs_f64()));
    }
    outcome.map_err(|_| "a panic".into())
}

/// From now on panics are counted, and still printed.
fn count_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let said = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            said(panic);
        }));
    });
}

/// Writes an input to a file.
fn keep(name: &str, input: &[u8]) -> anyhow::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let folder = std::env::current_dir()?.join("target/fuzz");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{name}-{:016x}", hasher.finish()));
    std::fs::write(&path, input)?;
    Ok(path)
}
