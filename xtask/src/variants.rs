//! `cargo xtask variants`: more carts, to rehearse deploys.

use anyhow::Context as _;

use crate::step::{Step, target};
use crate::wasm;

/// A cart that differs from the shop's: its name, and its build.
const VARIANTS: [(&str, &str, &[&str]); 3] = [
    (
        "smaller",
        "a cart built for size, as good as the shop's",
        &["--config", "profile.release.package.cart.opt-level=\"s\""],
    ),
    ("broken", "a cart that fails when somebody looks at it", &["--features", "cart/broken"]),
    ("slow", "a cart that takes its time when somebody looks at it", &["--features", "cart/slow"]),
];

/// Builds each into `target/variants/`, and the shop's own cart again at the end.
pub(crate) fn run() -> anyhow::Result<()> {
    wasm::add_target()?;
    let folder = target().join("variants");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let built = target().join(wasm::TARGET).join("release/cart.wasm");
    for (name, heading, options) in VARIANTS {
        let begin = ["build", "--release", "--target", wasm::TARGET, "--package", "cart"];
        let arguments: Vec<_> = begin.iter().chain(options).copied().collect();
        Step::cargo(heading, &arguments).run()?;
        let variant = folder.join(format!("cart-{name}.wasm"));
        std::fs::copy(&built, &variant).with_context(|| format!("cannot write {}", variant.display()))?;
        println!("{}", variant.display());
    }
    wasm::build_shop()
}
