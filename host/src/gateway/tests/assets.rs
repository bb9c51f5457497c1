//! Static files: forms, validators, ranges, and no access outside of the folder.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

use super::rig::{Rig, read_to_end};

const LARGE: usize = 1_000_000;

/// A folder of files next to a secret file.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("assets");
    let write = |name: &str, content: &[u8]| {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, content).expect("a file");
        let modified = UNIX_EPOCH + Duration::from_secs(784_111_777);
        fs::File::options().write(true).open(&path).expect("a file").set_modified(modified).expect("a time");
    };
    write("index.html", b"<h1>shop</h1>");
    write("docs/index.html", b"<h1>docs</h1>");
    write("empty/.keep", b"");
    write("app.3f2a9c1b.js", b"let a = 1;");
    write("app.3f2a9c1b.js.br", b"brotli");
    write("app.3f2a9c1b.js.gz", b"gzip");
    write("digits.txt", b"0123456789");
    write("large.bin", &large());
    write("stale.txt", b"new");
    fs::write(folder.path().join("secret.txt"), b"secret").expect("a file");
    let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, root.join(name)).expect("a link");
    link(&folder.path().join("secret.txt"), "out.txt");
    link(folder.path(), "outside");
    link(&root.join("digits.txt"), "inside.txt");
    link(&root.join("circle"), "circle");
    folder
}

fn large() -> Vec<u8> {
    (0..LARGE).map(|position| u8::try_from(position % 251).expect("it is small")).collect()
}

async fn rig(folder: &TempDir) -> Rig {
    let root = folder.path().join("assets");
    Rig::start(|settings| settings.assets = Some(root)).await
}

