//! Prints more than anybody reads.
#![expect(clippy::print_stdout, reason = "printing is what this scenario is about")]

const LINE: &str = "all work and no play makes a guest a dull component";

pub(crate) fn with(bytes: u32) {
    for _ in 0..bytes as usize / LINE.len() {
        println!("{LINE}");
    }
}
