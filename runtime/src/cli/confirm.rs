//! Asking before something that is hard to undo.

use dialoguer::Confirm;

use super::exit::Exit;
use super::failure::Failure;
use super::prompt;
use super::session::Session;
use crate::Migrator;

/// Asks whether to do this, or refuses where nobody can be asked. `Ok(false)` is a no.
///
/// In an environment called `production`, a question is answered too quickly: there it takes `--yes`.
pub(super) async fn confirm(session: &Session, migrator: &Migrator, question: &str) -> Result<bool, Failure> {
    if session.options.yes {
        return Ok(true);
    }
    if let Some(production) = migrator.environment().filter(|name| is_production(name)) {
        return Err(Failure::usage(format!("this is the environment '{production}', where this needs `--yes`"))
            .help("look at it again, with `--dry-run` where there is one, and then add `--yes`"));
    }
    if !prompt::is_possible() {
        return Err(Failure::usage("this has to be confirmed, and there is no terminal to ask at").help("add `--yes`"));
    }
    let question = question.to_owned();
    let answer = prompt::ask(move || Confirm::new().with_prompt(question).default(false).interact()).await;
    answer.map_err(|failure| match failure.exit {
        Exit::Interrupted => Failure { message: "interrupted, so nothing was changed".into(), ..failure },
        _ => failure,
    })
}

fn is_production(environment: &str) -> bool {
    ["production", "prod"].iter().any(|name| environment.eq_ignore_ascii_case(name))
}
