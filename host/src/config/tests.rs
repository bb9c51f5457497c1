//! Tests of loading: which layer wins, which input is refused, and which location the message names.

mod cluster;

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::keys::Section;
use super::*;
use crate::limits::MANIFEST_BYTES_MAX;
use crate::names::ServiceName;

const CART: &str = "[services.cart]\ncontract = \"shop:cart/cart-service@1.0.0\"\ncomponent = \"cart.wasm\"\n";

/// Loads `text` as the manifest `switchyard.toml` of a new folder. The paths and messages of the result omit the
/// folder.
fn load_with(
    text: impl AsRef<[u8]>,
    variables: &[(&str, &str)],
    flags: Flags,
) -> Result<(Configuration, PathBuf), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("switchyard.toml");
    std::fs::write(&path, text).expect("a manifest");
    let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    match load(&path, &variables, flags) {
        Ok(configuration) => Ok((configuration, folder.path().into())),
        Err(error) => Err(error.to_string().replace(&format!("{}/", folder.path().display()), "")),
    }
}

fn loaded(text: &str) -> Manifest {
    load_with(text, &[], Flags::default()).expect("a good manifest").0.manifest
}

fn refused(text: impl AsRef<[u8]>, variables: &[(&str, &str)]) -> String {
    load_with(text, variables, Flags::default()).map(|_| ()).expect_err("a bad manifest")
}

#[test]
fn services_alone_make_a_manifest() {
    let (configuration, folder) = load_with(CART, &[], Flags::default()).expect("a good manifest");
    let manifest = configuration.manifest;
    assert_eq!(manifest.limits.deadline_ms, 5_000);
    assert_eq!(manifest.host.wit, folder.join("wit"));
    let cart = manifest.services.get(&ServiceName::parse("cart").expect("a name")).expect("the service");
    assert_eq!(cart.component, folder.join("cart.wasm"));
    assert_eq!(cart.limits(&manifest.limits), manifest.limits);
}

#[test]
fn the_defaults_document_every_key() {
    let sections = Section::NAMED.iter().flat_map(|(_, section)| section.keys());
    for key in sections.chain(Section::Service.keys()).filter(|key| **key != "environment" && **key != "limits") {
        let mut lines = DEFAULTS.lines().map(|line| line.strip_prefix("# ").unwrap_or(line));
        assert!(lines.any(|line| line.starts_with(&format!("{key} = "))), "{key} is not in default.toml");
    }
}

#[test]
fn what_the_defaults_show_as_a_comment_can_be_set() {
    // Uncomment every line such as `# key = value`, and the sections of services.
    let is_setting = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        line.starts_with('[') || line.contains(" = ") && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let optional = |line: &str| line.strip_prefix("# ").filter(|rest| is_setting(rest)).map(str::to_owned);
    let text: Vec<_> = DEFAULTS.lines().map(|line| optional(line).unwrap_or_else(|| line.to_owned())).collect();
    let text = text.join("\n").replace("mount = \"/blog\"", "").replace("strip_prefix = true", "");
    // The other settings of a cluster need its servers.
    let text = text.replace("servers = []", "servers = [\"nats://10.0.0.1:4222\"]");
    let manifest = loaded(&text);
    assert_eq!(manifest.gateway.requests_per_second_per_client, Some(200));
    let cart = manifest.services.values().next().expect("the service of the comments");
    assert_eq!(cart.environment.get("CURRENCY").map(String::as_str), Some("EUR"));
    assert_eq!(cart.limits(&manifest.limits).deadline_ms, 2_000);
}

