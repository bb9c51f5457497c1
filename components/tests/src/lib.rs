//! The shop from its clients' view: the whole host with the five components, with free ports and its own folder.

pub mod alternatives;
mod customer;
mod document;
mod http;
pub mod json;
mod link;
mod manifest;
pub mod pages;
mod process;
mod shop;

pub use customer::{Customer, PASSWORD, address, card, fill_cart, sign_in};
pub use document::Document;
pub use http::{Answer, Client};
pub use link::{Link, LinkState};
pub use process::Process;
pub use shop::{Shop, Staff, item, workspace};
