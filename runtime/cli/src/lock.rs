//! `lock`

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use mongrate::json;
use mongrate::record::Holder;

use super::confirm::{confirm, refuse_in_production};
use super::exit::Exit;
use super::failure::Failure;
use super::invocation::migrate;
use super::options::Who;
use super::outcome;
use super::session::Session;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Lock {
    /// Show who holds the lock
    Status(Status),
    /// Take the lock from its holder, which cannot commit anything afterwards
    Release(Release),
}

#[derive(Clone, Debug, Args)]
pub(super) struct Status {}

#[derive(Clone, Debug, Args)]
pub(super) struct Release {
    /// Release the lock without asking; in production, --yes is required as well
    #[arg(long)]
    confirm: bool,

    /// Reason for the history
    #[arg(long, value_name = "REASON", value_parser = NonEmptyStringValueParser::new())]
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
            session.output.json(&json::Lock::of(&status))?;
        } else {
            session.output.print(status)?;
        }
        Ok(Exit::Done)
    }
}

impl Release {
    async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let migrator = session.migrator().await?;
        let status = migrator.lock_status().await?;
        if status.holder.is_none() {
            return print_released(session, None);
        }
        if self.confirm && !session.options.yes {
            refuse_in_production(migrator)?;
        } else if !confirm(session, migrator, Some(&status), "Release the lock?").await? {
            return outcome::declined(session);
        }
        // The holder that was shown may have finished meanwhile.
        if migrator.lock_status().await?.token != status.token {
            return Err(Failure::new(
                Exit::Failed,
                "lock-changed",
                "the lock has changed hands meanwhile, so nothing was changed",
            )
            .help(format!("`{} lock status` shows its holder", migrate())));
        }
        let mut unlock = migrator.force_unlock().because(self.because);
        if let Some(name) = self.who.by() {
            unlock = unlock.by(name);
        }
        print_released(session, unlock.await?.as_ref())
    }
}

fn print_released(session: &Session, former: Option<&Holder>) -> Result<Exit, Failure> {
    let output = &session.output;
    if output.is_json() {
        output.json(&json::Released::of(former))?;
    } else if let Some(holder) = former {
        output.outcome(format_args!("Released the lock of {holder}."))?;
    } else {
        output.outcome("The lock was already free.")?;
    }
    Ok(Exit::Done)
}
