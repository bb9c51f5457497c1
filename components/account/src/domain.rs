//! An account and its rules: its owner, its limits, its changes.
//!
//! Everything here is pure: ids, time and random bytes are arguments.

#![forbid(unsafe_code)]

pub(crate) mod address;
pub(crate) mod attempts;
pub(crate) mod card_number;
pub(crate) mod email;
pub(crate) mod password;
pub(crate) mod payment_method;
pub(crate) mod session;

use serde::{Deserialize, Serialize};
use switchyard_sdk::{Faults, Timestamp};

use self::address::{Address, AddressDetails};
use self::email::Email;
use self::password::{Password, PasswordHash};
use self::payment_method::{PaymentMethod, PaymentMethodDetails};

/// Maximum of addresses per account: an account is read and written whole.
pub(crate) const ADDRESSES_MAX: usize = 50;

/// Maximum of payment methods per account.
pub(crate) const PAYMENT_METHODS_MAX: usize = 20;

/// Longest name of a person, in characters.
const NAME_CHARS_MAX: usize = 200;

/// The permissions of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    Customer,
    Staff,
}

impl Role {
    /// The name in contracts after `for`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Staff => "staff",
        }
    }
}

/// An account of a customer or of staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) email: Email,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) password_hash: PasswordHash,
    pub(crate) addresses: Vec<Address>,
    pub(crate) payment_methods: Vec<PaymentMethod>,
    pub(crate) created_at: Timestamp,
}

/// Why an account was not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    Invalid(Faults),
    AddressesFull,
    PaymentMethodsFull,
    NoSuchAddress,
    NoSuchPaymentMethod,
}

impl From<Faults> for Refusal {
    fn from(faults: Faults) -> Self {
        Self::Invalid(faults)
    }
}

/// The checked data for a new account.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) email: Email,
    pub(crate) name: String,
    pub(crate) password: Password,
}

impl Registration {
    pub(crate) fn parse(email: String, name: String, password: String) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let email = faults.take(Email::parse(email));
        check_name(&mut faults, &name);
        let password = faults.take(Password::parse(password));
        faults.complete(email.zip(password).map(|(email, password)| Self { email, name, password }))
    }

    /// The opened account; `password_hash` is the hash of the registration's password.
    pub(crate) fn open(self, id: String, role: Role, password_hash: PasswordHash, now: Timestamp) -> Account {
        Account {
            id,
            email: self.email,
            name: self.name,
            role,
            password_hash,
            addresses: Vec::new(),
            payment_methods: Vec::new(),
            created_at: now,
        }
    }
}

/// The checked changes of an account; absent fields do not change.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) name: Option<String>,
    pub(crate) email: Option<Email>,
    pub(crate) password: Option<Password>,
}

impl Changes {
    pub(crate) fn parse(name: Option<String>, email: Option<String>, password: Option<String>) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        if let Some(name) = &name {
            check_name(&mut faults, name);
        }
        let email = email.and_then(|email| faults.take(Email::parse(email)));
        let password = password.and_then(|password| faults.take(Password::parse(password)));
        faults.into_result(Self { name, email, password })
    }
}

impl Account {
    pub(crate) fn add_address(&mut self, id: String, details: AddressDetails) -> Result<&Address, Refusal> {
        let details = details.check()?;
        if self.addresses.len() >= ADDRESSES_MAX {
            return Err(Refusal::AddressesFull);
        }
        Ok(self.addresses.push_mut(Address { id, details }))
    }

    pub(crate) fn remove_address(&mut self, id: &str) -> Result<(), Refusal> {
        let place = self.addresses.iter().position(|address| address.id == id).ok_or(Refusal::NoSuchAddress)?;
        self.addresses.remove(place);
        Ok(())
    }

    pub(crate) fn add_payment_method(
        &mut self,
        id: String,
        details: PaymentMethodDetails,
        now: Timestamp,
    ) -> Result<&PaymentMethod, Refusal> {
        let details = details.check(now)?;
        if self.payment_methods.len() >= PAYMENT_METHODS_MAX {
            return Err(Refusal::PaymentMethodsFull);
        }
        Ok(self.payment_methods.push_mut(PaymentMethod { id, details }))
    }

    pub(crate) fn remove_payment_method(&mut self, id: &str) -> Result<(), Refusal> {
        let place = self.payment_methods.iter().position(|method| method.id == id);
        self.payment_methods.remove(place.ok_or(Refusal::NoSuchPaymentMethod)?);
        Ok(())
    }

    /// The address and the payment method that are chosen for a checkout.
    pub(crate) fn checkout_details(
        &self,
        address_id: &str,
        payment_method_id: &str,
    ) -> Result<(&Address, &PaymentMethod), Refusal> {
        let address = self.addresses.iter().find(|address| address.id == address_id).ok_or(Refusal::NoSuchAddress)?;
        let method = self.payment_methods.iter().find(|method| method.id == payment_method_id);
        Ok((address, method.ok_or(Refusal::NoSuchPaymentMethod)?))
    }
}

pub(crate) fn check_name(faults: &mut Faults, name: &str) {
    faults.line("/name", name, 1..=NAME_CHARS_MAX);
}

#[cfg(test)]
mod tests;
