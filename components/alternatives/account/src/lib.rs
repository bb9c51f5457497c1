//! A second account service for the shop's contract. It stores each address, payment method and session as an entry of its
//! own.

#[allow(unsafe_code, unreachable_pub, missing_debug_implementations, reason = "generated")]
mod bindings;
mod checks;
mod people;
mod sign_ins;
mod state;

use switchyard_sdk::{Faults, Problem, caller, id, time};

use crate::bindings::Component;
use crate::bindings::exports::shop::account::account as contract;
use crate::bindings::exports::shop::events::order_events;
use crate::people::{Address, Card, List, Profile, Role};

/// Maximum number of addresses and payment methods of an account.
const ADDRESSES_MAX: usize = 50;
const CARDS_MAX: usize = 20;

impl contract::Guest for Component {
    fn create_account(details: contract::NewAccount) -> Result<contract::Account, Problem> {
        open(details, Role::Customer)
    }

    fn create_staff(email: String, name: String, password: String) -> Result<contract::Account, Problem> {
        caller::require_operator()?;
        open(contract::NewAccount { email, name, password }, Role::Staff)
    }

    fn sign_in(credentials: contract::Credentials) -> Result<contract::Session, contract::SignInProblem> {
        let contract::Credentials { email, password } = credentials;
        let mut faults = Faults::new();
        checks::email(&mut faults, &email);
        if faults.iter().next().is_none() {
            checks::attempt(&mut faults, &password);
        }
        faults.into_result(()).map_err(|faults| contract::SignInProblem::Invalid(faults.into()))?;
        let (now, hash) = (time::now(), sign_ins::hash(&email.to_ascii_lowercase()));
        let wait_seconds = sign_ins::tries(&hash).map_or(0, |tries| tries.wait_seconds(now));
        if wait_seconds > 0 {
            return Err(contract::SignInProblem::Slowed(contract::SlowDown {
                detail: "too many attempts to sign in failed".to_owned(),
                retry_after_seconds: u32::try_from(wait_seconds).unwrap_or(u32::MAX),
            }));
        }
        let account_id = people::owner_of(&email);
        let secret = account_id.as_deref().and_then(people::secret);
        let is_right = checks::verify(secret.as_deref(), &password);
        let account = account_id.and_then(|account_id| Some((people::profile(&account_id)?, account_id)));
        let Some((profile, account_id)) = account.filter(|_| is_right) else {
            sign_ins::fail(&hash, now);
            let detail = "no account has this e-mail address and password".to_owned();
            return Err(contract::SignInProblem::Rejected(detail));
        };
        sign_ins::set_tries(&hash, None);
        let (token, session) = sign_ins::open(&account_id, profile.role, now);
        Ok(contract::Session { token, account_id, expires_at: session.expires_at.to_rfc3339() })
    }

    fn sign_out() -> Result<(), Problem> {
        let session = caller::anyone()?.session.filter(|session| sign_ins::session(session).is_some());
        sign_ins::end(&session.ok_or_else(Problem::unauthenticated)?);
        Ok(())
    }

    fn get_account(account_id: String) -> Result<contract::Account, Problem> {
        caller::require_owner_or_staff(&account_id, "account")?;
        Ok(answer(&account_id, known(&account_id)?))
    }

    fn update_account(account_id: String, changes: contract::AccountChanges) -> Result<contract::Account, Problem> {
        let identity = caller::require_owner_or_staff(&account_id, "account")?;
        let before = known(&account_id)?;
        let mut faults = Faults::new();
        if let Some(name) = &changes.name {
            faults.line("/name", name, 1..=checks::NAME_CHARS_MAX);
        }
        if let Some(email) = &changes.email {
            checks::email(&mut faults, email);
        }
        if let Some(password) = &changes.password {
            checks::password(&mut faults, password);
        }
        faults.into_result(())?;
        let mut after = before.clone();
        if let Some(email) = changes.email {
            require_free(&email, Some(&account_id))?;
            after.email = email;
        }
        after.name = changes.name.unwrap_or(after.name);
        people::set_profile(&account_id, Some(&before), &after);
        if let Some(password) = changes.password {
            people::set_secret(&account_id, &checks::hash(&password));
            sign_ins::end_others(&account_id, identity.session.as_deref());
        }
        Ok(answer(&account_id, after))
    }

    fn add_address(account_id: String, details: contract::AddressDetails) -> Result<contract::Address, Problem> {
        caller::require_owner(&account_id, "account")?;
        known(&account_id)?;
        let contract::AddressDetails { recipient, line1, line2, city, region, postal_code, country } = details;
        let address = Address { id: id::new("adr"), recipient, line1, line2, city, region, postal_code, country };
        checks::address(&address).into_result(())?;
        let addresses = List::Addresses.read::<Address>(&account_id);
        if addresses.len() >= ADDRESSES_MAX {
            return Err(Problem::conflict("the account has 50 addresses already"));
        }
        List::Addresses.add(&account_id, &addresses, &address);
        Ok(shown_address(address))
    }

    fn remove_address(account_id: String, address_id: String) -> Result<(), Problem> {
        caller::require_owner(&account_id, "account")?;
        known(&account_id)?;
        let mut addresses = List::Addresses.read::<Address>(&account_id).into_iter();
        let found = addresses.find(|(_, address)| address.id == address_id);
        let (key, _) = found.ok_or_else(|| Problem::not_found("no such address"))?;
        switchyard_sdk::store::delete(&key);
        Ok(())
    }

