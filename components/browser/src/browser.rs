//! One browser with a profile of its own, and what a customer does with it.
//!
//! Every step waits until the page allows it, [`PATIENCE`] at most.

mod devtools;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use fantoccini::ClientBuilder;
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use shop_tests::Client;

use crate::driver::Driver;

/// The longest wait for a page, long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often the page is asked again.
const PERIOD: Duration = Duration::from_millis(25);

/// What every browser starts with: without a window, and without requests to its maker.
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--disable-gpu",
    "--hide-scrollbars",
    "--lang=en-US",
    "--window-size=1280,800",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// What the browser is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Device {
    /// 1,280 by 800 pixels.
    Desktop,
    /// 360 by 740 pixels, with a finger.
    Phone,
    /// A desktop whose pages may store nothing.
    NoStorage,
}

pub(crate) struct Browser {
    client: fantoccini::Client,
    /// For the commands that only Chromium has.
    driver: Client,
    session: String,
    shop: String,
}

impl Browser {
    /// Starts a browser and opens the shop's first page.
    pub(crate) async fn open(driver: &Driver, shop: &Client, device: Device) -> anyhow::Result<Self> {
        let mut arguments = ARGUMENTS.to_vec();
        if running_as_root() {
            arguments.push("--no-sandbox");
        }
        let chrome = match device {
            Device::Desktop => json!({ "binary": driver.chromium, "args": arguments }),
            Device::Phone => {
                let metrics = json!({ "width": 360, "height": 740, "pixelRatio": 1, "touch": true });
                let emulation = json!({ "deviceMetrics": metrics });
                json!({ "binary": driver.chromium, "args": arguments, "mobileEmulation": emulation })
            }
            Device::NoStorage => {
                let preferences = json!({ "profile.default_content_setting_values.cookies": 2 });
                json!({ "binary": driver.chromium, "args": arguments, "prefs": preferences })
            }
        };
        let wanted = json!({ "goog:chromeOptions": chrome, "goog:loggingPrefs": { "browser": "ALL" } });
        let Value::Object(capabilities) = wanted else { anyhow::bail!("capabilities are an object") };
        let capabilities: Capabilities = capabilities;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let address = format!("http://{}", driver.address);
        let client = builder.capabilities(capabilities).connect(&address).await.context("cannot start Chromium")?;
        let session = client.session_id().await?.context("a session has an id")?;
        let browser =
            Self { client, driver: Client::new(driver.address), session, shop: format!("http://{}/", shop.address()) };
        browser.go("").await?;
        Ok(browser)
    }

