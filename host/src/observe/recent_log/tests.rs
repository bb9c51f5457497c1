use std::io::Write as _;

use serde_json::Value as Json;

use super::folder::{file_name, files};
use super::*;
use crate::limits::{LOG_FILE_BYTES_MAX, LOG_FILES_MAX};
use crate::names::ServiceName;

fn line(service: &str, request: &str, message: &str) -> String {
    format!("{{\"level\":\"INFO\",\"service\":\"{service}\",\"request\":\"{request}\",\"message\":\"{message}\"}}\n")
}

fn messages(page: &LogPage) -> Vec<&str> {
    page.items.iter().filter_map(|item| item.get("message").and_then(Json::as_str)).collect()
}

fn of(service: &str) -> LogFilter {
    LogFilter { services: Some(vec![ServiceName::parse(service).expect("a name")]), ..LogFilter::default() }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn read(folder: &tempfile::TempDir, filter: &LogFilter, after: Option<&str>, limit: usize) -> LogPage {
    let after = after.map(|after| after.parse().expect("a position"));
    read_recent(folder.path(), filter, after, limit).expect("it can be read")
}

#[test]
fn lines_are_found_by_service_and_by_request_and_followed() {
    let folder = folder();
    let mut log = RecentLogWriter::open(folder.path()).expect("a log");
    let mut say = |text: String| log.write_all(text.as_bytes()).expect("written");
    say(line("cart", "r1", "one") + &line("inventory", "r1", "two"));
    say("{\"level\":\"WARN\",\"message\":\"of the host\"}\n".to_owned() + &line("cart", "r2", "three"));
    let all = read(&folder, &LogFilter::default(), None, 10);
    assert_eq!(messages(&all), ["one", "two", "of the host", "three"]);
    assert_eq!(messages(&read(&folder, &of("cart"), None, 10)), ["one", "three"]);
    assert_eq!(messages(&read(&folder, &of("cart"), None, 1)), ["three"]);
    let of_request = LogFilter { request: Some("r1".into()), ..LogFilter::default() };
    assert_eq!(messages(&read(&folder, &of_request, None, 10)), ["one", "two"]);
    let of_services = LogFilter { of_services: true, ..LogFilter::default() };
    assert_eq!(messages(&read(&folder, &of_services, None, 10)), ["one", "two", "three"]);

    say(line("cart", "r3", "four") + &line("cart", "r3", "five"));
    let next = read(&folder, &LogFilter::default(), Some(&all.next_cursor), 1);
    assert_eq!(messages(&next), ["four"]);
    let next = read(&folder, &LogFilter::default(), Some(&next.next_cursor), 10);
    assert_eq!(messages(&next), ["five"]);
    assert_eq!(messages(&read(&folder, &LogFilter::default(), Some(&next.next_cursor), 10)), [""; 0]);
}

#[test]
fn a_torn_end_costs_its_line_and_the_log_goes_on_after_a_restart() {
    let folder = folder();
    let torn = line("cart", "r1", "one") + "{\"service\":\"cart\",\"mess";
    std::fs::write(folder.path().join(file_name(3)), torn).expect("a file");
    let before = read(&folder, &of("cart"), None, 10);
    assert_eq!(messages(&before), ["one"]);
    let mut log = RecentLogWriter::open(folder.path()).expect("a log");
    log.write_all(line("cart", "r2", "two").as_bytes()).expect("written");
    assert_eq!(messages(&read(&folder, &of("cart"), None, 10)), ["one", "two"]);
    assert_eq!(messages(&read(&folder, &of("cart"), Some(&before.next_cursor), 10)), ["two"]);
}

#[test]
fn the_log_is_bounded_and_a_reader_that_is_too_late_goes_on_with_the_oldest_line() {
    let folder = folder();
    let mut log = RecentLogWriter::open(folder.path()).expect("a log");
    let long = "x".repeat(usize::try_from(LOG_FILE_BYTES_MAX / 2 + 1).expect("it fits"));
    let first = read(&folder, &of("cart"), None, 1);
    for number in 0..LOG_FILES_MAX + 2 {
        log.write_all(line("cart", "r", &format!("{number} {long}")).as_bytes()).expect("written");
    }
    let files = files(folder.path()).expect("files");
    assert_eq!(files.len() as u64, LOG_FILES_MAX);
    let bytes: u64 = files.iter().map(|(_, path)| path.metadata().expect("a file").len()).sum();
    assert!(bytes <= LOG_FILES_MAX * LOG_FILE_BYTES_MAX, "{bytes}");
    let page = read(&folder, &of("cart"), Some(&first.next_cursor), 100);
    assert_eq!(page.items.len() as u64, LOG_FILES_MAX);
    assert!(messages(&page).first().is_some_and(|oldest| oldest.starts_with("2 ")));
}
