//! Tabs, colours and pictures: what a customer does not do with a page, but a test does.

use base64::Engine as _;
use fantoccini::wd::WindowHandle;
use serde_json::{Value, json};
use shop_tests::json::text;

use super::Browser;

impl Browser {
    /// Opens a second tab of the shop, and goes on in it. Gives the first one.
    pub(crate) async fn second_tab(&self) -> anyhow::Result<WindowHandle> {
        let first = self.client.window().await?;
        let second = self.client.new_window(true).await?;
        self.client.switch_to_window(second.handle).await?;
        self.go("").await?;
        Ok(first)
    }

    /// Goes on in another tab. Gives the one before.
    pub(crate) async fn switch_to(&self, tab: &WindowHandle) -> anyhow::Result<WindowHandle> {
        let before = self.client.window().await?;
        self.client.switch_to_window(tab.clone()).await?;
        Ok(before)
    }

    /// Shows the page in dark colours from now on.
    pub(crate) async fn prefer_dark(&self) -> anyhow::Result<()> {
        let features = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await?;
        Ok(())
    }

    /// The visible part of the page as a PNG, `width` by `height` pixels.
    pub(crate) async fn picture(&self, width: u32, height: u32) -> anyhow::Result<Vec<u8>> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await?;
        // What the page loads lazily comes with its new size.
        self.until("all pictures are there", "return [...document.images].every((image) => image.complete)").await?;
        let taken =
            self.devtools("Page.captureScreenshot", json!({ "format": "png", "optimizeForSpeed": false })).await?;
        let data = text(&taken, "/data")?;
        Ok(base64::engine::general_purpose::STANDARD.decode(data)?)
    }

    async fn devtools(&self, command: &str, parameters: Value) -> anyhow::Result<Value> {
        self.command("goog/cdp/execute", &json!({ "cmd": command, "params": parameters })).await
    }

    pub(super) async fn command(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.driver.send(&format!("POST /session/{}/{path}", self.session), body).await?;
        anyhow::ensure!(answer.status.is_success(), "{path}: {}", answer.body);
        Ok(answer.body.pointer("/value").cloned().unwrap_or_default())
    }
}