    fn add_payment_method(
        account_id: String,
        details: contract::PaymentMethodDetails,
    ) -> Result<contract::PaymentMethod, Problem> {
        caller::require_owner(&account_id, "account")?;
        known(&account_id)?;
        let contract::PaymentMethodDetails { token, brand, last4, expiry_month, expiry_year } = details;
        let card = Card { id: id::new("pm"), token, brand, last4, expiry_month, expiry_year };
        checks::card(&card, time::now()).into_result(())?;
        let cards = List::Cards.read::<Card>(&account_id);
        if cards.len() >= CARDS_MAX {
            return Err(Problem::conflict("the account has 20 payment methods already"));
        }
        List::Cards.add(&account_id, &cards, &card);
        Ok(shown_card(card))
    }

    fn remove_payment_method(account_id: String, payment_method_id: String) -> Result<(), Problem> {
        caller::require_owner(&account_id, "account")?;
        known(&account_id)?;
        let found = List::Cards.read::<Card>(&account_id).into_iter().find(|(_, card)| card.id == payment_method_id);
        let (key, _) = found.ok_or_else(|| Problem::not_found("no such payment method"))?;
        switchyard_sdk::store::delete(&key);
        Ok(())
    }

    fn authenticate(token: String) -> Option<contract::Identity> {
        let (hash, session) = sign_ins::of_token(&token, time::now())?;
        let role = session.role.name().to_owned();
        Some(contract::Identity { id: session.account_id, role, session: Some(hash) })
    }

    fn forget_expired() {
        sign_ins::delete_ended(time::now());
    }

    fn get_checkout_details(
        account_id: String,
        address_id: String,
        payment_method_id: String,
    ) -> Result<contract::CheckoutDetails, Problem> {
        known(&account_id)?;
        let addresses = List::Addresses.read::<Address>(&account_id);
        let address = addresses.into_iter().map(|(_, address)| address).find(|address| address.id == address_id);
        let address = address.ok_or_else(|| Problem::invalid_parameter("address-id", "no such address"))?;
        let cards = List::Cards.read::<Card>(&account_id);
        let card = cards.into_iter().map(|(_, card)| card).find(|card| card.id == payment_method_id);
        let card = card.ok_or_else(|| Problem::invalid_parameter("payment-method-id", "no such payment method"))?;
        let payment_token = card.token.clone();
        let (address, payment_method) = (shown_address(address), shown_card(card));
        Ok(contract::CheckoutDetails { address, payment_method, payment_token })
    }
}

impl order_events::Guest for Component {
    fn order_placed(_order_id: String, account_id: String) {
        if people::profile(&account_id).is_some() {
            people::set_order_count(&account_id, people::order_count(&account_id).saturating_add(1));
        }
    }

    fn order_cancelled(_order_id: String, account_id: String) {
        if people::profile(&account_id).is_some() {
            people::set_order_count(&account_id, people::order_count(&account_id).saturating_sub(1));
        }
    }
}

fn open(details: contract::NewAccount, role: Role) -> Result<contract::Account, Problem> {
    let contract::NewAccount { email, name, password } = details;
    let mut faults = Faults::new();
    checks::email(&mut faults, &email);
    faults.line("/name", &name, 1..=checks::NAME_CHARS_MAX);
    checks::password(&mut faults, &password);
    faults.into_result(())?;
    require_free(&email, None)?;
    let account_id = id::new("acc");
    let profile = Profile { created_at: time::now(), role, email, name };
    people::set_profile(&account_id, None, &profile);
    people::set_secret(&account_id, &checks::hash(&password));
    Ok(answer(&account_id, profile))
}

fn require_free(email: &str, own: Option<&str>) -> Result<(), Problem> {
    match people::owner_of(email) {
        Some(owner) if own != Some(owner.as_str()) => {
            Err(Problem::conflict("this e-mail address has an account already"))
        }
        _ => Ok(()),
    }
}

fn known(account_id: &str) -> Result<Profile, Problem> {
    people::profile(account_id).ok_or_else(|| Problem::not_found("no such account"))
}

fn answer(account_id: &str, profile: Profile) -> contract::Account {
    let addresses = List::Addresses.read::<Address>(account_id).into_iter();
    let cards = List::Cards.read::<Card>(account_id).into_iter();
    contract::Account {
        id: account_id.to_owned(),
        email: profile.email,
        name: profile.name,
        role: shown_role(profile.role),
        addresses: addresses.map(|(_, address)| shown_address(address)).collect(),
        payment_methods: cards.map(|(_, card)| shown_card(card)).collect(),
        order_count: people::order_count(account_id),
        created_at: profile.created_at.to_rfc3339(),
    }
}

fn shown_role(role: Role) -> contract::Role {
    match role {
        Role::Customer => contract::Role::Customer,
        Role::Staff => contract::Role::Staff,
    }
}

fn shown_address(address: Address) -> contract::Address {
    let Address { id, recipient, line1, line2, city, region, postal_code, country } = address;
    contract::Address { id, recipient, line1, line2, city, region, postal_code, country }
}

fn shown_card(card: Card) -> contract::PaymentMethod {
    let Card { id, token: _, brand, last4, expiry_month, expiry_year } = card;
    contract::PaymentMethod { id, brand, last4, expiry_month, expiry_year }
}

#[cfg(test)]
mod tests;
