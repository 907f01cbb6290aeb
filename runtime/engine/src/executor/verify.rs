//! Asking a migration's `verify` function whether it has had its effect.

use super::body::{Holds, caught, supervise};
use super::{Executor, Failure, Step};
use crate::error::{Error, in_one_line, source_chain};
use crate::migration::registration::BoxError;
use crate::migration::{Direction, State};

impl Executor<'_> {
    /// Returns whether a step that was interrupted outside a transaction does not have to run again. In doubt it does: what runs
    /// outside transactions can be repeated. Not asked after a failure: a `verify` that is true of anything would turn it into
    /// a success.
    pub(super) async fn had_its_effect(&mut self, step: &Step<'_>) -> Result<bool, Failure> {
        let applying = step.previous.is_some_and(|record| record.direction == Direction::Up);
        if step.direction == Direction::Down || step.state != State::Interrupted || !applying {
            return Ok(false);
        }
        match self.ask(step).await? {
            Some(Ok(had)) => Ok(had),
            Some(Err(error)) => {
                let error = in_one_line(&source_chain(&*error));
                tracing::warn!(error, "the `verify` function failed, so the migration runs again");
                Ok(false)
            }
            None => Ok(false),
        }
    }

    /// The postcondition of a step that has run.
    pub(super) async fn verify(&mut self, step: &mut Step<'_>) -> Result<(), Failure> {
        if step.direction == Direction::Down {
            return Ok(());
        }
        let source = match self.ask(step).await {
            Ok(None | Some(Ok(true))) => return Ok(()),
            Ok(Some(Ok(false))) => None,
            Ok(Some(Err(error))) | Err(Failure::Failed(error)) => Some(error.into()),
            Err(stopped @ Failure::Stopped(_)) => return Err(stopped),
        };
        step.verification_failed = true;
        Err(Error::VerificationFailed { source }.into())
    }

    /// What the function says; `None` when there is none.
    async fn ask(&mut self, step: &Step<'_>) -> Result<Option<Result<bool, BoxError>>, Failure> {
        let Some(verify) = step.migration.registration().verify else { return Ok(None) };
        let (database, permit) = (self.database.clone(), self.lease.permit());
        let run = async move { caught(verify(&database)).await };
        match supervise(run, &permit, Holds::RawHandle, self.limits(step)).await {
            Ok(said) => Ok(Some(said)),
            Err(cut) => {
                if let Some(raw) = cut.raw {
                    self.end_leftovers(step.migration.id(), raw).await;
                }
                Err(cut.failure)
            }
        }
    }
}
