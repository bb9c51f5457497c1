//! The account service: the shop's customers and staff, and their sign-in.

#[allow(unsafe_code, unreachable_pub, missing_debug_implementations, reason = "generated")]
mod bindings;
mod domain;
mod state;
mod storage;
mod translate;

use switchyard_sdk::{Faults, Problem, caller, id, time};

use crate::bindings::Component;
use crate::bindings::exports::shop::account::account as wire;
use crate::bindings::exports::shop::events::order_events;
use crate::domain::attempts::Attempts;
use crate::domain::email::Email;
use crate::domain::password::{Password, PasswordHash};
use crate::domain::session::{self, Session};
use crate::domain::{Account, Changes, Registration, Role};

impl wire::Guest for Component {
    fn create_account(details: wire::NewAccount) -> Result<wire::Account, Problem> {
        open_account(details, Role::Customer)
    }

    fn create_staff(email: String, name: String, password: String) -> Result<wire::Account, Problem> {
        caller::require_operator()?;
        open_account(wire::NewAccount { email, name, password }, Role::Staff)
    }

    fn sign_in(credentials: wire::Credentials) -> Result<wire::Session, wire::SignInProblem> {
        let invalid = |faults: Faults| wire::SignInProblem::Invalid(faults.into());
        let email = Email::parse(credentials.email).map_err(invalid)?;
        let password = Password::parse_attempt(credentials.password).map_err(invalid)?;
        let now = time::now();
        let attempts = storage::attempts(&email);
        let wait_seconds = attempts.map_or(0, |attempts| attempts.wait_seconds(now));
        if wait_seconds > 0 {
            return Err(translate::slowed(wait_seconds));
        }
        let account = storage::owner_of(&email).and_then(|account_id| storage::account(&account_id));
        let Some(account) = verified(account, &password) else {
            storage::replace_attempts(&email, attempts.as_ref(), Some(&Attempts::after_failure(attempts, now)));
            return Err(wire::SignInProblem::Rejected("no account has this e-mail address and password".to_owned()));
        };
        storage::replace_attempts(&email, attempts.as_ref(), None);
        Ok(open_session(account))
    }

    fn sign_out() -> Result<(), Problem> {
        let session_id = caller::anyone()?.session.ok_or_else(Problem::unauthenticated)?;
        let session = storage::session(&session_id).ok_or_else(Problem::unauthenticated)?;
        storage::delete_session(&session_id, &session);
        Ok(())
    }

    fn get_account(id: String) -> Result<wire::Account, Problem> {
        caller::require_owner_or_staff(&id, "account")?;
        Ok(as_now(&existing(&id)?))
    }

    fn update_account(id: String, changes: wire::AccountChanges) -> Result<wire::Account, Problem> {
        let identity = caller::require_owner_or_staff(&id, "account")?;
        let mut account = existing(&id)?;
        let changes = Changes::parse(changes.name, changes.email, changes.password)?;
        if let Some(email) = changes.email {
            if storage::owner_of(&email).is_some_and(|owner| owner != id) {
                return Err(email_taken());
            }
            storage::own_email(&id, Some(&account.email), &email);
            account.email = email;
        }
        if let Some(password) = changes.password {
            account.password_hash = PasswordHash::of(&password, id::random_bytes());
            end_other_sessions(&id, identity.session.as_deref());
        }
        account.name = changes.name.unwrap_or(account.name);
        let answer = as_now(&account);
        storage::save_account(account);
        Ok(answer)
    }

    fn add_address(id: String, details: wire::AddressDetails) -> Result<wire::Address, Problem> {
        caller::require_owner(&id, "account")?;
        let mut account = existing(&id)?;
        let address = account.add_address(id::new("adr"), details.into())?.into();
        storage::save_account(account);
        Ok(address)
    }

    fn remove_address(id: String, address_id: String) -> Result<(), Problem> {
        caller::require_owner(&id, "account")?;
        let mut account = existing(&id)?;
        account.remove_address(&address_id)?;
        storage::save_account(account);
        Ok(())
    }

