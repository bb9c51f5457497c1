//! The requests that clients send to the shop with a key, and the possible answers.

use serde_json::{Value, json};
use shop_tests::{PASSWORD, item};

/// One writing operation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    OpenCart,
    SetLine { cart: String, sku: String, quantity: u32 },
    RemoveLine { cart: String, sku: String },
    SetPrice { sku: String, cents: u32 },
    CheckOut { cart: String, choice: Value, declined: bool },
    Cancel { order: String },
    SignUp { email: String },
    Receive { sku: String, quantity: u32 },
    Refund { payment: String, cents: i64 },
    Record { shipment: String, status: String },
}

impl Act {
    /// Method, path and body. If the shop stores a text with the effect, the text is the key.
    pub(crate) fn request(&self, key: &str) -> (String, Option<Value>) {
        match self {
            Self::OpenCart => ("POST /carts".into(), None),
            Self::SetLine { cart, sku, quantity } => {
                (format!("PUT /carts/{cart}/lines/{sku}"), Some(json!({ "quantity": quantity })))
            }
            Self::RemoveLine { cart, sku } => (format!("DELETE /carts/{cart}/lines/{sku}"), None),
            Self::SetPrice { sku, cents } => (format!("PUT /items/{sku}"), Some(item((*cents).into()))),
            Self::CheckOut { cart, choice, .. } => (format!("POST /carts/{cart}/checkout"), Some(choice.clone())),
            Self::Cancel { order } => (format!("POST /orders/{order}/cancel"), None),
            Self::SignUp { email } => {
                ("POST /accounts".into(), Some(json!({ "email": email, "name": key, "password": PASSWORD })))
            }
            Self::Receive { sku, quantity } => {
                (format!("POST /items/{sku}/receipts"), Some(json!({ "quantity": quantity })))
            }
            Self::Refund { payment, cents } => {
                let amount = json!({ "amount": cents, "currency": "EUR" });
                (format!("POST /payments/{payment}/refunds"), Some(json!({ "amount": amount, "reason": key })))
            }
            Self::Record { shipment, status } => {
                (format!("POST /shipments/{shipment}/events"), Some(json!({ "status": status, "note": key })))
            }
        }
    }

    /// Whether the shop may answer with `status`, if each key has one effect.
    pub(crate) fn may_answer(&self, status: u16) -> bool {
        let all: &[u16] = match self {
            Self::OpenCart | Self::SignUp { .. } => &[201],
            Self::SetLine { .. } | Self::RemoveLine { .. } | Self::SetPrice { .. } | Self::Receive { .. } => &[200],
            // The stock may be too small.
            Self::CheckOut { declined: false, .. } => &[201, 409],
            Self::CheckOut { declined: true, .. } => &[402, 409],
            // The order may have shipped; a refund may exceed the payment; a shipment moves only forward.
            Self::Cancel { .. } | Self::Record { .. } => &[200, 409],
            Self::Refund { .. } => &[201, 409],
        };
        all.contains(&status)
    }
}
