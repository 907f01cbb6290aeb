//! `shell`: a menu of what can be done now. Each entry runs a command as if it had been typed.

mod menu;
mod situation;

use clap::Args;
use console::Term;
use dialoguer::{Input, Select};
use futures_util::future::BoxFuture;

use self::menu::Action;
use self::situation::Situation;
use super::conclusion::conclude;
use super::exit::Exit;
use super::failure::Failure;
use super::ink::{DIM, rendered};
use super::invocation::migrate;
use super::prompt::{self, theme};
use super::session::Session;

#[derive(Clone, Debug, Args)]
pub(super) struct Shell {}

/// Parses and runs a command. Passed in, because the commands are above the shell, which is one of them.
pub(super) type Runner = for<'a> fn(&'a Session, Vec<String>) -> BoxFuture<'a, Result<Exit, Failure>>;

impl Shell {
    pub(super) async fn run(self, session: &Session, run: Runner) -> Result<Exit, Failure> {
        if session.output.is_json() {
            return Err(Failure::usage("the shell is interactive and cannot write JSON")
                .help("leave out `--format json`, or use it with another command"));
        }
        if !prompt::is_possible() {
            return Err(Failure::usage("the shell needs a terminal")
                .help(format!("`{} --help` lists the other commands", migrate())));
        }
        loop {
            let situation = Situation::read(session).await?;
            session.output.remark(format_args!("\n{situation}"));
            let mut entries = menu::entries(&situation);
            let labels = entries.iter().map(|entry| entry.label.clone()).collect();
            let Some(index) = choose("What now?", labels).await? else { return Ok(Exit::Done) };
            let arguments = match entries.swap_remove(index).action {
                Action::Quit => return Ok(Exit::Done),
                Action::Command(arguments) => arguments.iter().map(ToString::to_string).collect(),
                Action::WithOneOf(command, of) => {
                    let labels = of.iter().map(|(id, summary)| format!("{id}  {summary}")).collect();
                    let Some(index) = choose("Which migration?", labels).await? else { continue };
                    vec![command.to_owned(), of[index].0.to_owned()]
                }
                Action::WithReason(arguments) => {
                    let Some(reason) = reason().await? else { continue };
                    let arguments = arguments.iter().chain(&["--because"]).map(ToString::to_string);
                    arguments.chain([reason]).collect()
                }
            };
            session.output.remark(DIM.paint(format!("$ {} {}", migrate(), arguments.join(" "))));
            // An error is printed, and the menu comes back.
            if conclude(session.output, run(session, arguments).await) == Exit::Interrupted {
                return Ok(Exit::Interrupted);
            }
        }
    }
}

/// Asks for one of these. Returns its index, or `None` on Esc or `q`.
async fn choose(question: &'static str, labels: Vec<String>) -> Result<Option<usize>, Failure> {
    // A wrapped line is not redrawn properly. The marker takes three columns.
    let width = usize::from(Term::stderr().size().1).saturating_sub(3);
    let fit = |label: String| console::truncate_str(&rendered(&label, false), width, "...").into_owned();
    let labels: Vec<String> = labels.into_iter().map(fit).collect();
    prompt::ask(move || {
        Select::with_theme(&theme()).with_prompt(question).items(&labels).default(0).report(false).interact_opt()
    })
    .await
}

/// Asks for a reason. Returns `None` if it is empty.
async fn reason() -> Result<Option<String>, Failure> {
    let ask =
        || Input::<String>::with_theme(&theme()).with_prompt("Reason for the history").allow_empty(true).interact();
    let reason = prompt::ask(ask).await?;
    Ok(Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty()))
}