    /// Closes the browser, after a look at what its console said.
    ///
    /// # Errors
    ///
    /// When a script failed, or the Content-Security-Policy stopped something.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        let log = self.command("se/log", &json!({ "type": "browser" })).await?;
        self.client.close().await?;
        for line in log.as_array().into_iter().flatten() {
            // Chromium itself notes every refusal of the shop there.
            let is_answer = line["source"] == "network";
            anyhow::ensure!(is_answer || line["level"] != "SEVERE", "the console says: {}", line["message"]);
        }
        Ok(())
    }

    /// Opens a page by the part of its address behind the shop's.
    pub(crate) async fn go(&self, page: &str) -> anyhow::Result<()> {
        self.client.goto(&[&self.shop, page].concat()).await?;
        self.settle().await
    }

    pub(crate) async fn reload(&self) -> anyhow::Result<()> {
        self.client.refresh().await?;
        self.settle().await
    }

    /// Waits until the page shows what it has loaded.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        self.until("the page is there", "return Boolean(document.querySelector('main:not([aria-busy]) h1'))").await
    }

    /// Clicks the first of what has this name, or one that goes on after it: links, buttons, labels of choices and summaries.
    pub(crate) async fn click(&self, name: &str) -> anyhow::Result<()> {
        let name_is = |text: &str| format!("{text}={0} or starts-with({text}, concat({0}, ' '))", quoted(name));
        let names = format!("{} or {}", name_is("normalize-space(.)"), name_is("@aria-label"));
        let path = format!(
            "//*[self::a or self::button or self::summary][{names}]|//label[b[.={0}] or span/b[.={0}]]",
            quoted(name)
        );
        self.act(&format!("click “{name}”"), &path, |element| async move { element.click().await }).await
    }

    /// Clicks the button with this name next to a heading, in a form or a dialog.
    pub(crate) async fn click_in(&self, heading: &str, name: &str) -> anyhow::Result<()> {
        let path = format!("//*[self::form or self::dialog][h2[.={}]]//button[.={}]", quoted(heading), quoted(name));
        self.act(&format!("click “{name}”"), &path, |element| async move { element.click().await }).await
    }

    /// Types into the field with this label, in place of what it has. `form` is the heading of its form, if it needs one.
    pub(crate) async fn fill(&self, form: &str, label: &str, value: &str) -> anyhow::Result<()> {
        let path = field_path(form, label, "input");
        self.act(&format!("fill “{label}”"), &path, |element| async move {
            element.clear().await?;
            element.send_keys(value).await
        })
        .await
    }

    /// Chooses in the list with this label.
    pub(crate) async fn choose(&self, label: &str, option: &str) -> anyhow::Result<()> {
        let path = field_path("", label, "select");
        self.act(&format!("choose “{option}”"), &path, |element| async move { element.select_by_label(option).await })
            .await
    }

    /// Waits until the page shows this text.
    pub(crate) async fn sees(&self, text: &str) -> anyhow::Result<()> {
        self.until(&format!("“{text}” is shown"), &format!("return document.body.innerText.includes({})", json!(text)))
            .await
    }

    /// Waits until what the selector finds has this text.
    pub(crate) async fn shows(&self, selector: &str, text: &str) -> anyhow::Result<()> {
        let script = format!(
            "const found = document.querySelector({}); return found?.checkVisibility() && found.innerText.trim() === {}",
            json!(selector),
            json!(text)
        );
        let what = format!("{selector} says “{text}”");
        self.until(&what, &script).await
    }

    /// Waits until the script gives true.
    pub(crate) async fn until(&self, what: &str, script: &str) -> anyhow::Result<()> {
        let begin = now();
        loop {
            if self.evaluate(script).await? == true {
                return Ok(());
            }
            if begin.elapsed() > PATIENCE {
                let page =
                    self.evaluate("return document.title + ': ' + document.body.innerText.slice(0, 1500)").await?;
                anyhow::bail!("it never happened that {what}; the page: {page}");
            }
            pause().await;
        }
    }

    pub(crate) async fn evaluate(&self, script: &str) -> anyhow::Result<Value> {
        Ok(self.client.execute(script, Vec::new()).await?)
    }

    /// The result of a script that calls its last argument.
    pub(crate) async fn evaluate_later(&self, script: &str) -> anyhow::Result<Value> {
        Ok(self.client.execute_async(script, Vec::new()).await?)
    }

    /// The text of what the selector finds.
    pub(crate) async fn text(&self, selector: &str) -> anyhow::Result<String> {
        let text =
            self.evaluate(&format!("return document.querySelector({})?.innerText.trim()", json!(selector))).await?;
        Ok(text.as_str().with_context(|| format!("nothing is at {selector}"))?.to_owned())
    }

    /// Presses a key, such as [`fantoccini::key::Key::Tab`], where the focus is.
    pub(crate) async fn press(&self, keys: &str) -> anyhow::Result<()> {
        let begin = now();
        loop {
            match self.client.active_element().await?.send_keys(keys).await {
                // The page was shown anew between the two.
                Err(error) if error.is_stale_element_reference() && begin.elapsed() < PATIENCE => pause().await,
                done => return Ok(done?),
            }
        }
    }

    /// Does `act` with the first visible element at `path`, again while the page changes under it.
    async fn act<F: Future<Output = Result<(), CmdError>>>(
        &self,
        what: &str,
        path: &str,
        act: impl Fn(Element) -> F,
    ) -> anyhow::Result<()> {
        let begin = now();
        loop {
            let mut last = None;
            for element in self.client.find_all(Locator::XPath(path)).await? {
                match element.is_displayed().await {
                    Ok(true) => match act(element).await {
                        Ok(()) => return Ok(()),
                        Err(error) => last = Some(error),
                    },
                    Ok(false) => {}
                    Err(error) => last = Some(error),
                }
            }
            if begin.elapsed() > PATIENCE {
                let page =
                    self.evaluate("return document.title + ': ' + document.body.innerText.slice(0, 1500)").await?;
                anyhow::bail!("cannot {what} ({last:?}); the page: {page}");
            }
            pause().await;
        }
    }
}

/// The field of a label, in the form with a heading unless that is empty.
fn field_path(form: &str, label: &str, kind: &str) -> String {
    let form = if form.is_empty() { String::new() } else { format!("//form[h2[.={}]]", quoted(form)) };
    let label = quoted(label);
    format!(
        "{form}//{kind}[@id={form}//label[normalize-space(.)={label} or starts-with(normalize-space(.), concat({label}, ' ('))]/@for]"
    )
}

/// A text in XPath; the names of the shop have no double quotes.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

#[expect(clippy::disallowed_methods, reason = "the host's clock is not there to be used by its tests")]
fn now() -> Instant {
    Instant::now()
}

/// Another process can only be asked again.
async fn pause() {
    tokio::time::sleep(PERIOD).await;
}

/// Chromium refuses its sandbox to root.
fn running_as_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0)
}
