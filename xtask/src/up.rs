//! `cargo xtask up`: builds everything and becomes the running shop.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::seed;
use crate::step::{build, root};
use crate::wasm;

/// Builds the shop and turns this process into its host, so that every signal reaches the host. `options` are passed to
/// `switchyard up`.
pub(crate) fn run(options: &[String]) -> anyhow::Result<()> {
    wasm::add_target()?;
    wasm::build_shop()?;
    let program = build("the host", "switchyard")?;
    let options = with_manifest(options);
    let settings = settings(&program, &options)?;
    start_seeding(&settings)?;
    println!("\n== the shop: http://{}, operator's side: http://{}", settings.listen, settings.admin);
    let error = Command::new(&program).arg("up").args(&options).exec();
    Err(error).with_context(|| format!("cannot run {}", program.display()))
}

/// The addresses and the data directory of the host.
struct Settings {
    listen: String,
    admin: String,
    data: String,
    manifest: String,
}

/// The options, with the shop's own manifest unless they name one.
fn with_manifest(options: &[String]) -> Vec<String> {
    let named = options.iter().any(|option| option == "--manifest" || option.starts_with("--manifest="));
    let manifest =
        if named { Vec::new() } else { vec!["--manifest".to_owned(), path(&root().join("switchyard.toml"))] };
    manifest.into_iter().chain(options.iter().cloned()).collect()
}

fn settings(program: &Path, options: &[String]) -> anyhow::Result<Settings> {
    let mut config = Command::new(program);
    config.arg("config").stderr(Stdio::inherit());
    if let Some(manifest) = option(options, "--manifest") {
        config.args(["--manifest", manifest]);
    }
    let printed = config.output()?;
    if !printed.status.success() {
        bail!("the configuration is wrong");
    }
    let printed = String::from_utf8_lossy(&printed.stdout);
    let setting = |flag: &str, key: &str| {
        let found = option(options, flag).or_else(|| value(&printed, key));
        found.map(str::to_owned).with_context(|| format!("no `{key}` in the configuration"))
    };
    let (listen, admin) = (setting("--listen", "listen")?, setting("--admin", "admin_listen")?);
    let here = |address: String| address.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:");
    let manifest = option(options, "--manifest").context("the manifest was named")?.to_owned();
    Ok(Settings { listen: here(listen), admin: here(admin), data: setting("--data", "data")?, manifest })
}

/// The value after `name` in `options`, separated by a space or by `=`.
fn option<'a>(options: &'a [String], name: &str) -> Option<&'a str> {
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        if option == name {
            return rest.next().map(String::as_str);
        }
        if let Some(value) = option.strip_prefix(name).and_then(|value| value.strip_prefix('=')) {
            return Some(value);
        }
    }
    None
}

/// The text of a setting in the output of `switchyard config`.
fn value<'a>(config: &'a str, key: &str) -> Option<&'a str> {
    let line = config.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""))?;
    line.split_once('"').map(|(value, _)| value)
}

/// Starts the program that fills the shop when it is open. It runs beside the host, which this process is about to
/// become. A shell starts it and ends, so that it is not a child that the host would have to wait for.
fn start_seeding(settings: &Settings) -> anyhow::Result<()> {
    let started = Command::new("sh")
        .args(["-c", "\"$0\" \"$@\" &"])
        .arg(std::env::current_exe()?)
        .args([seed::COMMAND, &std::process::id().to_string(), &settings.listen, &settings.admin, &settings.data])
        .arg(&settings.manifest)
        .stdin(Stdio::null())
        .status()
        .context("cannot run sh")?;
    if started.success() { Ok(()) } else { bail!("what fills the shop cannot be started: {started}") }
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_in_both_spellings() {
        let options = ["--listen", "127.0.0.1:1", "--data=here"].map(str::to_owned);
        assert_eq!(option(&options, "--listen"), Some("127.0.0.1:1"));
        assert_eq!(option(&options, "--data"), Some("here"));
        assert_eq!(option(&options, "--admin"), None);
    }

    #[test]
    fn settings_are_found_in_a_printed_configuration() {
        let config = "[host]\nlisten = \"127.0.0.1:8080\"  # the defaults\nadmin_listen = \"127.0.0.1:8081\"  # x\n";
        assert_eq!(value(config, "listen"), Some("127.0.0.1:8080"));
        assert_eq!(value(config, "admin_listen"), Some("127.0.0.1:8081"));
        assert_eq!(value(config, "data"), None);
    }
}
