//! Adds the staff account and the demo goods to a running shop, through its own API, unless they exist.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::goods::{Good, goods};
use crate::http::{Answer, Client};
use crate::staff::{self, Credentials};
use crate::step::{root, target};

/// The hidden command that `up` runs beside the host.
pub(crate) const COMMAND: &str = "seed";

/// How often the seeder checks whether the host is ready.
const READY_PERIOD: Duration = Duration::from_millis(50);

/// The longest time until the host is ready: the first start compiles every component.
const READY_WAIT_MAX: Duration = Duration::from_secs(300);

/// Waits until the host with process id `host` is ready, fills its shop and prints what to try.
pub(crate) fn run([host, listen, admin, data, manifest]: [&str; 5]) -> anyhow::Result<()> {
    if !wait_until_ready(host, admin)? {
        return Ok(());
    }
    let data = Path::new(data);
    apply(admin, data, manifest)?;
    let credentials = Credentials::kept_or_new(data)?;
    let token = sign_in(&credentials, listen, admin, data)?;
    let staff = Client { address: listen, token: Some(&token) };
    let mut added = 0;
    let goods = goods()?;
    for good in &goods {
        added += u32::from(put(&staff, good).with_context(|| format!("cannot put {} on sale", good.sku))?);
    }
    Ok(writeln!(std::io::stdout(), "{}", next(&credentials, listen, &flags(admin, data), data, &goods, added))?)
}

/// Whether the host became ready; false when it ended, which it has reported itself.
#[expect(clippy::disallowed_methods, reason = "another process can only be asked again")]
fn wait_until_ready(host: &str, admin: &str) -> anyhow::Result<bool> {
    let client = Client { address: admin, token: None };
    let begin = std::time::Instant::now();
    while begin.elapsed() < READY_WAIT_MAX {
        if client.get("/readyz").is_ok_and(|answer| answer.status == 200) {
            return Ok(true);
        }
        let lives = Command::new("sh").args(["-c", &format!("kill -0 {host}")]).stderr(Stdio::null()).status()?;
        if !lives.success() {
            return Ok(false);
        }
        std::thread::sleep(READY_PERIOD);
    }
    bail!("the host at {admin} is not ready after {} s: GET /readyz says why", READY_WAIT_MAX.as_secs())
}

/// Applies the components that were just built: the host starts with its earlier releases.
fn apply(admin: &str, data: &Path, manifest: &str) -> anyhow::Result<()> {
    let url = format!("http://{admin}");
    let applied = Command::new(target().join("release/switchyard"))
        .args(["apply", "--yes", "--reason", "cargo xtask up", "--manifest", manifest, "--admin", &url, "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .status()?;
    if applied.success() { Ok(()) } else { bail!("the shop that runs is the one before: what was built was not taken") }
}

/// The staff's token. If there is no account, the operator creates it.
fn sign_in(credentials: &Credentials, listen: &str, admin: &str, data: &Path) -> anyhow::Result<String> {
    let client = Client { address: listen, token: None };
    let body = json!({"email": credentials.email, "password": credentials.password});
    let sign_in = || client.post("/sessions", &body);
    let mut answer = if credentials.new { None } else { Some(sign_in()?) };
    if answer.as_ref().is_none_or(|answer| answer.status == 401) {
        create_staff(credentials, admin, data)?;
        answer = Some(sign_in()?);
    }
    let answer = expect(answer.context("nobody signed in")?, "the staff's sign-in")?;
    Ok(answer.get("token").and_then(Value::as_str).context("a session without a token")?.into())
}

fn create_staff(credentials: &Credentials, admin: &str, data: &Path) -> anyhow::Result<()> {
    let Credentials { email, password, .. } = credentials;
    let account = json!({"email": email, "name": "Staff", "password": password});
    let url = format!("http://{admin}");
    // The password goes through standard input, because other users can read a command line.
    let mut operator = Command::new(target().join("release/switchyard"))
        .args(["call", "account", "create-staff", "-", "--admin", &url, "--data"])
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    operator.stdin.take().context("no standard input")?.write_all(account.to_string().as_bytes())?;
    if !operator.wait()?.success() {
        let file = data.join(staff::FILE);
        bail!(
            "the staff account cannot be made; if {email} exists with another password, put it into {}",
            file.display()
        );
    }
    Ok(())
}

/// Puts `good` on sale with its stock; returns whether it is new.
fn put(staff: &Client<'_>, good: &Good) -> anyhow::Result<bool> {
    let path = format!("/items/{}", good.sku);
    let found = staff.get(&path)?;
    if found.status != 404 {
        expect(found, &path)?;
        return Ok(false);
    }
    expect(staff.write("PUT", &path, &format!("seed-{}", good.sku), &good.details)?, &path)?;
    let receipt = json!({"quantity": good.stock});
    let receipts = format!("{path}/receipts");
    expect(staff.write("POST", &receipts, &format!("seed-stock-{}", good.sku), &receipt)?, &receipts)?;
    Ok(true)
}

fn expect(answer: Answer, what: &str) -> anyhow::Result<Value> {
    if !(200..300).contains(&answer.status) {
        bail!("{what}: {} {}", answer.status, answer.body);
    }
    answer.json()
}

/// The flags that a command needs to find a host with other settings than the shop's manifest.
fn flags(admin: &str, data: &Path) -> String {
    if admin == "127.0.0.1:8081" && data == root().join("data") {
        return String::new();
    }
    format!(" --admin http://{admin} --data {}", data.display())
}

fn next(credentials: &Credentials, listen: &str, flags: &str, data: &Path, goods: &[Good], added: u32) -> String {
    let file = data.join(staff::FILE);
    let password = if credentials.new {
        format!("staff account     {} with password {}\n", credentials.email, credentials.password)
    } else {
        format!("staff account     {}\n", credentials.email)
    };
    format!(
        "
The shop is open, with {count} goods on sale ({added} new).

shop              http://{listen}/
REST API          http://{listen}/openapi.json
{password}                  (kept in {file})

Try next:
  curl -s http://{listen}/items
  target/release/switchyard status{flags}
  target/release/switchyard call inventory price-items '{{\"skus\": [\"{sku}\"]}}'{flags}
The README has a whole purchase with curl. Ctrl-c ends the shop; its data stays.
",
        count = goods.len(),
        file = file.display(),
        sku = goods.first().map_or("none", |good| &good.sku),
    )
}
