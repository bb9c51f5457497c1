//! The stored accounts, in parts.
//!
//! | key | value |
//! |---|---|
//! | `profile/<account>` | [`Profile`] |
//! | `secret/<account>` | the password hash, in the PHC string format |
//! | `address/<account>/<number>` | [`Address`] |
//! | `card/<account>/<number>` | [`Card`] |
//! | `orders/<account>` | the number of orders that were placed and not cancelled |
//! | `login/<e-mail address in lower case>` | the account |

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use switchyard_sdk::state::Page;
use switchyard_sdk::{Timestamp, id, store};

const PROFILE: &str = "profile/";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    Customer,
    Staff,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Staff => "staff",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) created_at: Timestamp,
    pub(crate) role: Role,
    pub(crate) email: String,
    pub(crate) name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) id: String,
    pub(crate) recipient: String,
    pub(crate) line1: String,
    pub(crate) line2: Option<String>,
    pub(crate) city: String,
    pub(crate) region: Option<String>,
    pub(crate) postal_code: String,
    pub(crate) country: String,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Card {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) brand: String,
    pub(crate) last4: String,
    pub(crate) expiry_month: u8,
    pub(crate) expiry_year: u16,
}

/// The profile of an account; nothing for a text that is not an id.
pub(crate) fn profile(account_id: &str) -> Option<Profile> {
    if id::is_id(account_id) { store::get(&[PROFILE, account_id].concat()) } else { None }
}

/// Stores a profile, and makes its e-mail address the account's in place of the earlier one.
pub(crate) fn set_profile(account_id: &str, before: Option<&Profile>, after: &Profile) {
    if let Some(before) = before {
        forget_login(account_id, &before.email);
    }
    store::set(&login_key(&after.email), account_id);
    store::set(&[PROFILE, account_id].concat(), after);
}

fn forget_login(account_id: &str, email: &str) {
    // Another account may have the address by now.
    if owner_of(email).as_deref() == Some(account_id) {
        store::delete(&login_key(email));
    }
}

/// The account with an e-mail address, in upper or lower case.
pub(crate) fn owner_of(email: &str) -> Option<String> {
    store::get(&login_key(email))
}

pub(crate) fn secret(account_id: &str) -> Option<String> {
    store::get(&["secret/", account_id].concat())
}

pub(crate) fn set_secret(account_id: &str, hash: &str) {
    store::set(&["secret/", account_id].concat(), hash);
}

pub(crate) fn order_count(account_id: &str) -> u32 {
    store::get(&["orders/", account_id].concat()).unwrap_or_default()
}

pub(crate) fn set_order_count(account_id: &str, count: u32) {
    store::set(&["orders/", account_id].concat(), &count);
}

/// A list of an account: its addresses or its cards.
#[derive(Debug, Clone, Copy)]
pub(crate) enum List {
    Addresses,
    Cards,
}

impl List {
    fn prefix(self, account_id: &str) -> String {
        let kind = match self {
            Self::Addresses => "address/",
            Self::Cards => "card/",
        };
        [kind, account_id, "/"].concat()
    }

    /// The items, each with its key.
    pub(crate) fn read<T: DeserializeOwned>(self, account_id: &str) -> Vec<(String, T)> {
        store::all(&self.prefix(account_id)).collect()
    }

    /// Adds an item behind the last of `items`.
    pub(crate) fn add<T: Serialize>(self, account_id: &str, items: &[(String, T)], item: &T) {
        let number = |key: &String| key.rsplit('/').next()?.parse::<u32>().ok();
        let next = items.last().and_then(|(key, _)| number(key)).map_or(0, |last| last.saturating_add(1));
        store::set(&format!("{}{next:010}", self.prefix(account_id)), item);
    }

    /// Stores these items in place of all.
    pub(crate) fn replace<T: Serialize + DeserializeOwned>(self, account_id: &str, items: &[T]) {
        self.read::<T>(account_id).iter().for_each(|(key, _)| store::delete(key));
        for (number, item) in items.iter().enumerate() {
            store::set(&format!("{}{number:010}", self.prefix(account_id)), item);
        }
    }
}

/// Deletes an account.
pub(crate) fn remove(account_id: &str) {
    let Some(profile) = profile(account_id) else { return };
    forget_login(account_id, &profile.email);
    List::Addresses.replace::<Address>(account_id, &[]);
    List::Cards.replace::<Card>(account_id, &[]);
    for kind in [PROFILE, "secret/", "orders/"] {
        store::delete(&[kind, account_id].concat());
    }
}

/// Adds the accounts of a page of entities.
pub(crate) fn export<E>(page: &mut Page<E>, entity: impl Fn(&str, Profile) -> Option<E>) {
    page.add("account/", PROFILE, |account_id, profile: Profile| entity(account_id, profile));
}

fn login_key(email: &str) -> String {
    ["login/", &email.to_ascii_lowercase()].concat()
}
