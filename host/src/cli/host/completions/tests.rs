use clap_complete::Shell;

use super::*;

#[test]
fn every_shell_is_told_of_every_command() {
    for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
        let script = run(shell);
        for command in Arguments::command().get_subcommands().map(clap::Command::get_name) {
            assert!(script.contains(command), "{command} in {shell}");
        }
        assert!(script.contains("dry-run"), "{shell}");
    }
}

#[test]
fn shells_ask_the_host_for_the_names_of_services() {
    for (shell, asks) in [
        (Shell::Bash, "$(switchyard services 2>/dev/null)"),
        (Shell::Zsh, ":_switchyard_services'"),
        (Shell::Fish, "-a \"(switchyard services 2>/dev/null)\""),
    ] {
        let script = run(shell);
        assert!(script.contains(asks), "{shell}");
    }
    let bash = run(Shell::Bash);
    let words = |label: &str| {
        bash.split(&format!("        {label})\n")).nth(1).and_then(|rest| rest.lines().next()).expect("words")
    };
    assert!(words("switchyard__subcmd__abort").ends_with("$(switchyard services 2>/dev/null)\""));
    assert!(!words("switchyard__subcmd__stores").contains("switchyard services"));
    assert!(run(Shell::Zsh).starts_with("#compdef switchyard\n"));
    for name in ["status", "deploy", "promote", "logs", "events"] {
        assert!(commands().iter().any(|command| command == name), "{name}");
    }
}