#[test]
fn another_text_counts_as_if_it_were_in_the_file() {
    let variables =
        [("SWITCHYARD_LIMITS_DEADLINE_MS", "7"), ("SWITCHYARD_ADMIN_TOKEN", "0123456789abcdef0123456789abcdef")];
    let flags = Flags { data: Some("elsewhere".into()), ..Flags::default() };
    let (configuration, folder) = load_with(CART, &variables, flags).expect("a good manifest");
    assert_eq!(configuration.with_text(CART).expect("a good manifest"), configuration.manifest);
    let text = format!("[host]\ndata = \"here\"\n{}", CART.replace("cart.wasm", "other.wasm"));
    let manifest = configuration.with_text(&text).expect("a good manifest");
    assert_eq!((manifest.host.data, manifest.limits.deadline_ms), (PathBuf::from("elsewhere"), 7));
    let cart = manifest.services.get(&ServiceName::parse("cart").expect("a name")).expect("the service");
    assert_eq!(cart.component, folder.join("other.wasm"));
    for wrong in ["", "[host]\nport = 1\n", &" ".repeat(MANIFEST_BYTES_MAX + 1)] {
        assert!(configuration.with_text(wrong).is_err(), "{} bytes", wrong.len());
    }
    assert!(!format!("{configuration:?}").contains("0123456789abcdef"), "the token is in no log");
}

#[test]
fn what_a_start_would_go_by_is_what_the_file_has_at_that_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("switchyard.toml");
    std::fs::write(&path, CART).expect("a manifest");
    let configuration = load(&path, &[], Flags::default()).expect("a good manifest");
    assert_eq!(configuration.path(), path);
    assert_eq!(configuration.reload().expect("a good manifest"), configuration.manifest);
    let text = format!("[limits]\ndeadline_ms = 7\n{CART}");
    std::fs::write(&path, &text).expect("a manifest");
    let again = configuration.reload().expect("a good manifest");
    assert_eq!(again, configuration.with_text(&text).expect("a good manifest"));
    std::fs::remove_file(&path).expect("it is there");
    assert!(configuration.reload().is_err());
}

#[test]
fn flags_win_over_variables_and_those_over_the_manifest() {
    let text = format!("[host]\nlisten = \"127.0.0.1:1\"\ndata = \"here\"\nlog_filter = \"warn\"\n{CART}");
    let variables = [("SWITCHYARD_HOST_LISTEN", "127.0.0.1:2"), ("SWITCHYARD_HOST_DATA", "there")];
    let flags = Flags { listen: Some("127.0.0.1:3".parse().expect("an address")), ..Flags::default() };
    let (configuration, _) = load_with(text, &variables, flags).expect("a good manifest");
    let host = configuration.manifest.host;
    assert_eq!(host.listen.port(), 3);
    assert_eq!(host.data, Path::new("there"), "a variable's path starts at the working directory");
    assert_eq!(host.log_filter, "warn");
    assert_eq!(configuration.origins.of("host.listen"), Origin::Flag("--listen"));
    assert_eq!(configuration.origins.of("host.data"), Origin::Variable("SWITCHYARD_HOST_DATA".into()));
    assert_eq!(configuration.origins.of("host.wit"), Origin::Default);
}

#[test]
fn a_variable_has_the_type_of_its_setting() {
    let check = |name: &str, value: &str, seen: fn(&Manifest) -> String, expected: &str| {
        let loaded = load_with(CART, &[(name, value)], Flags::default()).map(|(loaded, _)| seen(&loaded.manifest));
        assert_eq!(loaded, Ok(expected.into()), "{name}={value}");
    };
    check("SWITCHYARD_LIMITS_DEADLINE_MS", "7_000", |m| m.limits.deadline_ms.to_string(), "7000");
    check("SWITCHYARD_GATEWAY_ACCESS_LOG", "false", |m| m.gateway.access_log.to_string(), "false");
    check("SWITCHYARD_HOST_DATA", "1", |m| m.host.data.display().to_string(), "1");
    check("SWITCHYARD_HOST_LOG_FORMAT", "json", |m| format!("{:?}", m.host.log_format), "Json");
    check("SWITCHYARD_TELEMETRY_SAMPLED", "0.25", |m| m.telemetry.sampled.to_string(), "0.25");
    check("SWITCHYARD_GATEWAY_ASSETS", "web", |m| format!("{:?}", m.gateway.assets), "Some(\"web\")");
    let origins = r#"["https://a.example", "*"]"#;
    check("SWITCHYARD_GATEWAY_CORS_ORIGINS", origins, |m| m.gateway.cors_origins.join(" "), "https://a.example *");
    // Variables of other programs, and those that an orchestrator sets for a service of this name, are ignored.
    check("SWITCHYARDS", "x", |m| m.limits.deadline_ms.to_string(), "5000");
    check("SWITCHYARD_SERVICE_HOST", "10.0.0.1", |m| m.limits.deadline_ms.to_string(), "5000");
    check("SWITCHYARD_PORT_8080_TCP", "tcp://10.0.0.1", |m| m.limits.deadline_ms.to_string(), "5000");
}

