//! `mark`, `baseline`, `accept` and `prune`

use clap::{Args, Subcommand};
use mongrate::Error;
use mongrate::migrator::Amend;

use super::confirm::confirm;
use super::exit::Exit;
use super::failure::{Failure, or_on_record};
use super::invocation::migrate;
use super::options::Reasoned;
use super::outcome;
use super::session::Session;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Mark {
    /// Mark migrations as applied, without running them
    Applied(Marked),
    /// Mark migrations as pending, without reverting them
    Pending(Marked),
}

#[derive(Clone, Debug, Args)]
pub(super) struct Marked {
    /// Qualified ids of the migrations
    #[arg(value_name = "ID", required = true)]
    pub(super) ids: Vec<String>,

    #[command(flatten)]
    reasoned: Reasoned,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Baseline {
    #[command(flatten)]
    pub(super) last: Last,

    /// Count undecided migrations as applied if a later one is in effect
    #[arg(long, requires = "detect", conflicts_with = "id")]
    assume_undecided: bool,

    #[command(flatten)]
    reasoned: Reasoned,
}

#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Last {
    /// Qualified id of the last applied migration
    pub(super) id: Option<String>,

    /// Detect the last applied migration with the `verify` functions
    #[arg(long)]
    detect: bool,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Accept {
    /// Qualified id of the migration
    pub(super) id: String,

    #[command(flatten)]
    reasoned: Reasoned,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Prune {
    /// Qualified id of the migration
    pub(super) id: String,

    #[command(flatten)]
    reasoned: Reasoned,
}

impl Mark {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let (word, Marked { ids, reasoned }) = match &self {
            Self::Applied(marked) => ("applied", marked),
            Self::Pending(marked) => ("pending", marked),
        };
        let migrator = session.migrator_for(&reasoned.writing).await?;
        if !confirm(session, migrator, None, &format!("Mark as {word}: {}?", ids.join(", "))).await? {
            return outcome::declined(session);
        }
        let amend = match &self {
            Self::Applied(_) => migrator.mark_applied(ids),
            Self::Pending(_) => migrator.mark_pending(ids),
        };
        amend_as(session, amend, reasoned, Failure::from).await
    }
}

impl Baseline {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let migrator = session.migrator_for(&self.reasoned.writing).await?;
        let mut about = None;
        let id = if let Some(id) = self.last.id {
            id
        } else {
            let mut detected = migrator.detect().await?;
            if self.assume_undecided {
                detected = detected.assuming_undecided();
            }
            let Some(id) = detected.baseline() else {
                // There is nothing to mark, and the output shows why.
                session.output.remark(&detected);
                if detected.contradictions().next().is_some() {
                    return Err(no_baseline("the `verify` functions contradict each other"));
                }
                if detected.undecided().next().is_some() {
                    return Err(no_baseline("the `verify` functions leave earlier migrations undecided"));
                }
                let nothing: [String; 0] = [];
                return amend_as(session, migrator.mark_applied(nothing), &self.reasoned, Failure::from).await;
            };
            about = Some(detected.to_string());
            id.to_owned()
        };
        let question = format!("Mark everything up to '{id}' as applied?");
        if !confirm(session, migrator, about.as_ref().map(|text| text as _), &question).await? {
            return outcome::declined(session);
        }
        amend_as(session, migrator.baseline(id), &self.reasoned, Failure::from).await
    }
}

/// Something is in effect, but nothing can be marked without a person's judgment.
fn no_baseline(cause: &str) -> Failure {
    let message = format!("{cause}, so no baseline can be detected");
    Failure::new(Exit::Failed, "no-baseline", message).help(format!(
        "inspect the database, then name the baseline or the migrations with `{m} baseline ID` or `{m} mark applied ID`, or \
         count undecided ones as applied with `{m} baseline --detect --assume-undecided`",
        m = migrate()
    ))
}

impl Accept {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let migrator = session.migrator_for(&self.reasoned.writing).await?;
        amend_as(session, migrator.accept(self.id), &self.reasoned, Failure::from).await
    }
}

impl Prune {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let migrator = session.migrator_for(&self.reasoned.writing).await?;
        if !confirm(session, migrator, None, &format!("Remove the record of '{}'?", self.id)).await? {
            return outcome::declined(session);
        }
        amend_as(session, migrator.prune(self.id), &self.reasoned, or_on_record).await
    }
}

pub(super) async fn amend_as(
    session: &Session,
    mut amend: Amend,
    reasoned: &Reasoned,
    into_failure: fn(Error) -> Failure,
) -> Result<Exit, Failure> {
    if let Some(name) = reasoned.writing.by() {
        amend = amend.by(name);
    }
    if let Some(reason) = &reasoned.because {
        amend = amend.because(reason);
    }
    outcome::print(session, &amend.await.map_err(into_failure)?)
}