#[tokio::test]
async fn a_file_is_served_in_the_form_that_the_client_likes() {
    let folder = folder();
    let rig = rig(&folder).await;
    // Older than its file, so it belongs to an earlier version.
    let old = folder.path().join("assets/stale.txt.gz");
    fs::write(&old, b"old").expect("a file");
    fs::File::options().write(true).open(&old).expect("a file").set_modified(UNIX_EPOCH).expect("a time");
    let cases = [
        ("/", "", "<h1>shop</h1>", "text/html; charset=utf-8", None),
        ("/docs/", "", "<h1>docs</h1>", "text/html; charset=utf-8", None),
        ("/app.3f2a9c1b.js", "", "let a = 1;", "text/javascript; charset=utf-8", None),
        ("/app.3f2a9c1b.js", "gzip, br", "brotli", "text/javascript; charset=utf-8", Some("br")),
        ("/app.3f2a9c1b.js", "gzip", "gzip", "text/javascript; charset=utf-8", Some("gzip")),
        ("/stale.txt", "gzip", "new", "text/plain; charset=utf-8", None),
        ("/inside.txt", "", "0123456789", "text/plain; charset=utf-8", None),
        ("/digits%2Etxt", "", "0123456789", "text/plain; charset=utf-8", None),
    ];
    for (path, accept, content, content_type, coding) in cases {
        let answered = rig.ask(&format!("GET {path}"), &format!("Accept-Encoding: {accept}\r\n"), b"").await;
        assert_eq!((answered.status, answered.text()), (200, content), "{path}");
        assert_eq!(answered.header("content-type"), Some(content_type), "{path}");
        assert_eq!(answered.header("content-encoding"), coding, "{path}");
        assert_eq!(answered.header("vary").is_some(), path.starts_with("/app"), "{path}");
        let forever = answered.header("cache-control").is_some_and(|value| value.contains("immutable"));
        assert_eq!(forever, path.starts_with("/app"), "{path}");
    }
    let redirect = rig.ask("GET /docs?a=b", "", b"").await;
    assert_eq!((redirect.status, redirect.header("location")), (308, Some("/docs/?a=b")));
    let method = rig.ask("POST /digits.txt", "", b"").await;
    assert_eq!((method.status, method.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
}

#[tokio::test]
async fn nothing_outside_of_the_folder_is_served() {
    let folder = folder();
    let rig = rig(&folder).await;
    for path in [
        "/../secret.txt",
        "/docs/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/docs/..%5c..%5csecret.txt",
        "//secret.txt",
        "/out.txt",
        "/outside/secret.txt",
        "/outside/",
        "/circle",
        "/empty/",
        "/empty",
        "/empty/.keep",
        "/digits.txt/",
        "/digits.txt/x",
        "/nothing",
        "/digits.txt%00.html",
        &format!("/{}", "a".repeat(300)),
    ] {
        let answered = rig.ask(&format!("GET {path}"), "", b"").await;
        assert_eq!(answered.status, 404, "{path}: {}", answered.text());
    }
}

#[tokio::test]
async fn a_client_that_has_a_file_does_not_get_it_again() {
    let folder = folder();
    let rig = rig(&folder).await;
    let first = rig.ask("GET /app.3f2a9c1b.js", "Accept-Encoding: br\r\n", b"").await;
    let etag = first.header("etag").expect("a validator").to_owned();
    assert_eq!(first.header("last-modified"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    let ask = async |headers: &str| {
        let answered = rig.ask("GET /app.3f2a9c1b.js", headers, b"").await;
        (answered.status, answered.body.is_empty(), answered.header("etag").map(str::to_owned))
    };
    let same = (304, true, Some(etag.clone()));
    assert_eq!(ask(&format!("Accept-Encoding: br\r\nIf-None-Match: \"x\", {etag}\r\n")).await, same);
    assert_eq!(ask(&format!("If-None-Match: {etag}\r\n")).await.0, 200, "another form is another state");
    assert_eq!(ask("Accept-Encoding: br\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n").await, same);
    assert_eq!(ask("If-Match: \"x\"\r\n").await.0, 412);
    let path = folder.path().join("assets/app.3f2a9c1b.js.br");
    fs::write(&path, b"changed").expect("a file");
    // Files in memory are checked again after a while.
    let mut changed = ask(&format!("Accept-Encoding: br\r\nIf-None-Match: {etag}\r\n")).await;
    while changed.0 == 304 {
        changed = ask(&format!("Accept-Encoding: br\r\nIf-None-Match: {etag}\r\n")).await;
    }
    assert_eq!((changed.0, changed.2.as_ref() == Some(&etag)), (200, false));
}

#[tokio::test]
async fn a_range_is_a_part_of_the_file() {
    let folder = folder();
    let rig = rig(&folder).await;
    let etag = rig.ask("GET /digits.txt", "", b"").await.header("etag").expect("a validator").to_owned();
    let cases = [
        ("bytes=2-4", "", 206, Some("234"), Some("bytes 2-4/10")),
        ("bytes=-3", "", 206, Some("789"), Some("bytes 7-9/10")),
        ("bytes=8-100", "", 206, Some("89"), Some("bytes 8-9/10")),
        ("bytes=10-", "", 416, None, Some("bytes */10")),
        ("bytes=5-2", "", 200, Some("0123456789"), None),
        ("bytes=2-4", "If-Range: \"other\"\r\n", 200, Some("0123456789"), None),
        ("bytes=2-4", "If-Range: ETAG\r\n", 206, Some("234"), Some("bytes 2-4/10")),
        ("bytes=2-4", "If-None-Match: ETAG\r\n", 304, Some(""), None),
    ];
    for (range, more, status, content, content_range) in cases {
        let headers = format!("Range: {range}\r\n{}", more.replace("ETAG", &etag));
        let answered = rig.ask("GET /digits.txt", &headers, b"").await;
        assert_eq!(answered.status, status, "{range} {more}");
        assert_eq!(answered.header("content-range"), content_range, "{range} {more}");
        if let Some(content) = content {
            assert_eq!(answered.text(), content, "{range} {more}");
        }
    }
    let head = rig.ask("HEAD /digits.txt", "Range: bytes=2-4\r\n", b"").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("10")));
}

#[tokio::test]
async fn several_ranges_come_in_parts() {
    let folder = folder();
    let rig = rig(&folder).await;
    for (file, content) in [("digits.txt", b"0123456789".to_vec()), ("large.bin", large())] {
        let answered = rig.ask(&format!("GET /{file}"), "Range: bytes=5-6,0-1, -1\r\n", b"").await;
        assert_eq!(answered.status, 206);
        let length = answered.header("content-length").expect("it is known").parse::<usize>().expect("a number");
        assert_eq!(length, answered.body.len());
        let content_type = answered.header("content-type").expect("a type").to_owned();
        let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").expect("parts");
        let mut expected = Vec::new();
        let last = content.len() - 1;
        let part_type = if file == "digits.txt" { "text/plain; charset=utf-8" } else { "application/octet-stream" };
        for (first, last) in [(5, 6), (0, 1), (last, last)] {
            let all = content.len();
            let head = format!(
                "\r\n--{boundary}\r\ncontent-type: {part_type}\r\ncontent-range: bytes {first}-{last}/{all}\r\n\r\n"
            );
            expected.extend_from_slice(head.as_bytes());
            expected.extend_from_slice(&content[first..=last]);
        }
        expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        assert_eq!(answered.body, expected);
    }
}

#[tokio::test]
async fn a_client_that_does_not_take_what_it_asked_for_is_cut_off() {
    let folder = folder();
    let root = folder.path().join("assets");
    fs::File::create(root.join("huge.bin")).expect("a file").set_len(256 * 1024 * 1024).expect("a length");
    let rig = Rig::start(|settings| {
        settings.assets = Some(root);
        settings.connections_max = 1;
        settings.idle_ms_max = 200;
        settings.header_read_ms_max = 100;
    })
    .await;
    let mut stream = rig.connect().await;
    stream.write_all(b"GET /huge.bin HTTP/1.1\r\nHost: t\r\n\r\n").await.expect("it is read");
    rig.wait_for_room().await;
    assert!(read_to_end(&mut stream).await.len() < 128 * 1024 * 1024, "what is in buffers comes, and not the rest");
    let io = TokioIo::new(rig.connect().await);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    let get = Request::builder().uri("http://t/huge.bin").body(Empty::<Bytes>::new()).expect("a request");
    let ended = tokio::time::timeout(Duration::from_secs(20), connection);
    let (answered, ended) = tokio::join!(sender.send_request(get), ended);
    let _not_taken = answered.expect("an answer");
    assert!(ended.is_ok(), "the connection is closed");
}

#[tokio::test]
async fn a_large_file_is_streamed_whole_and_in_part() {
    let folder = folder();
    let rig = rig(&folder).await;
    let whole = rig.ask("GET /large.bin", "", b"").await;
    assert_eq!(whole.header("content-length"), Some("1000000"));
    assert!(whole.body == large());
    let part = rig.ask("GET /large.bin", "Range: bytes=300000-700000\r\n", b"").await;
    assert_eq!((part.status, part.header("content-range")), (206, Some("bytes 300000-700000/1000000")));
    assert!(part.body == large()[300_000..=700_000]);
    fs::write(folder.path().join("assets/large.bin"), vec![b'n'; 2 * LARGE]).expect("a file");
    assert_eq!(rig.ask("GET /large.bin", "", b"").await.body.len(), 2 * LARGE, "a change is seen at once");
}

#[tokio::test]
async fn a_file_without_compressed_forms_is_compressed_once() {
    let folder = folder();
    let script = "let a = 1;\n".repeat(1000);
    fs::write(folder.path().join("assets/app.js"), &script).expect("a file");
    let rig = rig(&folder).await;
    let plain = rig.ask("GET /app.js", "", b"").await;
    assert_eq!((plain.text(), plain.header("vary")), (script.as_str(), Some("accept-encoding")));
    for coding in ["gzip", "zstd"] {
        let asked = format!("Accept-Encoding: {coding}\r\n");
        let first = rig.ask("GET /app.js", &asked, b"").await;
        assert_eq!((first.status, first.header("content-encoding")), (200, Some(coding)));
        assert!(first.body.len() < script.len() / 5, "{coding}");
        assert_ne!(first.header("etag"), plain.header("etag"), "{coding}");
        let etag = first.header("etag").expect("a validator");
        let again = rig.ask("GET /app.js", &format!("{asked}If-None-Match: {etag}\r\n"), b"").await;
        assert_eq!((again.status, again.header("vary")), (304, Some("accept-encoding")), "{coding}");
    }
    let unfit = rig.ask("GET /large.bin", "Accept-Encoding: gzip\r\n", b"").await;
    assert_eq!((unfit.header("content-encoding"), unfit.header("vary")), (None, None));
}

#[tokio::test]
async fn a_page_comes_with_what_guards_it() {
    let folder = folder();
    let rig = rig(&folder).await;
    let page = rig.ask("GET /", "", b"").await;
    assert_eq!(page.header("content-security-policy"), Some("default-src 'self'; frame-ancestors 'none'"));
    assert_eq!(page.header("referrer-policy"), Some("strict-origin-when-cross-origin"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("strict-transport-security"), None, "it came without TLS");
    assert_eq!(
        rig.ask("GET /notes/a", "", b"").await.header("referrer-policy"),
        Some("strict-origin-when-cross-origin")
    );
}
