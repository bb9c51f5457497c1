//! The seed of a call that another call makes: what it draws its randomness from, and its id.
//!
//! Invariant: it follows from the caller's seed, the position and what is called with what. So the same call made again
//! has the same seed, and two calls of which one takes the other's place have not.

use sha2::{Digest as _, Sha256};
use wasmtime::component::Val;

use crate::contract::Function;
use crate::value::binary::{put_all, put_count, put_text};

/// What a call draws its random numbers from. The same for every run of the same call.
pub(super) type Seed = [u8; 32];

/// The seed of the call of `function` that a call with the seed `caller` makes at `position`: unpredictable without the
/// caller's.
pub(super) fn nested_seed(caller: &Seed, position: usize, function: &Function, arguments: &[Val]) -> Seed {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(caller);
    put_count(position, &mut bytes);
    put_text(&function.interface, &mut bytes);
    put_text(&function.name.wit, &mut bytes);
    put_all(arguments, &mut bytes);
    Sha256::digest(&bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Name, Reach};

    fn function(interface: &str, name: &str) -> Function {
        Function {
            interface: interface.into(),
            name: Name::new(name),
            docs: "".into(),
            parameters: Vec::new(),
            ok: None,
            err: None,
            fallible: false,
            reach: Reach::Internal,
            roles: Vec::new(),
        }
    }

    #[test]
    fn the_same_call_has_the_same_seed_and_any_other_has_another() {
        let text = |text: &str| Val::String(text.into());
        let some = |value| Val::Option(Some(Box::new(value)));
        let result = |ok| if ok { Val::Result(Ok(None)) } else { Val::Result(Err(None)) };
        // Each line has one type: the same for all calls of one function.
        let arguments = [
            vec![vec![text("ab"), text("c")], vec![text("a"), text("bc")]],
            vec![
                vec![Val::List(vec![Val::List(vec![Val::U8(1)]), Val::List(vec![])])],
                vec![Val::List(vec![Val::List(vec![]), Val::List(vec![Val::U8(1)])])],
            ],
            vec![vec![Val::Option(None)], vec![some(Val::Option(None))], vec![some(some(Val::U8(0)))]],
            vec![vec![result(true)], vec![result(false)]],
            ["card", "cash"].map(|case| vec![Val::Variant(case.into(), Some(Box::new(text("x"))))]).into(),
            vec![vec![Val::Flags(vec!["a".into()])], vec![Val::Flags(vec!["a".into(), "b".into()])]],
            vec![vec![Val::Float64(0.0)], vec![Val::Float64(-0.0)]],
        ];
        let functions = [function("t:t/t", "pay"), function("t:t/t", "refund"), function("t:t/u", "pay")];
        for arguments in arguments {
            let seeds = || {
                let mut seeds = Vec::new();
                for (caller, position) in [([1; 32], 0), ([1; 32], 1), ([2; 32], 0)] {
                    for function in &functions {
                        seeds.extend(arguments.iter().map(|args| nested_seed(&caller, position, function, args)));
                    }
                }
                seeds
            };
            let once = seeds();
            assert_eq!(once, seeds());
            let distinct: std::collections::BTreeSet<_> = once.iter().collect();
            assert_eq!(distinct.len(), once.len(), "{arguments:?}");
        }
    }
}
