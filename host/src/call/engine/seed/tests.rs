use super::*;

#[test]
fn the_same_call_has_the_same_seed_and_any_other_has_another() {
    let text = |text: &str| Val::String(text.into());
    let some = |value| Val::Option(Some(Box::new(value)));
    let result = |ok| if ok { Val::Result(Ok(None)) } else { Val::Result(Err(None)) };
    // The values of a line have one type, as in all calls of one function.
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
    let functions =
        [Function::internal("t:t/t", "pay"), Function::internal("t:t/t", "refund"), Function::internal("t:t/u", "pay")];
    for arguments in arguments {
        let seeds = || {
            let mut seeds = Vec::new();
            for (caller, position) in [([1; 32], 0), ([1; 32], 1), ([2; 32], 0)] {
                for function in &functions {
                    seeds.extend(
                        arguments.iter().map(|args| nested_seed(&caller, position, function, &encoded_arguments(args))),
                    );
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

#[test]
fn no_two_root_calls_have_one_seed() {
    let (one, other) = (Entropy::new(), Entropy::new());
    let seeds = [one, other].map(|entropy| entropy.expect("the system has randomness"));
    let seeds = seeds.iter().flat_map(|entropy| [entropy.seed(), entropy.seed()]);
    assert_eq!(seeds.collect::<std::collections::BTreeSet<_>>().len(), 4);
}
