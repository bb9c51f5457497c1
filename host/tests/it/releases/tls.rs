//! The command line and an operator's side with TLS: whom it trusts, and what it says when it does not.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use rustix::process::Signal;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;

use super::Setup;
use super::process::Process;
use super::signals::find;

/// Writes a certificate for `name` that signs itself, as `FILE.pem` and `FILE.key`.
fn certificate(folder: &Path, file: &str, name: &str) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    std::fs::write(folder.join(format!("{file}.pem")), made.cert.pem()).unwrap();
    std::fs::write(folder.join(format!("{file}.key")), made.signing_key.serialize_pem()).unwrap();
}

/// Runs `switchyard status` in `folder` with the words of `options`, and without the manifest there.
async fn status(folder: &Path, options: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchyard"));
    let words = options.split(' ').filter(|word| !word.is_empty());
    command.args(["status", "--manifest", "none.toml", "--data", "data"]).args(words).current_dir(folder);
    command.env_remove("SWITCHYARD_CA").env_remove("SWITCHYARD_ADMIN").output().await.unwrap()
}

fn error(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_checks_the_certificate_of_the_operators_side() {
    let setup = Setup::pair("host.admin_tls_certificate = \"own.pem\"\nhost.admin_tls_key = \"own.key\"");
    let folder = setup.folder.path();
    certificate(folder, "own", "localhost");
    certificate(folder, "other", "localhost");
    setup.write_manifest();
    let process = Process::start(folder).await;
    let port = process.operator.address().port();
    let check = async |url: &str, options: &str, said: &[&str]| {
        let output = status(folder, &format!("--admin {url}:{port} {options}")).await;
        if said.is_empty() {
            assert!(output.status.success(), "{url} {options}: {output:?}");
            return assert!(String::from_utf8_lossy(&output.stdout).contains("front"), "{output:?}");
        }
        let text = error(&output);
        assert!(said.iter().all(|said| text.contains(said)), "{url} {options}: {text}");
    };
    check("https://localhost", "--ca own.pem", &[]).await;
    let untrusted = "is not signed by an authority that this system trusts";
    check("https://localhost", "", &[untrusted, "with --ca FILE, or set SWITCHYARD_CA"]).await;
    let other = "is not signed by a certificate in other.pem";
    check("https://localhost", "--ca other.pem", &[other, "with --ca FILE."]).await;
    let name = "is for another name";
    check("https://127.0.0.1", "--ca own.pem", &[name, "localhost", "--admin https://NAME:PORT"]).await;
    let plain = format!("write --admin https://localhost:{port}");
    check("http://localhost", "", &["does not answer as a host does", &plain]).await;

    let mut command = Command::new(env!("CARGO_BIN_EXE_switchyard"));
    command.args(["status", "--manifest", "none.toml", "--data", "data", "--admin"]);
    command.arg(format!("https://localhost:{port}")).env("SWITCHYARD_CA", "own.pem").current_dir(folder);
    assert!(command.output().await.unwrap().status.success(), "the variable does as the option");
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_of_a_host_says_that_it_has_tls_and_with_which_certificate() {
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let keys = "host.admin_tls_certificate = \"own.pem\"\nhost.admin_tls_key = \"own.key\"";
    let setup = Setup::pair(&format!("host.admin_listen = \"127.0.0.1:{port}\"\n{keys}"));
    certificate(setup.folder.path(), "own", "127.0.0.1");
    setup.write_manifest();
    let process = Process::start(setup.folder.path()).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchyard"));
    command.arg("status").current_dir(setup.folder.path()).env_remove("SWITCHYARD_CA").env_remove("SWITCHYARD_ADMIN");
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_tls_is_not_reached_by_https() {
    let setup = Setup::pair("");
    setup.write_manifest();
    let process = Process::start(setup.folder.path()).await;
    let address: SocketAddr = process.operator.address();
    let text = error(&status(setup.folder.path(), &format!("--admin https://{address}")).await);
    assert!(text.contains(&format!("https://{address} does not speak TLS")), "{text}");
    assert!(text.contains(&format!("Write --admin http://{address},")), "{text}");
    process.kill().await;
}

/// Whether the server at `address` has the certificate in `file`.
async fn serves(address: SocketAddr, file: &Path) -> bool {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = Arc::new(client.with_root_certificates(roots).with_no_client_auth());
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(client).connect(ServerName::try_from("localhost").unwrap(), stream).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_reads_the_certificates_of_both_sides_again_and_a_faulty_file_leaves_only_its_own_value() {
    let keys = "gateway.tls_certificate = \"own.pem\"\ngateway.tls_key = \"own.key\"\n\
        host.admin_tls_certificate = \"admin.pem\"\nhost.admin_tls_key = \"admin.key\"";
    let setup = Setup::pair(keys);
    let folder = setup.folder.path();
    for file in ["own", "admin", "next", "last"] {
        certificate(folder, file, "localhost");
    }
    setup.write_manifest();
    let (process, mut log) = Process::start_with_log(folder).await;
    let (public, operator) = (process.public.address(), process.operator.address());
    let port = operator.port();
    let replace = |file: &str, by: &str| {
        for end in ["pem", "key"] {
            std::fs::copy(folder.join(format!("{by}.{end}")), folder.join(format!("{file}.{end}"))).unwrap();
        }
    };
    std::fs::copy(folder.join("own.pem"), folder.join("first.pem")).unwrap();
    assert!(serves(public, &folder.join("own.pem")).await && serves(operator, &folder.join("admin.pem")).await);
    replace("own", "next");
    replace("admin", "last");
    assert!(serves(public, &folder.join("first.pem")).await, "files count when the host is told");
    process.signal(Signal::HUP);
    assert!(find(&mut log, "were read again").await.is_some());
    assert!(serves(public, &folder.join("next.pem")).await && serves(operator, &folder.join("last.pem")).await);

    // A token that was stolen is replaced, while the certificates are half written.
    for file in ["own.key", "admin.pem"] {
        std::fs::write(folder.join(file), "").unwrap();
    }
    let token = folder.join("data/admin-token");
    let other = std::fs::read_to_string(&token).unwrap().trim().chars().rev().collect::<String>();
    let before = std::fs::read_to_string(&token).unwrap();
    std::fs::write(&token, &other).unwrap();
    process.signal(Signal::HUP);
    let line = find(&mut log, "could not be reloaded").await.unwrap();
    assert!(line.contains("own.key"), "{line}");
    assert!(serves(public, &folder.join("next.pem")).await && serves(operator, &folder.join("last.pem")).await);
    let new = status(folder, &format!("--admin https://localhost:{port} --ca last.pem")).await;
    assert!(new.status.success(), "{new:?}");
    std::fs::write(&token, &before).unwrap();
    let old = status(folder, &format!("--admin https://localhost:{port} --ca last.pem")).await;
    assert_eq!(old.status.code(), Some(4), "the token of before is worth nothing: {old:?}");
    process.kill().await;
}
