use clap::CommandFactory as _;

use super::*;

fn reads<'a>(words: impl IntoIterator<Item = &'a str>) -> bool {
    Arguments::try_parse_from(words).is_ok()
}

#[test]
fn the_command_line_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn commands_are_read_as_they_are_documented() {
    let check = |line: &str, good: bool| assert_eq!(reads(line.split(' ')), good, "{line}");
    check("switchyard up --manifest m.toml --listen 0.0.0.0:80 --admin [::1]:81 --data d", true);
    check("switchyard up --listen 8080", false);
    check("switchyard token add ci --role viewer --admin http://127.0.0.1:9 --data d --manifest m.toml", true);
    check("switchyard status", true);
    check("switchyard status cart --json --admin http://127.0.0.1:9", true);
    check("switchyard status --watch --json", true);
    check("switchyard status cart --watch 0", false);
    check("switchyard check cart.wasm --contract shop:cart/cart-service --wit wit --json", true);
    check("switchyard check cart.wasm", false);
    check("switchyard wit --contract shop:cart/cart-service --out component/wit --wit wit", true);
    check("switchyard wit --contract shop:cart/cart-service", false);
    check("switchyard call account create-staff {}", true);
    check("switchyard call account", false);
    check("switchyard config --defaults", true);
    check("switchyard config --check --manifest m.toml", true);
    check("switchyard config --check --defaults", false);
    check("switchyard completions bash", true);
    check("switchyard", false);
}

#[test]
fn releases_are_moved_by_commands_that_say_one_thing() {
    let check = |line: &str, good: bool| assert_eq!(reads(line.split(' ')), good, "{line}");
    check("switchyard deploy cart", false);
    check("switchyard deploy cart a.wasm --shadow --weight 5", true);
    check("switchyard deploy cart a.wasm --handover --shadow 10 --header x-try=new --wait=1h", true);
    check("switchyard deploy cart a.wasm --handover --weight 5", false);
    check("switchyard deploy cart a.wasm --handover --steps 1%,10%", false);
    check("switchyard deploy cart a.wasm --handover --wait --wait-handover 1h", false);
    check("switchyard deploy cart a.wasm --weight 0", false);
    check("switchyard deploy cart a.wasm --steps 1%,x", false);
    check("switchyard deploy cart a.wasm --steps 1% --weight 5", false);
    check("switchyard deploy cart a.wasm --every 2m", false);
    check("switchyard deploy cart a.wasm --grant a --grant b --signature a.sig", true);
    check("switchyard deploy --set cart=a.wasm inventory=b.wasm --grant a --json", true);
    check("switchyard deploy --set cart=a.wasm --set inventory=b.wasm", true);
    check("switchyard deploy cart a.wasm --set cart=a.wasm", false);
    check("switchyard deploy --set cart=a.wasm --weight 5", false);
    // The host has no dry run for a set, and this must not swap it.
    check("switchyard deploy --set cart=a.wasm --dry-run", false);
    check("switchyard promote cart --force", false);
    check("switchyard rollback cart --to sha256:00 --force --json", true);
    check("switchyard rollback cart --after-intents --reason x", true);
    check("switchyard rollback cart --after-intents=2m", true);
    check("switchyard rollback --after-intents cart", true);
    check("switchyard promote cart --after-intents=0", false);
    check("switchyard deploy cart a.wasm --after-intents", true);
    check("switchyard deploy --set cart=a.wasm --after-intents", false);
    check("switchyard abort cart --after-intents", false);
    check("switchyard deploy cart a.wasm --weight 5 --wait", true);
    check("switchyard deploy cart a.wasm --weight 5 --wait=10m --replace", true);
    check("switchyard deploy cart a.wasm --dry-run --wait", false);
    check("switchyard pause cart --reason x", true);
    check("switchyard resume cart", true);
    check("switchyard weight cart 30%", true);
    check("switchyard weight cart 0", false);
    check("switchyard history --limit 0", false);
}

