//! Steps outside transactions: `&Database`, and `Tx` on a server that has no transactions.

use mongodb::ClientSession;
use mongodb::error::Error as DriverError;

use super::{Executor, Failure, Step};
use crate::context::{Inner, Mode, Raw, Scope, Tx};
use crate::error::Error;
use crate::lock::Fenced;
use crate::migration::Kind;
use crate::migration::registration::Context;
use crate::record::RecordStatus;
use crate::stop::{Permit, Reason};
use crate::store::{Change, Written};

impl Executor<'_> {
    /// Runs a migration at least once. It is recorded as running first, so that an interruption is noticed.
    pub(super) async fn outside_transactions(&mut self, step: &mut Step<'_>) -> Result<(), Failure> {
        step.attempts = 1;
        let running = self.change(step, self.record(step, RecordStatus::Running), false);
        self.store_all(&Self::with_noted(step, running)).await?;
        step.noted = None;
        let permit = self.lease.permit();
        let context = self.context(step, &permit).await?;
        let (context, result) = self.body(step, context, &permit).await?;
        let ignored = self.reclaim_session(step, context).await;
        permit.check()?;
        result.map_err(Failure::Failed)?;
        if let Some((operation, source)) = ignored {
            return Err(Error::IgnoredError { operation, source }.into());
        }
        self.verify(step).await?;
        self.store(&self.change(step, self.record(step, step.done()), true)).await
    }

    async fn context(&mut self, step: &Step<'_>, permit: &Permit) -> Result<Context, Failure> {
        let database = self.database.clone();
        let scope = Scope::of(step.migration.source());
        let journal = self.journal(step);
        Ok(Context::from(match step.kind {
            Kind::Database => {
                let provided = self.options.provided.clone();
                Inner::Raw(Raw::new(database, step.migration, provided, self.events.clone()))
            }
            Kind::Schema | Kind::Backfill => unreachable!("these resume"),
            Kind::Tx => {
                let session = self.take_session().await?;
                let (permit, mode) = (permit.clone(), Mode::WithoutTransaction);
                Inner::Tx(Tx::new(database, session, scope, self.options, journal, permit, mode))
            }
        }))
    }

    /// Collects the operations of a body and reclaims the session lent to a `Tx`. Returns the first failed operation of a `Tx`:
    /// ignoring it is an error, as it is on a server with transactions.
    async fn reclaim_session(&mut self, step: &mut Step<'_>, context: Context) -> Option<(String, DriverError)> {
        match Inner::taken(context) {
            Inner::Raw(_) | Inner::Schema(_) | Inner::Backfill(_) => None,
            Inner::Tx(tx) => {
                self.session = tx.end().await;
                step.operations = tx.operations();
                tx.first_error()
            }
        }
    }

    /// Stores changes one after another, on a server without transactions.
    pub(super) async fn store_without_transaction(
        &self,
        session: &mut ClientSession,
        changes: &[Change],
    ) -> Result<(), Failure> {
        for change in changes {
            self.lease.check()?;
            match self.write_without_transaction(session, change).await {
                Ok(true) => {}
                Ok(false) => return Err(Reason::LeaseLost.into()),
                Err(error) => return Err(Failure::server(&format!("record '{}'", change.id()), error)),
            }
        }
        Ok(())
    }

    /// Stores the first records of a database with one command, on a server without transactions: a part of them would look
    /// like a complete history.
    pub(super) async fn insert_all(&mut self, changes: &[Change]) -> Result<(), Failure> {
        self.lease.check()?;
        let mut session = self.take_session().await?;
        let inserted = match self.lock.pass(self.lease.token(), &mut session).await {
            Ok(Fenced::Ours) => self.tracker.insert_all(changes, &mut session).await.map(Ok),
            Ok(Fenced::Newer) => Ok(Err(Reason::LeaseLost.into())),
            Err(error) => Err(error),
        };
        self.session = Some(session);
        inserted.map_err(|error| Failure::server("record a baseline", error))?
    }

    /// Returns whether all writes matched the token. Writes the fence first, so that a former holder writes nothing.
    async fn write_without_transaction(
        &self,
        session: &mut ClientSession,
        change: &Change,
    ) -> mongodb::error::Result<bool> {
        Ok(self.lock.pass(self.lease.token(), session).await? == Fenced::Ours
            && self.tracker.write(change, session).await? == Written::Yes)
    }
}
