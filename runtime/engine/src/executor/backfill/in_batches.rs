//! Documents that a function of the migration changes, a batch at a time, in the transaction of the batch.

use std::mem::replace;
use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Document, RawDocumentBuf};
use mongodb::error::{Error as DriverError, Result};
use tokio::time::timeout;

use super::batch::is_transient;
use super::filter::find;
use crate::context::{Description, Journal, Mode, Scope, Tx, Work};
use crate::display::Elapsed;
use crate::error::Error;
use crate::events::EventSender;
use crate::executor::body::catch_panic;
use crate::lock::Session;
use crate::options::Options;
use crate::stop::{Permit, Stop};

pub(super) struct InBatches<'b> {
    /// Durable, for a server without transactions.
    pub(super) database: &'b Database,
    pub(super) description: &'b Description,
    pub(super) options: &'b Options,
    pub(super) work: &'b Work,
    /// Whether the session has a transaction.
    pub(super) transactional: bool,
    /// How long the function may take. Another worker takes over when the claim expires.
    pub(super) limit: Duration,
}

impl InBatches<'_> {
    /// Hands the documents that match, about `size`, to the function. All of them count as changed.
    pub(super) async fn change(&self, matching: Document, size: u64, session: &mut Session) -> Result<(u64, u64)> {
        let documents = self.database.collection::<RawDocumentBuf>(&self.description.collection);
        let found = find(&documents, matching, self.description.project.as_ref(), size);
        let mut found = found.session(&mut **session).await?;
        let documents: Vec<_> = found.stream(&mut *session).try_collect().await?;
        let number = documents.len() as u64;
        if number > 0 {
            self.work_on(documents, session).await?;
        }
        Ok((number, number))
    }

    async fn work_on(&self, documents: Vec<RawDocumentBuf>, session: &mut Session) -> Result<()> {
        // A session of nobody stands in for the one that the function has.
        let lent = replace(session, Session::unnamed(self.database.client()).await?);
        let migration = self.description.migration;
        let (scope, permit) = (Scope::of(migration.source()), Permit::without_lease(Stop::new()));
        let journal = Journal::new(migration, EventSender::default());
        let mode = if self.transactional { Mode::Transaction } else { Mode::WithoutTransaction };
        let ours = Tx::new(self.database.clone(), lent, scope, self.options, journal, permit, mode);
        let tx = ours.handle();
        let worked = timeout(self.limit, catch_panic(async { self.work.change(documents, tx).await })).await;
        let Some(lent) = ours.end().await else { unreachable!("only this ends it") };
        *session = lent;
        match (worked, ours.first_error()) {
            (Err(_), _) => {
                let limit = Elapsed(self.limit);
                Err(DriverError::custom(format!(
                    "the function took longer than {limit}, which is the limit of a batch"
                )))
            }
            // The server has ended the transaction with it, whatever the function made of it.
            (_, Some((_, error))) if is_transient(&error) => Err(error),
            (Ok(Err(error)), _) => Err(Error::unboxed(error).into_driver()),
            (Ok(Ok(())), Some((_, error))) => Err(error),
            (Ok(Ok(())), None) => Ok(()),
        }
    }
}
