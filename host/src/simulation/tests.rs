use super::{World, run};

fn world() -> (tempfile::TempDir, World) {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::compile(folder.path()).expect("the guests are built by `cargo xtask guests`");
    (folder, world)
}

#[test]
fn a_seed_does_the_same_again() {
    let (_folder, world) = world();
    for seed in 0..3 {
        let first = run(&world, seed).unwrap_or_else(|failure| panic!("{failure}"));
        let again = run(&world, seed).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(first, again, "seed {seed}");
    }
}