#[test]
fn a_host_is_kept_by_commands_that_say_one_thing() {
    let check = |line: &str, good: bool| assert_eq!(reads(line.split(' ')), good, "{line}");
    check("switchyard sign a.wasm", false);
    check("switchyard sign --key k", false);
    check("switchyard sign", false);
    check("switchyard sign --new-key k --key k", false);
    check("switchyard token add ci", false);
    check("switchyard token add ci --role owner", false);
    check("switchyard token revoke ci --json", true);
    check("switchyard apply --manifest m.toml -y", true);
    check("switchyard apply --dry-run --yes", false);
    check("switchyard drop", false);
    check("switchyard apply --reset-releases -y", true);
    check("switchyard add cart --dry-run", true);
    check("switchyard remove cart -y --json", true);
    check("switchyard remove", false);
    check("switchyard logs cart -f --request x --json", true);
    check("switchyard logs --limit 0", false);
    check("switchyard version --of-host", true);
    check("switchyard config --check --json", true);
    check("switchyard config --check --defaults", false);
    check("switchyard stores --json", true);
    check("switchyard backup", false);
    check("switchyard backup b --json --admin http://127.0.0.1:9", true);
    check("switchyard restore b --data d --json", true);
    check("switchyard restore b --at 7 --archive a --old-data o", true);
    check("switchyard restore b --at yesterday", false);
    check("switchyard restore b --archive a", false);
    check("switchyard journal", false);
    check("switchyard journal verify a b --json", true);
    check("switchyard journal verify a --data d", false);
    check("switchyard journal show --from 1 --to 2 --service cart --values", true);
    check("switchyard journal show --service Cart", false);
    check("switchyard intents --json", true);
    check("switchyard intents retry 0a1b --live --json", true);
    check("switchyard intents retry", false);
    check("switchyard intents give-up 0a1b --reason gone -y", true);
    check("switchyard intents give-up 0a1b", false);
    check("switchyard events", true);
    check("switchyard events cart --json", true);
    check("switchyard events replay cart", false);
    check("switchyard events replay cart a.1.0 --reason why", true);
    check("switchyard events drop cart a.1.0 --all", false);
    check("switchyard events drop cart --all --json --admin http://127.0.0.1:9", true);
    check("switchyard schedules cart", true);
    check("switchyard cluster", false);
    check("switchyard cluster status --json", true);
    check("switchyard cluster status --watch --admin http://127.0.0.1:9", true);
    check("switchyard cluster status --watch 5 --json", true);
    check("switchyard cluster status --watch 0", false);
    check("switchyard cluster step-down --json", true);
    check("switchyard cluster step-down a", false);
    check("switchyard cluster reseed --plan --data d --manifest m", true);
    check("switchyard cluster reseed --yes --lose-commits --json", true);
    check("switchyard cluster reseed --plan --yes", false);
    check("switchyard cluster remove", false);
    check("switchyard cluster remove a --data d", true);
    check("switchyard store scan cart", true);
    check("switchyard store scan cart a/ --limit 0", false);
    check("switchyard store get cart a/1 --as raw --json", true);
    check("switchyard store get cart a/1 --as octal", false);
    check("switchyard store set cart a/1", false);
    check("switchyard store set cart a/1 -7 -y", true);
    check("switchyard store set cart a/1 x --file y", false);
    check("switchyard store delete cart a/1 --if-digest none --admin http://127.0.0.1:9", true);
}

/// The words of an example, quoted as in a shell.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 { words.push(part) } else { words.extend(part.split_whitespace()) }
    }
    words
}

#[test]
fn every_command_has_an_example_that_is_one() {
    for command in Arguments::command().get_subcommands() {
        let name = command.get_name();
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let begins = format!("switchyard {name}");
        let lines: Vec<_> = help.lines().map(str::trim).filter(|line| line.starts_with(&begins)).collect();
        assert!(!lines.is_empty(), "{name}");
        for line in lines {
            assert!(reads(words(line)), "{line}");
        }
    }
}
