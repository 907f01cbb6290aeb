//! Performs one call of a body: skips it if it is done, settles it if it is in doubt, and otherwise executes it and logs intent and
//! result.

use std::time::Duration;

use mongodb::bson::Document;
use mongodb::error::Error as DriverError;

use super::effect::Effect;
use super::failure::Failure;
use super::log::{Done, Entry, Log};
use super::replay::{Next, Replay};
use super::retry::Retry;
use super::seen::{Seen, Settled};
use super::server::Server;
use crate::context::catalog::Index;
use crate::context::journal::{Found, Journal};
use crate::error::Error;
use crate::report::{Counts, Prediction};
use crate::stop::{Permit, Reason};

/// The validation options, which both `create` and `collMod` accept.
pub(super) const VALIDATION: [&str; 3] = ["validator", "validationLevel", "validationAction"];

/// Default time limit of one operation.
const DEFAULT_MAX_TIME: Duration = Duration::from_secs(10 * 60);

/// Performs each operation of a body once, across all executions.
#[derive(Debug)]
pub(crate) struct Performer<S> {
    pub(super) server: S,
    /// The name of the collection with the records.
    pub(super) home: String,
    pub(super) journal: Journal,
    pub(super) permit: Permit,
    pub(super) max_time: Duration,
    pub(super) replay: Replay,
    /// The reason why every further operation fails.
    pub(super) failure: Option<Failure>,
    /// An operation that took effect after the lease was lost.
    late: Option<String>,
    /// Interrupts the run after this number of operations.
    pub(crate) dies_after: Option<u32>,
    /// Whether the server accepts `collectionUUID`: from 6.0 on, and outside the stable API.
    pub(super) fences: bool,
}

impl<S: Server> Performer<S> {
    /// `home` is the name of the collection with the records.
    pub(crate) fn new(server: S, home: &str, journal: Journal, permit: Permit, replay: Replay) -> Self {
        let (home, max_time) = (home.to_owned(), DEFAULT_MAX_TIME);
        Self {
            server,
            home,
            journal,
            permit,
            max_time,
            replay,
            failure: None,
            late: None,
            dies_after: None,
            fences: true,
        }
    }

