//! The state of the service in the form of its contract.

use switchyard_sdk::state::{Page, refusal, wrong_key};
use switchyard_sdk::{Faults, Timestamp, id};

use crate::bindings::Component;
use crate::bindings::exports::shop::account::account::{Address as WireAddress, Role as WireRole};
use crate::bindings::exports::shop::account::state as wire;
use crate::people::{self, Address, Card, List, Profile, Role};
use crate::sign_ins::{self, Session, Tries};
use crate::{ADDRESSES_MAX, CARDS_MAX, checks, shown_address, shown_role};

impl wire::Guest for Component {
    fn export_state(after: Option<String>, until: Option<String>, limit: u32) -> Vec<wire::Entry> {
        let mut page = Page::new(after, until, limit);
        people::export(&mut page, account);
        sign_ins::export_tries(&mut page, tries);
        sign_ins::export_sessions(&mut page, session);
        page.into_entries(|key, value| wire::Entry { key, value })
    }

    fn import_state(changes: Vec<wire::Change>) -> Result<(), String> {
        changes
            .into_iter()
            .try_for_each(|wire::Change { key, value }| import(&key, value).map_err(|faults| refusal(&key, &faults)))
    }
}

fn import(key: &str, value: Option<wire::Entity>) -> Result<(), Faults> {
    match (key.split_once('/'), value) {
        (Some(("account", id)), None) if id::is_id(id) => people::remove(id),
        (Some(("account", id)), Some(wire::Entity::Account(account))) if id::is_id(id) => replace_account(id, account)?,
        (Some(("attempts", hash)), None) if sign_ins::is_hash(hash) => sign_ins::set_tries(hash, None),
        (Some(("attempts", hash)), Some(wire::Entity::Attempts(attempts))) if sign_ins::is_hash(hash) => {
            let last_failed_at = time(&attempts.last_failed_at, "/lastFailedAt")?;
            sign_ins::set_tries(hash, Some(Tries { failures: attempts.failures, last_failed_at }));
        }
        (Some(("session", hash)), None) if sign_ins::is_hash(hash) => sign_ins::end(hash),
        (Some(("session", hash)), Some(wire::Entity::Session(session))) if sign_ins::is_hash(hash) => {
            let session = parse_session(session)?;
            sign_ins::end(hash);
            sign_ins::add(hash, &session);
        }
        _ => return Err(wrong_key()),
    }
    Ok(())
}

/// Nothing if the account has no secret: then it is not complete yet.
fn account(account_id: &str, profile: Profile) -> Option<wire::Entity> {
    let card = |(_, Card { id, token, brand, last4, expiry_month, expiry_year })| wire::PaymentMethodState {
        id,
        token,
        brand,
        last4,
        expiry_month,
        expiry_year,
    };
    let addresses = List::Addresses.read::<Address>(account_id).into_iter();
    Some(wire::Entity::Account(wire::AccountState {
        email: profile.email,
        name: profile.name,
        role: shown_role(profile.role),
        password_hash: people::secret(account_id)?,
        addresses: addresses.map(|(_, address)| shown_address(address)).collect(),
        payment_methods: List::Cards.read::<Card>(account_id).into_iter().map(card).collect(),
        order_count: people::order_count(account_id),
        created_at: profile.created_at.to_rfc3339_micros(),
    }))
}

fn tries(tries: Tries) -> wire::Entity {
    let Tries { failures, last_failed_at } = tries;
    wire::Entity::Attempts(wire::AttemptsState { failures, last_failed_at: last_failed_at.to_rfc3339_micros() })
}

fn session(session: Session) -> wire::Entity {
    let Session { account_id, role, expires_at, epoch: _ } = session;
    let expires_at = expires_at.to_rfc3339_micros();
    wire::Entity::Session(wire::SessionState { account_id, role: shown_role(role), expires_at })
}

fn replace_account(account_id: &str, account: wire::AccountState) -> Result<(), Faults> {
    let mut faults = Faults::new();
    checks::email(&mut faults, &account.email);
    faults.line("/name", &account.name, 1..=checks::NAME_CHARS_MAX);
    checks::password_hash(&mut faults, &account.password_hash);
    faults.check(account.addresses.len() <= ADDRESSES_MAX, "/addresses", "must be at most 50");
    faults.check(account.payment_methods.len() <= CARDS_MAX, "/paymentMethods", "must be at most 20");
    let mut addresses = Vec::with_capacity(account.addresses.len());
    for (number, WireAddress { id, recipient, line1, line2, city, region, postal_code, country }) in
        account.addresses.into_iter().enumerate()
    {
        let address = Address { id, recipient, line1, line2, city, region, postal_code, country };
        for (pointer, detail) in checks::address(&address).iter() {
            faults.add(format!("/addresses/{number}{pointer}"), detail);
        }
        addresses.push(address);
    }
    let created_at = faults.take(time(&account.created_at, "/createdAt"));
    let created_at = faults.complete(created_at)?;
    // A card that expired since it was added stays.
    let card = |wire::PaymentMethodState { id, token, brand, last4, expiry_month, expiry_year }| Card {
        id,
        token,
        brand,
        last4,
        expiry_month,
        expiry_year,
    };
    let cards: Vec<Card> = account.payment_methods.into_iter().map(card).collect();
    let profile = Profile { created_at, role: role(account.role), email: account.email, name: account.name };
    people::remove(account_id);
    people::set_profile(account_id, None, &profile);
    people::set_secret(account_id, &account.password_hash);
    List::Addresses.replace(account_id, &addresses);
    List::Cards.replace(account_id, &cards);
    if account.order_count > 0 {
        people::set_order_count(account_id, account.order_count);
    }
    Ok(())
}

fn parse_session(session: wire::SessionState) -> Result<Session, Faults> {
    let wire::SessionState { account_id, role: session_role, expires_at } = session;
    let mut faults = Faults::new();
    faults.check(id::is_id(&account_id), "/accountId", "must be an id");
    let expires_at = faults.take(time(&expires_at, "/expiresAt"));
    let expires_at = faults.complete(expires_at)?;
    let epoch = sign_ins::epoch(&account_id);
    Ok(Session { account_id, role: role(session_role), expires_at, epoch })
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

    use super::{people, sign_ins};

    pub(super) fn owner_of(email: &str) -> Option<String> {
        people::owner_of(email)
    }

    pub(super) fn is_live(hash: &str) -> bool {
        let session = sign_ins::session(hash);
        session.is_some_and(|session| {
            session.epoch == sign_ins::epoch(&session.account_id) && time::now() < session.expires_at
        })
    }

    pub(super) fn end_sessions(account_id: &str) {
        sign_ins::end_others(account_id, None);
    }

    pub(super) fn hash_of(email: &str) -> String {
        sign_ins::hash(&email.to_ascii_lowercase())
    }
}

#[cfg(test)]
#[path = "../../../account/src/state/tests.rs"]
mod tests;
