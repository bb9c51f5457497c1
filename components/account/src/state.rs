//! The interface `state` of the contract: all that the service keeps, read and written entity by entity.

use switchyard_sdk::state::{Page, refusal, wrong_key};
use switchyard_sdk::{Faults, Timestamp, id};

use crate::bindings::Component;
use crate::bindings::exports::shop::account::account::{Address as WireAddress, Role as WireRole};
use crate::bindings::exports::shop::account::state as wire;
use crate::domain::address::{Address, AddressDetails};
use crate::domain::attempts::Attempts;
use crate::domain::email::Email;
use crate::domain::password::PasswordHash;
use crate::domain::payment_method::{PaymentMethod, PaymentMethodDetails};
use crate::domain::session::{Session, is_session_id};
use crate::domain::{ADDRESSES_MAX, Account, PAYMENT_METHODS_MAX, Role, check_name};
use crate::storage;

impl wire::Guest for Component {
    fn export_state(after: Option<String>, until: Option<String>, limit: u32) -> Vec<wire::Entry> {
        let mut page = Page::new(after, until, limit);
        storage::export_accounts(&mut page, account_state);
        storage::export_attempts(&mut page, attempts_state);
        storage::export_sessions(&mut page, session_state);
        page.into_entries(|key, value| wire::Entry { key, value })
    }

    fn import_state(changes: Vec<wire::Change>) -> Result<(), String> {
        changes
            .into_iter()
            .try_for_each(|wire::Change { key, value }| import(&key, value).map_err(|faults| refusal(&key, &faults)))
    }
}

fn import(key: &str, value: Option<wire::Entity>) -> Result<(), Faults> {
    let (kind, id) = key.split_once('/').ok_or_else(wrong_key)?;
    let is_known = if kind == "account" { id::is_id(id) } else { is_session_id(id) };
    match (kind, value) {
        _ if !is_known => return Err(wrong_key()),
        ("account", None) => storage::replace_account(id, None),
        ("account", Some(wire::Entity::Account(account))) => {
            storage::replace_account(id, Some(parse_account(id, account)?));
        }
        ("attempts", None) => storage::replace_attempts_by_hash(id, None),
        ("attempts", Some(wire::Entity::Attempts(attempts))) => {
            storage::replace_attempts_by_hash(id, Some(&parse_attempts(&attempts)?));
        }
        ("session", None) => storage::replace_session(id, None),
        ("session", Some(wire::Entity::Session(session))) => {
            storage::replace_session(id, Some(parse_session(session)?));
        }
        _ => return Err(wrong_key()),
    }
    Ok(())
}

fn account_state(account: Account, order_count: u32) -> wire::Entity {
    let payment_method = |PaymentMethod { id, details }| {
        let PaymentMethodDetails { token, brand, last4, expiry_month, expiry_year } = details;
        wire::PaymentMethodState { id, token, brand, last4, expiry_month, expiry_year }
    };
    wire::Entity::Account(wire::AccountState {
        email: account.email.as_written().to_owned(),
        name: account.name,
        role: account.role.into(),
        password_hash: account.password_hash.as_phc().to_owned(),
        addresses: account.addresses.iter().map(Into::into).collect(),
        payment_methods: account.payment_methods.into_iter().map(payment_method).collect(),
        order_count,
        created_at: account.created_at.to_rfc3339_micros(),
    })
}

fn attempts_state(attempts: Attempts) -> wire::Entity {
    let (failures, last_failed_at) = attempts.into_parts();
    wire::Entity::Attempts(wire::AttemptsState { failures, last_failed_at: last_failed_at.to_rfc3339_micros() })
}

fn session_state(session: Session) -> wire::Entity {
    wire::Entity::Session(wire::SessionState {
        account_id: session.account_id,
        role: session.role.into(),
        expires_at: session.expires_at.to_rfc3339_micros(),
    })
}

