//! `switchyard completions`: the completion script of a shell.

use clap::CommandFactory as _;

use super::arguments::Arguments;

pub(super) fn run(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "switchyard", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
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
}
