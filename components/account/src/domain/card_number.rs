//! Whether a text contains a card number.

/// Digits of a card number (ISO/IEC 7812).
const CARD_DIGITS_MIN: usize = 13;
const CARD_DIGITS_MAX: usize = 19;

/// Whether some 13 to 19 digits of `text` could be the number of a payment card: the first digit is 2 to 6, as networks
/// issue them, and the check digit is right. Characters between digits that are neither letters nor digits are ignored.
///
/// Another long number can look like one. Then the client gets an error, and loses nothing.
pub(crate) fn has_card_number(text: &str) -> bool {
    let mut digits: Vec<u32> = Vec::new();
    let mut found = false;
    for character in text.chars() {
        if let Some(digit) = character.to_digit(10) {
            digits.push(digit);
        } else if character.is_alphabetic() {
            found |= run_has_card_number(&digits);
            digits.clear();
        }
    }
    found || run_has_card_number(&digits)
}

fn run_has_card_number(digits: &[u32]) -> bool {
    (CARD_DIGITS_MIN..=CARD_DIGITS_MAX).any(|length| digits.windows(length).any(is_card_number))
}

fn is_card_number(digits: &[u32]) -> bool {
    digits.first().is_some_and(|first| (2..=6).contains(first)) && passes_luhn(digits)
}

fn passes_luhn(digits: &[u32]) -> bool {
    let weigh = |(place, digit): (usize, &u32)| match place % 2 {
        0 => *digit,
        _ if *digit > 4 => digit * 2 - 9,
        _ => digit * 2,
    };
    digits.iter().rev().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn card_numbers_are_found_however_they_are_written() {
        let numbers = [
            "4111111111111111",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "30569309025904",
            "6011111111111117",
            "3530111333300000",
            "4222222222222",
            "6304000000000000000",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "4111.1111.1111.1111",
            "41111111 11111111",
            "tok_4111111111111111",
            "tok_4111-1111-1111-1111_end",
            "0004111111111111111",
            "41111111111111111225",
            "4111111111111111 12/30",
        ];
        for text in numbers {
            assert!(has_card_number(text), "{text}");
        }
    }

    #[test]
    fn tokens_are_no_card_numbers() {
        let tokens = [
            "",
            "tok_ok",
            "tok_insufficient_funds",
            "tok_1NirD82eZvKYlo2CIvbtLWuY",
            "pm_1234567890",
            "4111111111111112",
            "411111111111",
            "4111x1111x1111x1111",
            "550e8400-e29b-41d4-a716-446655440000",
            "1111111111111111",
        ];
        for text in tokens {
            assert!(!has_card_number(text), "{text}");
        }
    }

    /// A digit after `digits` that makes the check digit right.
    fn with_check_digit(mut digits: Vec<u32>) -> Vec<u32> {
        digits.push(0);
        let last = (0..10).find(|last| {
            *digits.last_mut().expect("one was pushed") = *last;
            passes_luhn(&digits)
        });
        assert!(last.is_some(), "one of ten digits always fits");
        digits
    }

    proptest! {
        #[test]
        fn any_card_number_is_found_between_anything(
            first in 2u32..=6, rest in prop::collection::vec(0u32..10, 11..=17), before in "[a-zA-Z0-9_ -]{0,20}", after in "[a-zA-Z0-9_ -]{0,20}",
            separator in "[ ._/-]?",
        ) {
            let digits = with_check_digit(std::iter::once(first).chain(rest).collect());
            let number: Vec<String> = digits.iter().map(u32::to_string).collect();
            let text = format!("{before}{}{after}", number.join(&separator));
            prop_assert!(has_card_number(&text), "{}", text);
        }
    }
}
