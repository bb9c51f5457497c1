use proptest::prelude::*;

use super::*;

fn file(path: &str) -> BackupFile {
    BackupFile { path: path.into(), bytes: path.len() as u64, digest: Digest::of(path.as_bytes()) }
}

fn document(paths: &[&str]) -> BackupDocument {
    let files = paths.iter().map(|path| file(path)).collect();
    BackupDocument::new(JournalId([7; 16]), CommitSeq(42), 1_767_323_045_678_901, files)
}

#[test]
fn a_document_names_only_what_a_backup_has_each_once() {
    let check = |paths: &[&str], good: bool| {
        let text = serde_json::to_vec(&document(paths)).expect("JSON");
        assert_eq!(BackupDocument::parse(&text).is_ok(), good, "{paths:?}");
    };
    let component = format!("components/{}.wasm", "0a".repeat(32));
    let contracts = format!("contracts/{}.json", "0a".repeat(32));
    check(&[], true);
    check(&["services/@platform.redb", "services/cart.redb", &component, &contracts], true);
    check(&["services/cart.redb", "services/cart.redb"], false);
    let hostile =
        ["", ".", "/", "/etc/passwd", "../cart.redb", "services/../cart.redb", "platform.redb", "admin-token", "lock"];
    let near = ["services/cart", "services/Cart.redb", "services/a/b.redb", "services/.redb", "services//cart.redb"];
    let other = [
        "journal/00000000000000000001.segment",
        "services/list",
        "components/x.wasm",
        "services/@other.redb",
        "./services/cart.redb",
    ];
    for path in hostile.into_iter().chain(near).chain(other).chain([component.replace(".wasm", ".json").as_str()]) {
        check(&[path], false);
    }
}

#[test]
fn a_document_of_another_format_is_told_apart_from_a_damaged_one() {
    let text = serde_json::to_string(&document(&["services/@platform.redb"])).expect("JSON");
    let read = |text: String| BackupDocument::parse(text.as_bytes());
    assert!(matches!(read(text.replace("\"format\":3", "\"format\":2")), Err(DocumentError::Format { format: 2, .. })));
    assert!(matches!(read(text.replace("\"number\":42", "\"number\":43")), Err(DocumentError::Digest)));
    assert!(matches!(read(text.replace("digest", "other")), Err(DocumentError::Json(_))));
    assert!(matches!(read(String::new()), Err(DocumentError::Json(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document_comes_back_as_it_was(
        journal in any::<[u8; 16]>(), number in any::<u64>(), micros in 0..253_402_300_799_999_999_u64,
        services in proptest::collection::btree_set("[a-z][a-z0-9]{0,9}", 0..5),
    ) {
        let files = services.iter().map(|name| file(&format!("services/{name}.redb"))).collect();
        let document = BackupDocument::new(JournalId(journal), CommitSeq(number), micros, files);
        let read = BackupDocument::parse(&serde_json::to_vec_pretty(&document).expect("JSON")).expect("a document");
        prop_assert_eq!((read.journal(), read.number(), read.unix_micros()), (JournalId(journal), CommitSeq(number), micros));
        prop_assert_eq!(read, document);
    }

    #[test]
    fn a_changed_document_is_refused_or_says_the_same(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let document = document(&["services/@platform.redb", "services/cart.redb"]);
        let mut text = serde_json::to_vec_pretty(&document).expect("JSON");
        let at = at.index(text.len());
        if let Some(changed) = text.get_mut(at) {
            *changed = byte;
        }
        if let Ok(read) = BackupDocument::parse(&text) {
            prop_assert_eq!(read, document);
        }
    }

    #[test]
    fn any_bytes_are_read_as_a_document_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _refused = BackupDocument::parse(&bytes);
    }
}