#[test]
fn a_bad_variable_is_named() {
    let check = |name: &str, value: &str, said: &str| assert_eq!(refused(CART, &[(name, value)]), said);
    check(
        "SWITCHYARD_HOST_LISTN",
        "127.0.0.1:1",
        "environment variable SWITCHYARD_HOST_LISTN: names no setting: did you mean `SWITCHYARD_HOST_LISTEN`?",
    );
    check(
        "SWITCHYARD_LIMITS_DEADLINE_MS",
        "soon",
        "environment variable SWITCHYARD_LIMITS_DEADLINE_MS: invalid type: string \"soon\", expected u64",
    );
    check(
        "SWITCHYARD_LIMITS_DEADLINE_MS",
        "0",
        "environment variable SWITCHYARD_LIMITS_DEADLINE_MS: `limits.deadline_ms` is 0, it must be 1 to 3600000 \
         (milliseconds)",
    );
    check(
        "SWITCHYARD_ADMIN_TOKEN",
        "secret",
        "environment variable SWITCHYARD_ADMIN_TOKEN: an admin token must be 32 to 256 visible ASCII characters: \
         create one with `openssl rand -hex 32`",
    );
}

#[test]
fn a_mistake_is_told_with_its_line() {
    let check = |text: &str, line: usize, said: &str| {
        let found = refused(format!("{CART}{text}"), &[]);
        assert_eq!(found, format!("switchyard.toml:{line}: {said}"), "{text}");
    };
    check("[hots]\n", 4, "unknown key `hots`: did you mean `host`?");
    check("[host]\nlisen = 1\n", 5, "unknown key `host.lisen`: did you mean `listen`?");
    let unknown = "unknown key `services.cart.limits.deadline`: did you mean `deadline_ms`?";
    check("[services.cart.limits]\ndeadline = 1\n", 5, unknown);
    let both = "unknown key `limits.deadlin_ms`: did you mean `deadline_ms`?\n\
                switchyard.toml:6: unknown key `limits.wait_ms_maxi`: did you mean `wait_ms_max`?";
    check("[limits]\ndeadlin_ms = 1\nwait_ms_maxi = 1\n", 5, both);
    let strange = "unknown key `services.cart.colour`: known are contract, component, mount, strip_prefix, environment, \
                   outbound_hosts, events_from, limits";
    check("colour = 3\n", 4, strange);
    check("[services.cart]\n", 4, "duplicate key");
    check("[limits]\ndeadline_ms = \"5 s\"\n", 5, "invalid type: string \"5 s\", expected u64");
    check("[limits]\ndeadline_ms = -1\n", 5, "invalid value: integer `-1`, expected u64");
    let range = "`limits.wait_ms_max` is 3600001, it must be 0 to 3600000 (milliseconds)";
    check("[limits]\nwait_ms_max = 3600001\n", 5, range);
    check("[host]\nlisten = \"8080\"\n", 5, "invalid socket address syntax");
    check("[host]\nlog_format = \"xml\"\n", 5, "unknown variant `xml`, expected `text` or `json`");
    let filter = "`host.log_filter` is no filter (error parsing level filter: expected one of \"off\", \"error\", \
                  \"warn\", \"info\", \"debug\", \"trace\", or a number 0-5): write such as `info`";
    check("[host]\nlog_filter = \"switchyard=loud\"\n", 5, filter);
    let alone = "`gateway.tls_key` is alone: TLS needs both gateway.tls_certificate and gateway.tls_key";
    check("[gateway]\ntls_key = \"k\"\n", 5, alone);
    let endpoint = "localhost:4318 is no address of a collector: write for example `http://127.0.0.1:4318`";
    check("[telemetry]\nendpoint = \"localhost:4318\"\n", 5, endpoint);
    let secret = "it is no address of a collector: write for example `http://127.0.0.1:4318`";
    check("[telemetry]\nendpoint = \"https://user:secret@collector\"\n", 5, secret);
    check("[telemetry]\nsampled = 1.5\n", 5, "`telemetry.sampled` is 1.5, it must be 0 to 1 (a share)");
    check("[telemetry]\nsampled = nan\n", 5, "`telemetry.sampled` is NaN, it must be 0 to 1 (a share)");
    let name = "\"Cart\" is no service name: it must be 1 to 40 lowercase letters, digits and inner hyphens and start \
                with a letter";
    check("[services.Cart]\ncomponent = \"x\"\n", 4, name);
    let contract = "`services.blog` has no `contract`: name its world, such as `shop:cart/cart-service`";
    check("[services.blog]\ncomponent = \"x\"\n", 4, contract);
    check(
        "[services.blog]\nmount = \"/\"\n",
        4,
        "`services.blog`: missing field `component`: name the file of its component",
    );
    let mount = "\"blog\" is no path prefix: it starts with `/`";
    check("[services.blog]\ncomponent = \"x\"\nmount = \"blog\"\n", 6, mount);
    let two =
        "[services.blog]\ncomponent = \"x\"\nmount = \"/b\"\n[services.news]\ncomponent = \"x\"\nmount = \"/b/\"\n";
    check(two, 9, "\"/b/\" is where `services.blog` is mounted: choose another prefix");
}