    fn add_payment_method(id: String, details: wire::PaymentMethodDetails) -> Result<wire::PaymentMethod, Problem> {
        caller::require_owner(&id, "account")?;
        let mut account = existing(&id)?;
        let method = account.add_payment_method(id::new("pm"), details.into(), time::now())?.into();
        storage::save_account(account);
        Ok(method)
    }

    fn remove_payment_method(id: String, payment_method_id: String) -> Result<(), Problem> {
        caller::require_owner(&id, "account")?;
        let mut account = existing(&id)?;
        account.remove_payment_method(&payment_method_id)?;
        storage::save_account(account);
        Ok(())
    }

    fn authenticate(token: String) -> Option<wire::Identity> {
        let session_id = session::session_id(&token)?;
        let session = storage::session(&session_id)?;
        session
            .is_live(storage::generation(&session.account_id), time::now())
            .then(|| translate::identity(session, session_id))
    }

    fn get_checkout_details(
        account_id: String,
        address_id: String,
        payment_method_id: String,
    ) -> Result<wire::CheckoutDetails, Problem> {
        let account = existing(&account_id)?;
        let chosen = account.checkout_details(&address_id, &payment_method_id);
        let (address, method) = chosen.map_err(translate::refused_choice)?;
        let payment_token = method.details.token.clone();
        Ok(wire::CheckoutDetails { address: address.into(), payment_method: method.into(), payment_token })
    }

    fn forget_expired() {
        storage::forget_expired(time::now());
    }
}

impl order_events::Guest for Component {
    fn order_placed(_order_id: String, account_id: String) {
        storage::change_order_count(&account_id, |count| count.saturating_add(1));
    }

    fn order_cancelled(_order_id: String, account_id: String) {
        storage::change_order_count(&account_id, |count| count.saturating_sub(1));
    }
}

fn open_account(details: wire::NewAccount, role: Role) -> Result<wire::Account, Problem> {
    let registration = Registration::parse(details.email, details.name, details.password)?;
    if storage::owner_of(&registration.email).is_some() {
        return Err(email_taken());
    }
    let password_hash = PasswordHash::of(&registration.password, id::random_bytes());
    let account = registration.open(id::new("acc"), role, password_hash, time::now());
    storage::own_email(&account.id, None, &account.email);
    let answer = as_now(&account);
    storage::save_account(account);
    Ok(answer)
}

/// The account, if the password is right. Without an account it takes the same time, so that the two cases cannot be
/// distinguished.
fn verified(account: Option<Account>, password: &Password) -> Option<Account> {
    let hash = account.as_ref().map_or_else(PasswordHash::of_nobody, |account| account.password_hash.clone());
    let right = hash.verify(password);
    account.filter(|_| right)
}

fn open_session(account: Account) -> wire::Session {
    let token = session::token(id::random_bytes());
    let session_id = session::session_id(&token).expect("a new token has the form of one");
    let generation = storage::generation(&account.id);
    let session = Session::open(account.id, account.role, generation, time::now());
    let (account_id, expires_at) = (session.account_id.clone(), session.expires_at);
    storage::save_session(&session_id, session);
    translate::session(token, account_id, expires_at)
}

/// Ends the sessions of an account, except for `asking`.
fn end_other_sessions(account_id: &str, asking: Option<&str>) {
    let generation = storage::generation(account_id).wrapping_add(1);
    storage::save_generation(account_id, generation);
    let own = asking.and_then(|session_id| Some((session_id, storage::session(session_id)?)));
    if let Some((session_id, session)) = own.filter(|(_, session)| session.account_id == account_id) {
        storage::save_session(session_id, Session { generation, ..session });
    }
}

fn existing(account_id: &str) -> Result<Account, Problem> {
    storage::account(account_id).ok_or_else(|| Problem::not_found("no such account"))
}

fn as_now(account: &Account) -> wire::Account {
    translate::account(account, storage::order_count(&account.id))
}

fn email_taken() -> Problem {
    Problem::conflict("this e-mail address has an account already")
}

#[cfg(test)]
mod tests;
