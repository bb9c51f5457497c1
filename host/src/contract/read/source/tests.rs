use super::*;

#[test]
fn texts_that_were_read_elsewhere_are_those_of_the_folder() {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wit");
    let sent = Sources::of_files(wit_files(&wit).expect("contracts"));
    assert_eq!(sent.digest(), Sources::read(&wit).expect("contracts").digest());
    let names = |package: &Package| package.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    let file = |path: &str| (path.to_owned(), String::new());
    let mixed = Sources::of_files(vec![file("a/1.wit"), file("b/1.wit"), file("a/2.wit"), file("0.wit")]);
    let packages: Vec<_> = mixed.packages.iter().map(names).collect();
    assert_eq!(packages, [vec!["a/1.wit", "a/2.wit"], vec!["b/1.wit"], vec!["0.wit"]]);
}
