//! The demo shop's goods. Their pictures are in the storefront.

use serde_json::{Value, json};

pub(crate) struct Good {
    /// Also the name of its picture: `storefront/images/<sku>.svg`.
    pub(crate) sku: &'static str,
    pub(crate) stock: u32,
    title: &'static str,
    description: &'static str,
    category: &'static str,
    /// Euro cents.
    price: u32,
    weight_grams: u32,
}

impl Good {
    /// The body of `PUT /items/{sku}`.
    pub(crate) fn details(&self) -> Value {
        json!({
            "title": self.title,
            "description": self.description,
            "category": self.category,
            "price": {"amount": self.price, "currency": "EUR"},
            "image": format!("/images/{}.svg", self.sku),
            "weightGrams": self.weight_grams,
        })
    }
}

pub(crate) const GOODS: [Good; 12] = [
    Good {
        sku: "mug-enamel",
        stock: 120,
        title: "Enamel mug",
        description: "A light mug for tea by the fire. Holds 350 ml and survives a fall.",
        category: "kitchen",
        price: 1_290,
        weight_grams: 180,
    },
    Good {
        sku: "teapot-clay",
        stock: 35,
        title: "Clay teapot",
        description: "Thrown by hand, unglazed inside, for green and black tea. Holds 700 ml.",
        category: "kitchen",
        price: 4_850,
        weight_grams: 920,
    },
    Good {
        sku: "pan-iron",
        stock: 40,
        title: "Cast iron pan",
        description: "26 cm across, seasoned with linseed oil, good for a lifetime of breakfasts.",
        category: "kitchen",
        price: 5_990,
        weight_grams: 2_400,
    },
    Good {
        sku: "lamp-desk",
        stock: 60,
        title: "Desk lamp",
        description: "A warm, dimmable light on a jointed arm. The bulb is included.",
        category: "home",
        price: 7_900,
        weight_grams: 1_350,
    },
    Good {
        sku: "clock-wall",
        stock: 45,
        title: "Wall clock",
        description: "A quiet movement behind a plain face, 30 cm across.",
        category: "home",
        price: 3_490,
        weight_grams: 780,
    },
    Good {
        sku: "plant-fern",
        stock: 80,
        title: "Potted fern",
        description: "A Boston fern in a stoneware pot. It likes half shade and a spray of water.",
        category: "home",
        price: 2_250,
        weight_grams: 1_600,
    },
    Good {
        sku: "notebook-dotted",
        stock: 400,
        title: "Dotted notebook",
        description: "192 pages of 100 g paper that opens flat, with a pocket in the back.",
        category: "desk",
        price: 1_650,
        weight_grams: 330,
    },
    Good {
        sku: "pencil-set",
        stock: 250,
        title: "Pencil set",
        description: "Twelve cedar pencils from 6B to 4H, in a tin.",
        category: "desk",
        price: 1_420,
        weight_grams: 150,
    },
    Good {
        sku: "globe-small",
        stock: 20,
        title: "Small globe",
        description: "The whole earth, 20 cm across, on a beech stand.",
        category: "desk",
        price: 6_400,
        weight_grams: 1_100,
    },
    Good {
        sku: "backpack-day",
        stock: 70,
        title: "Day backpack",
        description: "18 litres of waxed canvas with a sleeve for a laptop and a bottle pocket.",
        category: "outdoor",
        price: 8_900,
        weight_grams: 860,
    },
    Good {
        sku: "tent-two",
        stock: 15,
        title: "Tent for two",
        description: "A storm-proof dome with a porch, up in five minutes.",
        category: "outdoor",
        price: 24_900,
        weight_grams: 2_700,
    },
    Good {
        sku: "compass-brass",
        stock: 90,
        title: "Brass compass",
        description: "A liquid-filled compass in a brass case with a lid.",
        category: "outdoor",
        price: 2_980,
        weight_grams: 110,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_good_has_a_picture_and_a_name_of_its_own() {
        let skus: BTreeSet<_> = GOODS.iter().map(|good| good.sku).collect();
        assert_eq!(skus.len(), GOODS.len());
        for sku in skus {
            let picture = crate::step::root().join(format!("storefront/images/{sku}.svg"));
            assert!(picture.exists(), "{} is not there", picture.display());
        }
    }
}
