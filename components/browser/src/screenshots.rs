//! The pictures of `docs/images`: each main page on a desktop, in dark colours and on a phone.

use std::path::Path;

use anyhow::Context as _;
use shop_tests::Customer;
use shop_tests::json::text;

use crate::browser::{Browser, Device};
use crate::goods;
use crate::scenarios::{Stage, sign_in};

/// A larger one makes the repository heavy.
const BYTES_MAX: usize = 120_000;

/// The name of a page, its address, and what is on it.
const PAGES: [(&str, &str, &str); 5] = [
    ("home", "", "Enamel mug"),
    ("item", "#/items/tent-two", "Only 3 left"),
    ("cart", "#/cart", "Brass compass"),
    ("checkout", "#/checkout", "Pay €"),
    ("orders", "#/orders", "Cancelled"),
];

/// The pieces in the customer's cart.
const CART: [(&str, u32); 3] = [("mug-enamel", 2), ("lamp-desk", 1), ("compass-brass", 1)];
const PIECES: &str = "4";

/// The pixels of a picture, from left to right and from top to bottom.
const DESKTOP: (u32, u32) = (1100, 720);
const PHONE: (u32, u32) = (390, 844);

pub(crate) async fn take(stage: &Stage<'_>, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    goods::sell(stage.staff, |sku, stock| match sku {
        "globe-small" => 0,
        "tent-two" => 3,
        _ => stock,
    })
    .await?;
    let (ada, desk) = stage.customer(Device::Desktop).await?;
    order(stage, &ada).await?;
    ada.fill_cart(&CART).await?;
    save(&desk, folder, "", DESKTOP).await?;
    desk.prefer_dark().await?;
    save(&desk, folder, "-dark", DESKTOP).await?;
    desk.close().await?;

    let phone = stage.browser(Device::Phone).await?;
    sign_in(&phone, &ada.email).await?;
    phone.sees("Sign out").await?;
    save(&phone, folder, "-phone", PHONE).await?;
    phone.close().await
}

/// What a customer buys, and the events of its shipment.
type Bought = (&'static [(&'static str, u32)], &'static [&'static str]);

/// Orders on all parts of their way.
async fn order(stage: &Stage<'_>, customer: &Customer) -> anyhow::Result<()> {
    let orders: [Bought; 4] = [
        (&[("pan-iron", 1), ("teapot-clay", 1)], &["packed", "shipped", "delivered"]),
        (&[("clock-wall", 2)], &["cancelled"]),
        (&[("backpack-day", 1), ("notebook-dotted", 3)], &["packed", "shipped"]),
        (&[("pencil-set", 1), ("plant-fern", 1), ("mug-enamel", 4)], &[]),
    ];
    for (lines, way) in orders {
        let order = customer.buy(lines).await?;
        let shipment = text(&order, "/shipment/id")?;
        for status in way {
            if *status == "cancelled" {
                let cancel = format!("POST /orders/{}/cancel", text(&order, "/id")?);
                customer.client.ask(&cancel).await?.expect(200)?;
            } else {
                stage.staff.record(&shipment, status).await?.expect(200)?;
            }
        }
    }
    Ok(())
}

/// Writes a picture of each page.
async fn save(browser: &Browser, folder: &Path, look: &str, (width, height): (u32, u32)) -> anyhow::Result<()> {
    for (name, address, content) in PAGES {
        browser.go(address).await?;
        // Only the part behind `#` has changed: what is there may still be the page before.
        browser.reload().await?;
        browser.sees(content).await?;
        browser.shows("#pieces", PIECES).await?;
        let picture = browser.picture(width, height).await?;
        let file = folder.join(format!("shop-{name}{look}.png"));
        let size = picture.len();
        anyhow::ensure!(size <= BYTES_MAX, "{} would have {size} bytes, more than {BYTES_MAX}", file.display());
        std::fs::write(&file, &picture).with_context(|| format!("cannot write {}", file.display()))?;
        println!("{} ({} KB)", file.display(), size / 1000);
    }
    Ok(())
}
