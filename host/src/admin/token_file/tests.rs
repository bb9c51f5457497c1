use super::*;

#[test]
fn a_token_is_made_once_and_is_its_owners_alone() {
    let data = tempfile::tempdir().expect("a folder");
    let made = kept_or_new(data.path()).expect("a new token");
    let kept = kept_or_new(data.path()).expect("the same again");
    assert_eq!(made.reveal(), kept.reveal());
    assert_eq!(made.reveal().len(), 64);
    let mode = std::fs::metadata(data.path().join(TOKEN_FILE)).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(data.path()).expect("the folder").count(), 1, "nothing else is left");
}

#[test]
fn a_file_without_a_token_is_refused_and_stays() {
    let data = tempfile::tempdir().expect("a folder");
    let path = data.path().join(TOKEN_FILE);
    for text in ["", "short", &"x".repeat(5000)] {
        std::fs::write(&path, text).expect("a file");
        assert!(matches!(kept_or_new(data.path()), Err(TokenFileError::Malformed { .. })), "{text:?}");
        assert_eq!(std::fs::read_to_string(&path).expect("the file"), text);
    }
    let nowhere = kept_or_new(&data.path().join("nowhere"));
    assert!(matches!(nowhere, Err(TokenFileError::Write { .. })));
}
