//! Conversions between the contract's types and the domain's.

use switchyard_sdk::{Problem, Timestamp};

use crate::bindings::exports::shop::account::account as wire;
use crate::domain::address::{Address, AddressDetails};
use crate::domain::payment_method::{PaymentMethod, PaymentMethodDetails};
use crate::domain::session::Session;
use crate::domain::{Account, Refusal, Role};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(faults) => faults.into(),
            Refusal::AddressesFull => Self::conflict("the account has 50 addresses already"),
            Refusal::PaymentMethodsFull => Self::conflict("the account has 20 payment methods already"),
            Refusal::NoSuchAddress => Self::not_found("no such address"),
            Refusal::NoSuchPaymentMethod => Self::not_found("no such payment method"),
        }
    }
}

/// The error of a checkout choice, at the parameter of the choice.
pub(crate) fn refused_choice(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::NoSuchAddress => Problem::invalid_parameter("address-id", "no such address"),
        Refusal::NoSuchPaymentMethod => Problem::invalid_parameter("payment-method-id", "no such payment method"),
        refusal => refusal.into(),
    }
}

impl From<Role> for wire::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Customer => Self::Customer,
            Role::Staff => Self::Staff,
        }
    }
}

impl From<wire::AddressDetails> for AddressDetails {
    fn from(details: wire::AddressDetails) -> Self {
        let wire::AddressDetails { recipient, line1, line2, city, region, postal_code, country } = details;
        Self { recipient, line1, line2, city, region, postal_code, country }
    }
}

impl From<&Address> for wire::Address {
    fn from(address: &Address) -> Self {
        let details = address.details.clone();
        Self {
            id: address.id.clone(),
            recipient: details.recipient,
            line1: details.line1,
            line2: details.line2,
            city: details.city,
            region: details.region,
            postal_code: details.postal_code,
            country: details.country.code().to_owned(),
        }
    }
}

impl From<wire::PaymentMethodDetails> for PaymentMethodDetails {
    fn from(details: wire::PaymentMethodDetails) -> Self {
        let wire::PaymentMethodDetails { token, brand, last4, expiry_month, expiry_year } = details;
        Self { token, brand, last4, expiry_month, expiry_year }
    }
}

impl From<&PaymentMethod> for wire::PaymentMethod {
    fn from(method: &PaymentMethod) -> Self {
        Self {
            id: method.id.clone(),
            brand: method.details.brand.clone(),
            last4: method.details.last4.clone(),
            expiry_month: method.details.expiry_month,
            expiry_year: method.details.expiry_year,
        }
    }
}

/// The account for its owner.
pub(crate) fn account(account: &Account, order_count: u32) -> wire::Account {
    wire::Account {
        id: account.id.clone(),
        email: account.email.as_written().to_owned(),
        name: account.name.clone(),
        role: account.role.into(),
        addresses: account.addresses.iter().map(Into::into).collect(),
        payment_methods: account.payment_methods.iter().map(Into::into).collect(),
        order_count,
        created_at: account.created_at.to_rfc3339(),
    }
}

/// A session that was just opened, with its token.
pub(crate) fn session(token: String, account_id: String, expires_at: Timestamp) -> wire::Session {
    wire::Session { token, account_id, expires_at: expires_at.to_rfc3339() }
}

/// The identity of a session's owner.
pub(crate) fn identity(session: Session, session_id: String) -> wire::Identity {
    wire::Identity { id: session.account_id, role: session.role.name().to_owned(), session: Some(session_id) }
}

/// The error of a sign-in that must wait.
pub(crate) fn slowed(wait_seconds: u64) -> wire::SignInProblem {
    wire::SignInProblem::Slowed(wire::SlowDown {
        detail: "too many attempts to sign in failed".to_owned(),
        retry_after_seconds: u32::try_from(wait_seconds).unwrap_or(u32::MAX),
    })
}