/// The account and its number of orders.
fn parse_account(account_id: &str, account: wire::AccountState) -> Result<(Account, u32), Faults> {
    let mut faults = Faults::new();
    let email = faults.take(Email::parse(account.email));
    check_name(&mut faults, &account.name);
    let password_hash = faults.take(PasswordHash::parse(account.password_hash));
    faults.check(account.addresses.len() <= ADDRESSES_MAX, "/addresses", "must be at most 50");
    let methods = account.payment_methods;
    faults.check(methods.len() <= PAYMENT_METHODS_MAX, "/paymentMethods", "must be at most 20");
    let addresses = account.addresses.into_iter().enumerate();
    let addresses = addresses.filter_map(|(place, address)| faults.take(parse_address(address, place))).collect();
    let created_at = faults.take(time(&account.created_at, "/createdAt"));
    let payment_method = |method: wire::PaymentMethodState| {
        let wire::PaymentMethodState { id, token, brand, last4, expiry_month, expiry_year } = method;
        PaymentMethod { id, details: PaymentMethodDetails { token, brand, last4, expiry_month, expiry_year } }
    };
    let parsed = email.zip(password_hash).zip(created_at);
    faults.complete(parsed.map(|((email, password_hash), created_at)| {
        let of_domain = Account {
            id: account_id.to_owned(),
            email,
            name: account.name,
            role: role(account.role),
            password_hash,
            addresses,
            payment_methods: methods.into_iter().map(payment_method).collect(),
            created_at,
        };
        (of_domain, account.order_count)
    }))
}

fn parse_address(address: WireAddress, place: usize) -> Result<Address, Faults> {
    let WireAddress { id, recipient, line1, line2, city, region, postal_code, country } = address;
    let details = AddressDetails { recipient, line1, line2, city, region, postal_code, country };
    let details = details.check().map_err(|faults| {
        let mut below = Faults::new();
        faults.iter().for_each(|(pointer, detail)| below.add(format!("/addresses/{place}{pointer}"), detail));
        below
    })?;
    Ok(Address { id, details })
}

fn parse_attempts(attempts: &wire::AttemptsState) -> Result<Attempts, Faults> {
    let last_failed_at = time(&attempts.last_failed_at, "/lastFailedAt")?;
    Ok(Attempts::of_another(attempts.failures, last_failed_at))
}

/// A session that is live.
fn parse_session(session: wire::SessionState) -> Result<Session, Faults> {
    let wire::SessionState { account_id, role: session_role, expires_at } = session;
    let mut faults = Faults::new();
    faults.check(id::is_id(&account_id), "/accountId", "must be an id");
    let expires_at = faults.take(time(&expires_at, "/expiresAt"));
    let expires_at = faults.complete(expires_at)?;
    let generation = storage::generation(&account_id);
    Ok(Session { account_id, role: role(session_role), generation, expires_at })
}

fn role(role: WireRole) -> Role {
    match role {
        WireRole::Customer => Role::Customer,
        WireRole::Staff => Role::Staff,
    }
}

fn time(text: &str, pointer: &str) -> Result<Timestamp, Faults> {
    Timestamp::parse(text).ok_or_else(|| Faults::at(pointer, "must be a time in UTC"))
}

/// The parts of the service that the tests reach around the contract.
#[cfg(test)]
mod reach {
    use switchyard_sdk::time;

    use crate::domain::email::Email;
    use crate::domain::session;
    use crate::storage;

    pub(super) fn owner_of(email: &str) -> Option<String> {
        storage::owner_of(&Email::parse(email.to_owned()).expect("an address"))
    }

    pub(super) fn is_live(hash: &str) -> bool {
        let session = storage::session(hash);
        session.is_some_and(|session| session.is_live(storage::generation(&session.account_id), time::now()))
    }

    pub(super) fn end_sessions(account_id: &str) {
        storage::save_generation(account_id, storage::generation(account_id) + 1);
    }

    pub(super) fn hash_of(email: &str) -> String {
        session::hash(&email.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests;
