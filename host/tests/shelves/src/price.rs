//! Prices in notes: `tea, 1299 EUR`.

use crate::bindings::exports::test::shelf::state::{NoteState, PriceState};

/// The text and the price of a note.
pub(crate) fn split(note: &str) -> NoteState {
    match note.rsplit_once(", ").and_then(|(text, price)| Some((text, read(price)?))) {
        Some((text, price)) => NoteState { text: text.into(), price: Some(price) },
        None => NoteState { text: note.into(), price: None },
    }
}

/// The note of a text and a price.
pub(crate) fn joined(note: NoteState) -> String {
    match note.price {
        Some(PriceState { amount, currency }) => format!("{}, {amount} {currency}", note.text),
        None => note.text,
    }
}

fn read(price: &str) -> Option<PriceState> {
    let (amount, currency) = price.split_once(' ')?;
    Some(PriceState { amount: amount.parse().ok()?, currency: currency.into() })
}
