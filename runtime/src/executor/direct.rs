//! Steps outside transactions: `Schema`, `&Database`, and `Tx` on a server that has no transactions.

use super::body::Body;
use super::{Executor, Failure, Step};
use crate::__private::Context;
use crate::context::{Inner, Schema, Scope, Tx};
use crate::lock::Fenced;
use crate::migration::Kind;
use crate::record::{Record, RecordStatus};
use crate::stop::{Reason, Stop};
use crate::tracker::Written;

impl Executor<'_> {
    /// Applies a migration at least once: first it is recorded as running, so that an interruption can be seen.
    pub(super) async fn outside_transactions(&mut self, step: &mut Step<'_>) -> Result<(), Failure> {
        step.attempts = 1;
        self.store(&self.record(step, RecordStatus::Running), false).await?;
        let stop = Stop::new();
        let context = self.context(step, &stop).await?;
        let result = match self.body(step, context, &stop).await? {
            Body::Abandoned(reason) => Err(reason.into()),
            Body::Ended(context, result) => {
                step.operations = self.take_back(context).await;
                match stop.reason() {
                    Some(reason) => Err(reason.into()),
                    None => result.map_err(Failure::Failed),
                }
            }
        };
        result?;
        self.store(&self.record(step, RecordStatus::Completed), true).await
    }

    async fn context(&mut self, step: &Step<'_>, stop: &Stop) -> Result<Context, Failure> {
        let database = self.database.clone();
        let scope = Scope::of(step.migration.source());
        Ok(Context(match step.migration.kind() {
            Kind::Database => Inner::Database(database),
            Kind::Schema => Inner::Schema(Schema::new(database, scope, stop.clone())),
            Kind::Tx => {
                self.session().await?;
                let Some(session) = self.session.take() else { return Err(Reason::Interrupted.into()) };
                Inner::Tx(Tx::new(database, session, scope, &self.options.names.kv, stop.clone()))
            }
        }))
    }

    /// What the body did, and the session that it may have been lent.
    async fn take_back(&mut self, context: Context) -> Vec<crate::Operation> {
        match context.0 {
            Inner::Database(_) => Vec::new(),
            Inner::Schema(schema) => schema.operations(),
            Inner::Tx(tx) => {
                self.session = tx.end().await;
                tx.operations()
            }
        }
    }

    /// Stores a record on a server without transactions: the fence first, so that a former holder writes nothing.
    pub(super) async fn store_plainly(&mut self, record: &Record, ends: bool) -> Result<(), Failure> {
        self.lease.check()?;
        let failed = |error| Failure::server(&format!("record '{}'", record.id), error);
        let token = self.lease.token();
        self.session().await?;
        let Some(session) = self.session.as_mut() else { return Err(Reason::Interrupted.into()) };
        if self.lock.pass(token, session).await.map_err(failed)? == Fenced::Newer {
            return Err(Reason::LeaseLost.into());
        }
        if self.tracker.write(record, session).await.map_err(failed)? == Written::NotOurs {
            return Err(Reason::LeaseLost.into());
        }
        if ends {
            self.tracker.append(record, session).await.map_err(failed)?;
        }
        Ok(())
    }
}
