//! The pictures of `docs/images`.

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use crate::browser::{Browser, Device};
use crate::goods;
use crate::scenarios::Stage;

/// A larger one makes the repository heavy.
const BYTES_MAX: usize = 150_000;

pub(crate) async fn take(stage: &Stage<'_>, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    goods::sell(stage.staff, |sku, stock| match sku {
        "globe-small" => 0,
        "tent-two" => 3,
        _ => stock,
    })
    .await?;
    let save = async |browser: &Browser, name: &str, width: u32, height: u32| {
        let picture = browser.picture(width, height).await?;
        anyhow::ensure!(picture.len() <= BYTES_MAX, "{name} has {} bytes, more than {BYTES_MAX}", picture.len());
        let file = folder.join(name);
        std::fs::write(&file, &picture).with_context(|| format!("cannot write {}", file.display()))?;
        println!("{} ({} KB)", file.display(), picture.len() / 1000);
        Ok(())
    };
    let (ada, desk) = stage.customer(Device::Desktop).await?;
    let cart = ada.fill_cart(&[("mug-enamel", 2), ("lamp-desk", 1)]).await?;
    desk.go("").await?;
    desk.shows("#pieces", "3").await?;
    save(&desk, "shop-home.png", 1100, 720).await?;
    desk.go("#/items/tent-two").await?;
    desk.shows("h1", "Tent for two").await?;
    save(&desk, "shop-item.png", 1100, 720).await?;
    desk.go("#/checkout").await?;
    desk.sees("Pay €").await?;
    save(&desk, "shop-checkout.png", 1100, 720).await?;
    desk.prefer_dark().await?;
    let quantity = json!({ "quantity": 1 });
    ada.client.send(&format!("PUT /carts/{cart}/lines/compass-brass"), &quantity).await?.expect(200)?;
    desk.go("#/cart").await?;
    desk.sees("Brass compass").await?;
    save(&desk, "shop-cart-dark.png", 1100, 720).await?;
    desk.close().await?;

    let phone = stage.browser(Device::Phone).await?;
    phone.sees("Enamel mug").await?;
    save(&phone, "shop-home-phone.png", 390, 844).await?;
    phone.go("#/items/teapot-clay").await?;
    phone.shows("h1", "Clay teapot").await?;
    save(&phone, "shop-item-phone.png", 390, 844).await?;
    phone.close().await
}
