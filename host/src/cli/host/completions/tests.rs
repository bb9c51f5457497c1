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
