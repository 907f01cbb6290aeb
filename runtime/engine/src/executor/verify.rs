//! Calls the `verify` function of a migration.

use super::body::{Holds, catch_panic, supervise};
use super::{Executor, Failure, Step};
use crate::error::{Error, in_one_line, source_chain};
use crate::migration::registration::BoxError;
use crate::migration::{Direction, Effect, State};

impl Executor<'_> {
    /// Returns whether a step that was interrupted outside a transaction took effect and need not run again. In doubt, it runs
    /// again, because bodies outside transactions are repeatable. Not called after a failure.
    pub(super) async fn took_effect_before(&mut self, step: &Step<'_>) -> Result<bool, Failure> {
        let applying = step.previous.is_some_and(|record| record.direction == Direction::Up);
        if step.direction == Direction::Down || step.state != State::Interrupted || !applying {
            return Ok(false);
        }
        match self.call_verify(step).await? {
            Some(Ok(effect)) => Ok(effect == Effect::Present),
            Some(Err(error)) => {
                let error = in_one_line(&source_chain(&*error));
                tracing::warn!(error, "the `verify` function failed, so the migration runs again");
                Ok(false)
            }
            None => Ok(false),
        }
    }

    /// Checks the postcondition of a step.
    pub(super) async fn verify(&mut self, step: &mut Step<'_>) -> Result<(), Failure> {
        if step.direction == Direction::Down {
            return Ok(());
        }
        let source = match self.call_verify(step).await {
            Ok(None | Some(Ok(Effect::Present | Effect::Undecided))) => return Ok(()),
            Ok(Some(Ok(Effect::Absent))) => None,
            Ok(Some(Err(error))) | Err(Failure::Failed(error)) => Some(error.into()),
            Err(stopped @ Failure::Stopped(_)) => return Err(stopped),
        };
        step.verification_failed = true;
        Err(Error::VerificationFailed { source }.into())
    }

    /// Returns the result of the `verify` function; `None` if there is no such function.
    async fn call_verify(&mut self, step: &Step<'_>) -> Result<Option<Result<Effect, BoxError>>, Failure> {
        let Some(verify) = step.migration.registration().verify else { return Ok(None) };
        let (database, permit) = (self.database.clone(), self.lease.permit());
        let run = async move { catch_panic(verify(&database)).await };
        match supervise(run, &permit, Holds::RawHandle, self.limits(step)).await {
            Ok(result) => Ok(Some(result)),
            Err(cut) => {
                if let Some(raw) = cut.raw {
                    self.end_leftovers(step.migration.id(), raw).await;
                }
                Err(cut.failure)
            }
        }
    }
}
