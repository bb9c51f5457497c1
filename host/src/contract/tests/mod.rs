//! Tests of the contract: small WIT texts and what comes of them.

mod lines;
mod reading;
mod refusals;
mod verdicts;

use super::{ContractError, Contracts};

/// Reads packages of one file each, `a.wit`, `b.wit` and so on.
fn read(packages: &[&str]) -> Result<Contracts, ContractError> {
    let paths = ('a'..='z').map(|letter| format!("{letter}.wit"));
    Contracts::from_packages(paths.zip(packages).map(|(path, text)| vec![(path, (*text).into())]).collect())
}
