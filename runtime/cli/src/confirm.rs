//! Confirmation before something that is hard to undo.

use std::fmt::Display;

use dialoguer::Input;
use mongrate::migrator::Migrator;

use super::exit::Exit;
use super::failure::Failure;
use super::prompt;
use super::session::Session;

/// Shows what is about to be done and asks for confirmation. Fails without a terminal. Returns false if the answer is no.
pub(super) async fn confirm(
    session: &Session,
    migrator: &Migrator,
    about: Option<&(dyn Display + Sync)>,
    question: &str,
) -> Result<bool, Failure> {
    let is_asked = !session.options.yes && prompt::is_possible();
    if let Some(about) = about {
        // A question needs its context, even with --quiet.
        if is_asked { session.output.insist(about) } else { session.output.remark(about) }
    }
    if session.options.yes {
        return Ok(true);
    }
    refuse_in_production(migrator)?;
    if !is_asked {
        return Err(Failure::usage("confirmation is required, but there is no terminal").help("confirm with `--yes`"));
    }
    session.output.insist(format_args!("Database: {}", migrator.database().name()));
    // A whole line, so that a stray key is not taken for a yes.
    let question = format!("{question} [y/N]");
    let line = move || Input::<String>::new().with_prompt(question).allow_empty(true).interact_text();
    let answer = prompt::ask(line).await;
    answer.map(|answer| ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())).map_err(|failure| match failure
        .exit
    {
        Exit::Interrupted => Failure { message: "interrupted; nothing was changed".into(), ..failure },
        _ => failure,
    })
}

/// Requires `--yes` in an environment called `production`, where a prompt is too easily answered.
pub(super) fn refuse_in_production(migrator: &Migrator) -> Result<(), Failure> {
    match migrator.environment().filter(|name| is_production(name)) {
        None => Ok(()),
        Some(production) => Err(Failure::usage(format!("the environment '{production}' requires `--yes`"))
            .help("check it first, with `--dry-run` if the command has it, then add `--yes`")),
    }
}

fn is_production(environment: &str) -> bool {
    ["production", "prod"].iter().any(|name| environment.eq_ignore_ascii_case(name))
}
