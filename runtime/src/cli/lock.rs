//! `lock`

use clap::{Args, Subcommand};

use super::confirm::confirm;
use super::exit::Exit;
use super::failure::Failure;
use super::options::Who;
use super::outcome;
use super::session::Session;
use crate::wire;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Lock {
    /// Tells who holds the lock
    Status(Status),
    /// Takes the lock away from its holder, which is fenced off: whatever it still tries, it does not commit
    Release(Release),
}

#[derive(Clone, Debug, Args)]
pub(super) struct Status {}

#[derive(Clone, Debug, Args)]
pub(super) struct Release {
    /// Does it without asking, as --yes does
    #[arg(long)]
    confirm: bool,

    /// Why, for the history
    #[arg(long, value_name = "REASON")]
    because: String,

    #[command(flatten)]
    who: Who,
}

impl Lock {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        match self {
            Self::Status(it) => it.run(session).await,
            Self::Release(it) => it.run(session).await,
        }
    }
}

impl Status {
    async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let status = session.migrator().await?.lock_status().await?;
        if session.output.is_json() {
            session.output.json(&wire::Lock::of(&status))?;
        } else {
            session.output.print(status)?;
        }
        Ok(Exit::Done)
    }
}

impl Release {
    async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let (output, migrator) = (&session.output, session.migrator().await?);
        let status = migrator.lock_status().await?;
        if status.holder.is_some() && !self.confirm {
            output.remark(&status);
            if !confirm(session, migrator, "Take the lock away?").await? {
                return outcome::declined(session);
            }
        }
        let mut unlock = migrator.force_unlock().because(self.because);
        if let Some(name) = self.who.by() {
            unlock = unlock.by(name);
        }
        let holder = unlock.await?;
        if output.is_json() {
            output.json(&wire::Released::of(holder.as_ref()))?;
        } else if let Some(holder) = holder {
            output.outcome(format_args!("Took the lock from {holder}."))?;
        } else {
            output.outcome("The lock was free already.")?;
        }
        Ok(Exit::Done)
    }
}
