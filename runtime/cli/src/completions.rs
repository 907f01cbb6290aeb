//! `completions`

use std::iter;

use clap::Args;
use clap_complete::{Shell, generate};

use super::exit::Exit;
use super::failure::Failure;
use super::invocation::{called, migrate};
use super::session::Session;

#[derive(Clone, Debug, Args)]
pub(super) struct Completions {
    /// Shell to generate the script for
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, session: &Session) -> Result<Exit, Failure> {
        let (program, words) = called();
        let script = script(self.shell, (session.parser)(), &program, &words);
        let output = &session.output;
        if output.is_json() {
            output.json(&crate::json::Completions { shell: self.shell.to_string(), script: &script })?;
        } else {
            output.print(script.trim_end())?;
            output.remark(installation(self.shell, &program));
        }
        Ok(Exit::Done)
    }
}

/// Generates the script for a program that has these words before a command.
fn script(shell: Shell, parser: clap::Command, program: &str, words: &[String]) -> String {
    // In a script for bash, clap_complete loses its way behind a `-` in the name of the program
    // (https://github.com/clap-rs/clap/issues/6421). Only the last lines have to name the program as it is.
    let name = if shell == Shell::Bash { program.replace('-', "_") } else { program.to_owned() };
    let mut words = iter::once(&name).chain(words).rev();
    let innermost = match words.next() {
        Some(word) => parser.name(word),
        None => parser,
    };
    let mut command = words.fold(innermost, |inner, word| around(word).subcommand(inner));
    let mut script = Vec::new();
    generate(shell, &mut command, &name, &mut script);
    let script = String::from_utf8_lossy(&script);
    script.replace(&format!(" -o default {name}\n"), &format!(" -o default {program}\n"))
}

/// A command of the application. Nothing is known about its arguments, not even whether it has `--help`.
fn around(word: &str) -> clap::Command {
    clap::Command::new(word.to_owned()).disable_help_flag(true).disable_help_subcommand(true)
}

/// How to install the script.
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
    format!("Install it for new shells with `{command}`.")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, ValueEnum};

    use super::*;
    use crate::Cli;
    use crate::invocation::COMMANDS;

    #[test]
    fn every_shell_has_a_script_that_knows_all_commands() {
        for &shell in Shell::value_variants() {
            for words in [&[][..], &["migrate"], &["tools", "db"]] {
                let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
                let script = script(shell, Cli::command(), "my-app", &words);
                let expected = ["my-app".to_owned()].into_iter().chain(words).chain(COMMANDS.map(str::to_owned));
                for word in expected {
                    assert!(script.contains(&word), "{shell}: {word}");
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
