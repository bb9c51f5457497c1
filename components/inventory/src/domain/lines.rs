//! The lines that an order reserves or has bought: quantities of items.

use serde::{Deserialize, Serialize};

use crate::domain::item::Sku;

/// Maximum of lines of one order, because the writes of one commit are bounded.
pub(crate) const LINES_MAX: usize = 100;

/// Maximum quantity of one item in one order.
pub(crate) const QUANTITY_MAX: u32 = 1_000_000;

/// A quantity of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) sku: Sku,
    pub(crate) quantity: u32,
}

/// The lines of an order.
///
/// Invariant: sorted by SKU, each once; each quantity is at least 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lines(Vec<Line>);

/// Why lines are invalid for an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinesError {
    #[error("an order has 1 to 100 lines")]
    Count,
    #[error("an order takes 1 to 1,000,000 of an item")]
    Quantity,
}

impl Lines {
    /// Sorts lines and adds up those of one SKU.
    ///
    /// # Errors
    ///
    /// [`LinesError`].
    pub(crate) fn new(mut lines: Vec<Line>) -> Result<Self, LinesError> {
        if lines.is_empty() || lines.len() > LINES_MAX {
            return Err(LinesError::Count);
        }
        lines.sort_by(|one, other| one.sku.cmp(&other.sku));
        let mut merged: Vec<Line> = Vec::with_capacity(lines.len());
        for line in lines {
            match merged.last_mut() {
                Some(last) if last.sku == line.sku => last.quantity = last.quantity.saturating_add(line.quantity),
                _ => merged.push(line),
            }
        }
        if merged.iter().all(|line| (1..=QUANTITY_MAX).contains(&line.quantity)) {
            Ok(Self(merged))
        } else {
            Err(LinesError::Quantity)
        }
    }

    /// Each line, sorted by SKU.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Line> {
        self.0.iter()
    }

    /// The number of lines.
    #[must_use]
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The lines themselves, sorted by SKU.
    #[must_use]
    pub(crate) fn into_vec(self) -> Vec<Line> {
        self.0
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::item::tests::sku;

    pub(crate) fn line(text: &str, quantity: u32) -> Line {
        Line { sku: sku(text), quantity }
    }

    #[test]
    fn lines_are_few_positive_and_one_per_sku() {
        let check = |lines: &[(&str, u32)], expected: Result<&[(&str, u32)], LinesError>| {
            let of = |lines: &[(&str, u32)]| lines.iter().map(|(sku, quantity)| line(sku, *quantity)).collect();
            assert_eq!(Lines::new(of(lines)).map(Lines::into_vec), expected.map(of), "{lines:?}");
        };
        check(&[("b", 1), ("a", 2)], Ok(&[("a", 2), ("b", 1)]));
        check(&[("a", 1), ("b", 1), ("a", 2)], Ok(&[("a", 3), ("b", 1)]));
        check(&[], Err(LinesError::Count));
        check(&[("a", 0)], Err(LinesError::Quantity));
        check(&[("a", 1_000_000)], Ok(&[("a", 1_000_000)]));
        check(&[("a", 1_000_000), ("a", 1)], Err(LinesError::Quantity));
        check(&[("a", u32::MAX), ("a", u32::MAX)], Err(LinesError::Quantity));
        check(&[("a", 1); 101], Err(LinesError::Count));
    }
}