#[test]
fn services_may_not_be_promised_more_instances_than_there_are() {
    let check = |text: &str, said: &str| {
        let found = refused(format!("{CART}{text}"), &[]);
        assert!(found.ends_with(said), "{text}: {found}");
    };
    let calls = "`services.cart` may have 600 calls in flight (`calls_in_flight_max`), but `runtime.instances_max` is \
                 512, and each call needs an instance";
    check("limits.calls_in_flight_max = 600\n", calls);
    let reserved = "`instances_reserved` of all services sums up to 600, but `runtime.instances_max` is 512: raise it, \
                    or reserve less";
    check("limits.instances_reserved = 600\n", reserved);
    let mounted = "`instances_reserved` of all mounted services sums up to 600, but `runtime.instances_max` is 512: raise \
                   it, or reserve less";
    let blog = "[services.blog]\ncomponent = \"x\"\nmount = \"/b\"\nlimits.instances_reserved = ";
    check(&format!("{blog}600\n"), mounted);
    loaded(&format!("{CART}limits.instances_reserved = 300\n{blog}300\n"));
    let good = format!("{CART}limits.calls_in_flight_max = 512\nlimits.function_calls_in_flight_max = {{ a-b = 2 }}\n");
    let cart = loaded(&good).services.into_values().next().expect("cart");
    assert_eq!(cart.limits.function_calls_in_flight_max, Some([("a-b".to_owned(), 2)].into()));
    check("limits.function_calls_in_flight_max = { a-b = 0 }\n", "it must be 1 to 10000 (calls)");
}

#[test]
fn a_file_that_is_no_manifest_is_refused() {
    let check = |text: &[u8], said: &str| {
        let found = refused(text, &[]);
        assert!(found.starts_with(said), "{:?}: {found}", String::from_utf8_lossy(text));
    };
    check(b"", "switchyard.toml:1: missing field `services`");
    check(b"host = 3", "switchyard.toml:1: `host` must be a section: `[host]`");
    check(
        b"services = []",
        "switchyard.toml:1: `services` must consist of sections: write for example `[services.cart]`",
    );
    check(b"[services]", "switchyard.toml:1: there is no service: add a section such as `[services.cart]`");
    check(b"services.cart = 1", "switchyard.toml:1: `services.cart` must be a section: `[services.cart]`");
    check(b"[host]\n\n= 1", "switchyard.toml:3: ");
    check(b"[host]\n\xff", "switchyard.toml:2: not UTF-8: save the file as UTF-8, as TOML requires");
    check(b"\0", "switchyard.toml:1: ");
    check(&vec![b'['; 100_000], "switchyard.toml:1: ");
    check(&vec![b'\n'; MANIFEST_BYTES_MAX + 1], "the manifest switchyard.toml is larger than 1048576 bytes");
    let missing = load(Path::new("/nowhere/switchyard.toml"), &[], Flags::default()).map(|_| ());
    assert!(missing.is_err_and(|error| error.to_string() == "cannot read the manifest /nowhere/switchyard.toml"));
}

