//! Steps outside transactions: `Schema`, `&Database`, and `Tx` on a server that has no transactions.

use mongodb::ClientSession;
use mongodb::error::Error as DriverError;

use super::{Executor, Failure, Step};
use crate::__private::Context;
use crate::Error;
use crate::context::{Inner, Schema, Scope, Tx};
use crate::lock::{Fenced, Permit};
use crate::migration::Kind;
use crate::record::{Record, RecordStatus};
use crate::stop::Reason;
use crate::tracker::Written;

impl Executor<'_> {
    /// Applies a migration at least once: first it is recorded as running, so that an interruption can be seen.
    pub(super) async fn outside_transactions(&mut self, step: &mut Step<'_>) -> Result<(), Failure> {
        step.attempts = 1;
        self.store(&self.record(step, RecordStatus::Running), false).await?;
        let permit = self.lease.permit();
        let context = self.context(step, &permit).await?;
        let (context, result) = self.body(step, context, &permit).await?;
        let ignored = self.take_back(step, context).await;
        permit.check()?;
        result.map_err(Failure::Failed)?;
        if let Some((operation, source)) = ignored {
            return Err(Error::IgnoredError { operation, source }.into());
        }
        self.store(&self.record(step, RecordStatus::Completed), true).await
    }

    async fn context(&mut self, step: &Step<'_>, permit: &Permit) -> Result<Context, Failure> {
        let database = self.database.clone();
        let scope = Scope::of(step.migration.source());
        Ok(Context(match step.migration.kind() {
            Kind::Database => Inner::Database(database),
            Kind::Schema => Inner::Schema(Box::new(Schema::new(database, scope, permit.clone()))),
            Kind::Tx => {
                let session = self.take_session().await?;
                Inner::Tx(Tx::new(database, session, scope, &self.options.names.kv, permit.clone()))
            }
        }))
    }

    /// Notes what the body did, and takes back the session that a `Tx` was lent. Gives the first failed operation of a
    /// `Tx`: ignoring it must not work here, as it would not on a server with transactions.
    async fn take_back(&mut self, step: &mut Step<'_>, context: Context) -> Option<(String, DriverError)> {
        match context.0 {
            Inner::Database(_) => None,
            Inner::Schema(schema) => {
                step.operations = schema.operations();
                None
            }
            Inner::Tx(tx) => {
                self.session = tx.end().await;
                step.operations = tx.operations();
                tx.first_error()
            }
        }
    }

    /// Stores a record on a server without transactions.
    pub(super) async fn store_plainly(&mut self, record: &Record, ends: bool) -> Result<(), Failure> {
        self.lease.check()?;
        let mut session = self.take_session().await?;
        let written = self.write_plainly(&mut session, record, ends).await;
        self.session = Some(session);
        match written {
            Ok(true) => Ok(()),
            Ok(false) => Err(Reason::LeaseLost.into()),
            Err(error) => Err(Failure::server(&format!("record '{}'", record.id), error)),
        }
    }

    /// Whether everything could be written under our token: the fence first, so that a former holder writes nothing.
    async fn write_plainly(
        &self,
        session: &mut ClientSession,
        record: &Record,
        ends: bool,
    ) -> mongodb::error::Result<bool> {
        if self.lock.pass(self.lease.token(), session).await? == Fenced::Newer
            || self.tracker.write(record, session).await? == Written::NotOurs
        {
            return Ok(false);
        }
        if ends {
            self.tracker.append(record, session).await?;
        }
        Ok(true)
    }
}
