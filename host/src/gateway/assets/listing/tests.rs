use std::fs::File;
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::clock::simulated::TimerClock;

/// A folder with a page and a folder of images, which was last changed `ago`.
fn folder(ago: Duration) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("Index.html"), "page").expect("a file");
    fs::create_dir(folder.path().join("images")).expect("a folder");
    settle(folder.path(), ago);
    folder
}

fn settle(folder: &Path, ago: Duration) {
    let open = File::open(folder).expect("the folder");
    open.set_modified(UNIX_EPOCH + Duration::from_micros(clock::unix_micros()) - ago).expect("it is ours");
}

fn read(folder: &Path) -> Listing {
    let listing = Listing::default();
    listing.renew(folder);
    listing
}

fn lacks(listing: &Listing, folder: &Path, path: &str) -> bool {
    listing.lacks(folder, &AssetPath::parse(path).expect("a path of an asset"))
}

#[test]
fn a_path_is_missing_if_its_first_name_is() {
    let folder = folder(Duration::from_secs(10));
    let listing = read(folder.path());
    for (path, missing) in [
        ("/wp-login.php", true),
        ("/admin/", true),
        ("/admin/images/tea.svg", true),
        ("/", false),
        ("/index.html", false),
        ("/INDEX.html", false),
        ("/images/none.svg", false),
        ("/t%C3%A9", false),
    ] {
        assert_eq!(lacks(&listing, folder.path(), path), missing, "{path}");
    }
    assert!(!lacks(&Listing::default(), folder.path(), "/admin/"), "nothing is known");
}

#[test]
fn a_new_file_is_not_missing_and_neither_is_one_in_a_folder_that_takes_the_place() {
    let folder = folder(Duration::from_secs(10));
    let listing = read(folder.path());
    assert!(lacks(&listing, folder.path(), "/new.html"));
    fs::write(folder.path().join("new.html"), "new").expect("a file");
    assert!(!lacks(&listing, folder.path(), "/new.html"));
    let other = self::folder(Duration::from_secs(10));
    assert!(!lacks(&listing, other.path(), "/new.html"));
}

#[test]
fn a_folder_that_was_just_changed_or_is_gone_or_is_too_large_is_not_known() {
    for ago in [Duration::ZERO, Duration::from_secs(1)] {
        let folder = folder(ago);
        assert!(!lacks(&read(folder.path()), folder.path(), "/new.html"), "{ago:?}");
    }
    let gone = tempfile::tempdir().expect("a folder").path().to_owned();
    assert!(!lacks(&read(&gone), &gone, "/new.html"));
    let large = folder(Duration::ZERO);
    for number in 0..ASSET_NAMES_MAX {
        File::create(large.path().join(number.to_string())).expect("a file");
    }
    settle(large.path(), Duration::from_secs(10));
    assert!(!lacks(&read(large.path()), large.path(), "/new.html"));
}

#[tokio::test(start_paused = true)]
async fn the_names_count_for_a_second_and_are_then_read_again() {
    let _clock = TimerClock::install(clock::unix_micros());
    let folder = folder(Duration::from_secs(10));
    let listing = read(folder.path());
    tokio::time::advance(Duration::from_millis(ASSET_FRESH_MS_MAX - 1)).await;
    assert!(lacks(&listing, folder.path(), "/new.html"));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(!lacks(&listing, folder.path(), "/new.html"));
    listing.renew(folder.path());
    assert!(lacks(&listing, folder.path(), "/new.html"));
}
