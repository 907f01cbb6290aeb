//! `completions`: a script that completes commands and options in a shell.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::exit::Exit;
use super::failure::Failure;
use super::session::{self, Session};
use super::{Cli, migrate};
use crate::wire;

#[derive(Clone, Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, session: &Session) -> Result<Exit, Failure> {
        let words = session::words();
        let script = script(self.shell, &words);
        let output = &session.output;
        if output.is_json() {
            output.json(&wire::Completions { shell: self.shell.to_string(), script: &script })?;
        } else {
            output.print(script.trim_end())?;
            output.remark(installation(self.shell, &words[0]));
        }
        Ok(Exit::Done)
    }
}

/// For a program that is called with these words in front of a command. Nothing is known of what else it understands.
fn script(shell: Shell, words: &[String]) -> String {
    let mut words = words.iter().rev();
    let innermost = words.next().map_or_else(Cli::command, |word| Cli::command().name(word));
    let mut command = words.fold(innermost, |inner, word| clap::Command::new(word).subcommand(inner));
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(shell, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Where the shell looks for such a script.
fn installation(shell: Shell, program: &str) -> String {
    let call = format!("{} completions {shell}", migrate());
    let command = match shell {
        Shell::Bash => format!("{call} > ~/.local/share/bash-completion/completions/{program}"),
        Shell::Zsh => format!("{call} > \"${{fpath[1]}}/_{program}\""),
        Shell::Fish => format!("{call} > ~/.config/fish/completions/{program}.fish"),
        Shell::Elvish => format!("{call} >> ~/.config/elvish/rc.elv"),
        Shell::PowerShell => format!("{call} >> $PROFILE"),
        _ => call,
    };
    format!("`{command}` installs it for new shells.")
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn every_shell_has_a_script_that_knows_all_commands() {
        for &shell in Shell::value_variants() {
            for called in ["migrator", "my-app migrate", "my-app tools db"] {
                let script = script(shell, &words(called));
                for word in crate::cli::command::names().into_iter().chain(words(called)) {
                    assert!(script.contains(&word), "{shell}, {called}: {word}");
                }
            }
        }
    }

    #[test]
    fn every_shell_is_told_how_to_install_it() {
        for &shell in Shell::value_variants() {
            let remark = installation(shell, "my-app");
            assert!(remark.contains(&format!("completions {shell} >")), "{remark}");
        }
    }
}