#[test]
fn hosts_and_origins_are_names_with_or_without_a_port() {
    let check = |key: &str, value: &str, good: bool| {
        let text = match key {
            "cors_origins" => format!("[gateway]\n{key} = [\"{value}\"]\n{CART}"),
            _ => format!("{CART}{key} = [\"{value}\"]\n"),
        };
        let loaded = load_with(&text, &[], Flags::default());
        assert_eq!(loaded.is_ok(), good, "{key}: {value:?}");
    };
    for good in ["api.example.com", "127.0.0.1:9000", "[::1]:9000", "localhost"] {
        check("outbound_hosts", good, true);
    }
    for bad in ["", "https://a.example", "a.example/x", "user@a.example", "a b", "a.example:", "a:b"] {
        check("outbound_hosts", bad, false);
    }
    for good in ["*", "https://shop.example.com", "http://localhost:3000"] {
        check("cors_origins", good, true);
    }
    for bad in ["", "shop.example.com", "https://", "https://a.example/", "ftp://a.example"] {
        check("cors_origins", bad, false);
    }
}

#[test]
fn proxies_are_addresses_and_networks() {
    let manifest = loaded(&format!("[gateway]\ntrusted_proxies = [\"10.1.2.3\", \"fd00::1\", \"10.0.0.0/8\"]\n{CART}"));
    let networks: Vec<_> = manifest.gateway.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.1.2.3/32", "fd00::1/128", "10.0.0.0/8"]);
    let error = refused(format!("[gateway]\ntrusted_proxies = [\"proxy.local\"]\n{CART}"), &[]);
    assert!(error.contains("\"proxy.local\" is neither an address nor a network"), "{error}");
}

#[test]
fn the_effective_configuration_is_a_manifest_that_means_the_same() {
    let text =
        format!("{CART}[services.cart.environment]\nCURRENCY = \"EUR\"\n[services.cart.limits]\ndeadline_ms = 9\n");
    let variables = [("SWITCHYARD_HOST_LOG_FILTER", "warn"), ("SWITCHYARD_ADMIN_TOKEN", &"s".repeat(32))];
    let (configuration, _) = load_with(text, &variables, Flags::default()).expect("a good manifest");
    let printed = print(&configuration).expect("paths in UTF-8");
    assert!(
        printed.contains("log_filter = \"warn\"  # environment variable SWITCHYARD_HOST_LOG_FILTER\n"),
        "{printed}"
    );
    assert!(printed.contains("deadline_ms = 5000  # the defaults\n"), "{printed}");
    assert!(printed.contains("switchyard.toml:7\n"), "{printed}");
    assert!(!printed.contains("ssss"), "{printed}");
    assert_eq!(loaded(&printed), configuration.manifest);
}

proptest! {
    #[test]
    fn no_file_makes_the_loader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _any = load_with(&bytes, &[], Flags::default());
    }

    #[test]
    fn no_mix_of_the_manifests_own_words_makes_the_loader_panic(
        words in proptest::collection::vec(
            prop::sample::select(vec![
                "[host]", "[limits]", "[services.cart]", "[services.cart.limits]", "services", "host", "limits",
                "listen", "deadline_ms", "component", "contract", "=", "1", "\"x\"", "{", "}", "[", "]", ".", ",", "\n",
            ]),
            0..40,
        ),
    ) {
        let _any = load_with(words.join(" "), &[], Flags::default());
    }

    #[test]
    fn a_services_own_bound_wins_over_the_general_one(
        general in 1..=3_600_000_u64,
        own in proptest::option::of(1..=3_600_000_u64),
    ) {
        let own_line = own.map(|own| format!("[services.cart.limits]\ndeadline_ms = {own}\n")).unwrap_or_default();
        let manifest = loaded(&format!("[limits]\ndeadline_ms = {general}\n{CART}{own_line}"));
        let cart = manifest.services.values().next().expect("the service");
        prop_assert_eq!(cart.limits(&manifest.limits).deadline_ms, own.unwrap_or(general));
    }
}

