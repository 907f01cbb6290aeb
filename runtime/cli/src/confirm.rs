//! Asking before something that is hard to undo.

use std::fmt::Display;

use dialoguer::Input;

use super::exit::Exit;
use super::failure::Failure;
use super::prompt;
use super::session::Session;
use mongrate::migrator::Migrator;

/// Shows what is about to be done and asks whether to do it, or refuses where nobody can be asked. `Ok(false)` is a no.
pub(super) async fn confirm(
    session: &Session,
    migrator: &Migrator,
    about: Option<&(dyn Display + Sync)>,
    question: &str,
) -> Result<bool, Failure> {
    let is_asked = !session.options.yes && prompt::is_possible();
    if let Some(about) = about {
        // Nobody can answer what he has not seen, quiet or not.
        if is_asked { session.output.insist(about) } else { session.output.remark(about) }
    }
    if session.options.yes {
        return Ok(true);
    }
    refuse_in_production(migrator)?;
    if !is_asked {
        return Err(Failure::usage("this has to be confirmed, and there is no terminal to ask at").help("add `--yes`"));
    }
    session.output.insist(format_args!("Database: {}", migrator.database().name()));
    // A whole line, so that no key that was meant for something else is taken for a yes.
    let question = format!("{question} [y/N]");
    let line = move || Input::<String>::new().with_prompt(question).allow_empty(true).interact_text();
    let answer = prompt::ask(line).await;
    answer.map(|answer| ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())).map_err(|failure| match failure
        .exit
    {
        Exit::Interrupted => Failure { message: "interrupted, so nothing was changed".into(), ..failure },
        _ => failure,
    })
}

/// In an environment called `production`, a question is answered too quickly: there it takes `--yes`.
pub(super) fn refuse_in_production(migrator: &Migrator) -> Result<(), Failure> {
    match migrator.environment().filter(|name| is_production(name)) {
        None => Ok(()),
        Some(production) => {
            Err(Failure::usage(format!("this is the environment '{production}', where this needs `--yes`"))
                .help("look at it again, with `--dry-run` where there is one, and then add `--yes`"))
        }
    }
}

fn is_production(environment: &str) -> bool {
    ["production", "prod"].iter().any(|name| environment.eq_ignore_ascii_case(name))
}