    /// Fails if no further operation may start.
    pub(crate) fn enter(&self) -> Result<(), Error> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone().into());
        }
        Ok(self.check_permit()?)
    }

    /// Makes every further operation fail.
    pub(crate) fn refuse(&mut self, why: Failure) {
        self.failure.get_or_insert(why);
    }

    /// An operation that took effect after the lease was lost.
    pub(crate) fn late(&self) -> Option<&str> {
        self.late.as_deref()
    }

    /// Performs one operation. Call [`enter`](Self::enter) first.
    pub(crate) async fn perform(&mut self, effect: &Effect) -> Result<(), Error> {
        let dropped = DriverError::custom("it was dropped before the server had answered".to_owned());
        // Stays set if this future is dropped.
        self.failure = Some(Failure::Server { doing: effect.described(), source: dropped });
        self.failure = self.carry_out(effect).await.err();
        if let Some(left) = &mut self.dies_after {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.permit.interrupt_run();
            }
        }
        self.failure.clone().map_or(Ok(()), |failure| Err(failure.into()))
    }

    async fn carry_out(&mut self, effect: &Effect) -> Result<(), Failure> {
        match self.replay.next(effect)? {
            Next::Done => return Ok(()),
            Next::InDoubt(entry, true) => return self.resume(effect, &entry).await,
            Next::InDoubt(entry, false) => self.replace(effect, &entry).await?,
            Next::New => {}
        }
        let Some(before) = self.before(effect).await? else {
            return self.replay.add(effect, Document::new(), Some(Done::Already));
        };
        self.replay.add(effect, before.clone(), None)?;
        self.store().await?;
        self.check_permit()?;
        match effect {
            Effect::Drop { .. } | Effect::Rename { .. } => self.move_data(effect, &before, false).await,
            _ => self.define(effect, &before).await,
        }
    }

    /// Completes an operation that an earlier execution started. Stores first that this execution has begun.
    async fn resume(&mut self, effect: &Effect, entry: &Entry) -> Result<(), Failure> {
        self.write_barrier().await?;
        match effect {
            Effect::Drop { .. } | Effect::Rename { .. } => self.move_data(effect, &entry.before, true).await,
            _ => self.define(effect, &entry.before).await,
        }
    }

    /// Replaces the effect in doubt by another call, if it did not take effect.
    async fn replace(&mut self, effect: &Effect, entry: &Entry) -> Result<(), Failure> {
        match self.is_settled(entry).await? {
            Settled::Open => self.replay.forget(),
            Settled::Done => return Err(self.replay.has_changed(Some(effect.described()))),
            Settled::Unknown(found) => return Err(self.in_doubt(&entry.effect, found)),
        }
        Ok(())
    }

    /// Returns the result of a dry run for an effect that is in the log. It is not projected, because the database has it.
    pub(super) async fn rehearse(&mut self, effect: &Effect) -> Result<Option<Found>, Error> {
        let notes = vec!["done by the interrupted run".to_owned()];
        let done = Found { notes, prediction: Prediction::NothingToDo };
        let (entry, same) = match self.replay.next(effect)? {
            Next::New => return Ok(None),
            Next::Done => return Ok(Some(done)),
            Next::InDoubt(entry, same) => (entry, same),
        };
        match self.is_settled(&entry).await? {
            Settled::Open => {
                self.replay.forget();
                Ok(None)
            }
            Settled::Done if same => {
                self.replay.settle(Done::Now);
                Ok(Some(done))
            }
            Settled::Done => Err(self.replay.has_changed(Some(effect.described())).into()),
            Settled::Unknown(found) => {
                self.replay.settle(Done::Now);
                let notes = vec![format!("cannot tell whether the interrupted run has done it: {found}")];
                Ok(Some(Found { notes, prediction: Prediction::CannotTell }))
            }
        }
    }

    /// Checks that the body has repeated its whole log, and has not ignored an error.
    pub(crate) async fn finish(&mut self) -> Result<(), Error> {
        if let Some(failure) = self.failure.take() {
            return Err(failure.ignored());
        }
        let Some(entry) = self.replay.missing().cloned() else { return Ok(()) };
        if entry.result.is_none() {
            match self.is_settled(&entry).await? {
                Settled::Open => {
                    self.replay.forget();
                    return Ok(());
                }
                Settled::Unknown(found) => return Err(self.in_doubt(&entry.effect, found).into()),
                Settled::Done => {}
            }
        }
        Err(self.replay.has_changed(None).into())
    }

    /// Returns whether a body has had an effect, according to its log or to the database.
    pub(crate) async fn has_effects(&self, log: &Log) -> Result<bool, Error> {
        let Some(entry) = log.in_doubt().filter(|_| log.done() == 0) else { return Ok(log.done() > 0) };
        Ok(self.is_settled(entry).await? != Settled::Open)
    }

    pub(super) fn in_doubt(&self, effect: &Effect, found: String) -> Failure {
        Failure::InDoubt { position: self.replay.position(), operation: effect.described(), found }
    }

    /// Reads the collections and views with these names. Retries after a fail-over.
    pub(super) async fn read(&self, effect: &Effect, names: &[&str]) -> Result<Seen, Failure> {
        let mut retry = Retry::new(self.max_time);
        loop {
            match self.read_once(names).await {
                Ok(seen) => return Ok(seen),
                Err(error) => self.again(error, &mut retry).await.map_err(|error| self.failed(effect, &error))?,
            }
        }
    }

    /// Reads the indexes of a collection. Retries after a fail-over.
    pub(super) async fn read_indexes(&self, effect: &Effect, on: &str) -> Result<Vec<Index>, Failure> {
        let mut retry = Retry::new(self.max_time);
        loop {
            match self.indexes(on).await {
                Ok(indexes) => return Ok(indexes),
                Err(error) => self.again(error, &mut retry).await.map_err(|error| self.failed(effect, &error))?,
            }
        }
    }

    async fn is_settled(&self, entry: &Entry) -> Result<Settled, Failure> {
        let mut retry = Retry::new(self.max_time);
        loop {
            match self.is_in_effect(entry).await {
                Ok(settled) => return Ok(settled),
                Err(error) => {
                    let again = self.again(error, &mut retry).await;
                    again.map_err(|error| self.failed(&entry.effect, &error))?;
                }
            }
        }
    }

    pub(super) fn ended(&mut self, effect: &Effect, done: Done) {
        self.replay.settle(done);
        if done == Done::Now {
            if self.permit.check() == Err(Reason::LeaseLost) {
                self.late = Some(effect.described());
            }
            self.journal.succeeded(effect.kind(), effect.on(), Counts::default(), Vec::new());
        }
    }

    pub(super) fn failed(&self, effect: &Effect, error: &DriverError) -> Failure {
        self.journal.failed(effect.kind(), effect.on(), error);
        Failure::Server { doing: self.doing(effect.kind(), effect.on(), error), source: error.clone() }
    }

    pub(super) fn check_permit(&self) -> Result<(), Failure> {
        self.permit.check().map_err(|reason| Failure::Refused(format!("not started, because {reason}")))
    }

    /// Stores the changes of the log.
    pub(super) async fn store(&mut self) -> Result<(), Failure> {
        let Some(update) = self.replay.update() else { return Ok(()) };
        if !self.server.store(update).await {
            return Err(Failure::Refused(
                "not started, because the log of the migration could not be stored".to_owned(),
            ));
        }
        self.replay.stored();
        Ok(())
    }

    /// Waits for a majority write. A fail-over may undo what was read before it, but then a read after it shows that.
    pub(super) async fn write_barrier(&mut self) -> Result<(), Failure> {
        self.replay.touch();
        self.store().await?;
        self.check_permit()
    }

    /// Returns the replay and the server.
    pub(crate) fn end(self) -> (Replay, S) {
        (self.replay, self.server)
    }
}