#[test]
fn how_a_candidate_is_judged_is_a_number() {
    for value in ["nan", "inf", "-0.1", "1001.0"] {
        let said = refused(format!("[deploy]\ncandidate_slowdown_max = {value}\n{CART}"), &[]);
        assert!(said.contains("`deploy.candidate_slowdown_max` is ") && said.contains("0 to 1000"), "{said}");
    }
}

#[test]
fn two_spellings_of_one_grant_are_refused_and_so_is_the_name_of_the_hosts_own_store() {
    let said = refused(format!("{CART}outbound_hosts = [\"a.example\", \"A.Example.\"]\n"), &[]);
    assert!(said.contains("a.example is granted twice, maybe in another spelling"), "{said}");
    let said = refused(format!("{CART}outbound_hosts = [\"a.example/path\"]\n"), &[]);
    assert!(said.contains("is no host: write such as `api.example.com`"), "{said}");
    let said = refused(CART.replace("[services.cart]", "[services.\"@platform\"]"), &[]);
    assert!(said.contains("is reserved for the host's own store"), "{said}");
}

#[test]
fn signers_are_public_keys() {
    let deploy = |signers: &str| format!("[deploy]\nsigners = [{signers}]\n{CART}");
    let key = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let signers = loaded(&deploy(&format!("\"{key}\""))).deploy.signers;
    assert_eq!(signers.iter().map(ToString::to_string).collect::<Vec<_>>(), [key]);
    assert!(loaded(CART).deploy.signers.is_empty());
    let said = "switchyard.toml:2: write a signer as `ed25519:` and the 32 bytes of its public key in base64";
    assert_eq!(refused(deploy("\"11qYAYKxCrfVS\""), &[]), said);
}

#[test]
fn all_faults_are_reported_at_once() {
    let text = "[host]\nlistn = 1\ndrain_ms_max = \"soon\"\n[limits]\ndeadline_ms = 0\n[services.Cart]\ncomponent = \"a\"\n\
        [services.cart]\ncontract = 5\nmount = \"cart\"\n[services.cart.limits]\ncall_depth_max = true\nwait = 1\n";
    let variables = [("SWITCHYARD_GATEWAY_NOTHING_AT_ALL", "1"), ("SWITCHYARD_HOST_LOG_FORMAT", "loud")];
    let message = refused(text, &variables);
    for fault in [
        "switchyard.toml:2: unknown key `host.listn`",
        "switchyard.toml:3: ",
        "switchyard.toml:5: `limits.deadline_ms` is 0",
        "switchyard.toml:6: \"Cart\" is no service name",
        "switchyard.toml:9: ",
        "switchyard.toml:10: \"cart\" is no path prefix",
        "switchyard.toml:12: ",
        "switchyard.toml:13: unknown key `services.cart.limits.wait`",
        "`services.cart`: missing field `component`",
        "environment variable SWITCHYARD_GATEWAY_NOTHING_AT_ALL: ",
        "environment variable SWITCHYARD_HOST_LOG_FORMAT: ",
    ] {
        assert!(message.contains(fault), "{fault} is not in\n{message}");
    }
}

#[test]
fn a_variable_with_the_wrong_section_gets_the_right_one() {
    let check = |name: &str, hint: &str| {
        let message = refused(CART, &[(name, "1")]);
        assert!(message.ends_with(hint), "{name}: {message}");
    };
    check("SWITCHYARD_GATEWAY_LISTEN", "did you mean `SWITCHYARD_HOST_LISTEN` or `SWITCHYARD_CLUSTER_LISTEN`?");
    check("SWITCHYARD_DEADLINE_MS", "did you mean `SWITCHYARD_LIMITS_DEADLINE_MS`?");
    check("SWITCHYARD_HOST_LISTN", "did you mean `SWITCHYARD_HOST_LISTEN`?");
}
