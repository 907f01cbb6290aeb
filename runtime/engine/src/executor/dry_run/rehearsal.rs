//! The transaction of a dry run, which holds all `Tx` bodies and is never committed.

use std::slice;
use std::time::Duration;

use mongodb::ClientSession;
use mongodb::bson::{Document, doc};
use tokio::time::Instant;

use super::super::attempt::{Attempt, why_failed, why_ignored};
use super::super::body::run;
use super::super::failure::{Verdict, judge};
use super::super::transaction::abort;
use super::super::{Failure, Step, attempt::outlived};
use super::shared::{ATTEMPTS, DryRun, execution, journal, not_simulated};
use crate::context::{Inner, Scope, Tx};
use crate::error::Error;
use crate::lock::{Session, kill, start};
use crate::migration::registration::BoxError;
use crate::report::Execution;
use crate::stop::Permit;

/// The server looks for transactions that have lasted too long once a second at most.
const SHORT: Duration = Duration::from_secs(1);

/// Bodies in one transaction.
#[derive(Debug)]
pub(super) struct Rehearsal<'d> {
    run: &'d DryRun<'d>,
    /// How often the dry run has begun.
    attempts: u32,
    session: Option<Session>,
    transaction: Option<Open>,
    /// The effects of these went with a transaction that a failure ended.
    lost: Vec<&'static str>,
    /// Why nothing can be simulated any more.
    gone: Option<String>,
}

/// A transaction that is under way.
#[derive(Debug)]
struct Open {
    began: Instant,
    /// The bodies that it holds.
    holds: Vec<&'static str>,
}

impl<'d> Rehearsal<'d> {
    pub(super) fn new(run: &'d DryRun<'d>, attempts: u32) -> Self {
        Self { run, attempts, session: None, transaction: None, lost: Vec::new(), gone: None }
    }

    /// The ids of those whose effects the next body does not find, because their transaction has ended.
    pub(super) fn lost(&self) -> &[&'static str] {
        &self.lost
    }

    /// Runs a body on what the earlier ones left. `Err` when the dry run has to begin again, or cannot go on.
    pub(super) async fn rehearse(&mut self, step: &Step<'_>) -> Result<Execution, Attempt> {
        if let Some(gone) = &self.gone {
            return Ok(not_simulated(step, gone));
        }
        let (mut session, began) = self.open().await?;
        let permit = Permit::without_lease(self.run.stop.clone());
        let (database, scope) = (self.run.database.clone(), Scope::of(step.migration.source()));
        let kv = &self.run.options.names.kv;
        let tx = Tx::dry_run(database, session, scope, kv, journal(step), permit.clone());
        let ours = tx.handle();
        let ended = run(step.body, Inner::Tx(tx).into(), &permit, self.run.limits(step)).await;
        let result = match ended {
            Ok((_, result)) => {
                let Some(taken) = ours.end().await else {
                    unreachable!("nobody else takes the session of a body that has come back")
                };
                session = taken;
                let result = self.judge(result, &ours, &permit, &mut session, began).await;
                if result.is_err() {
                    abort(&mut session).await;
                }
                self.session = Some(session);
                result
            }
            Err(cut) => {
                if cut.session.is_none() {
                    kill(self.run.database.client(), slice::from_ref(ours.session_id())).await;
                }
                self.session = cut.session;
                Err(cut.failure.into())
            }
        };
        let held = match (&result, &mut self.transaction) {
            (Ok(()), Some(open)) => {
                open.holds.push(step.migration.id());
                Vec::new()
            }
            _ => self.transaction.take().map_or_else(Vec::new, |open| open.holds),
        };
        let result = match result {
            Ok(()) => Ok(()),
            Err(Attempt::Again(error)) if self.attempts < ATTEMPTS => return Err(Attempt::Again(error)),
            Err(Attempt::Again(source)) => Err(Error::TransactionAborted { attempts: self.attempts, source }.into()),
            Err(Attempt::Over(failure)) => {
                if let Failure::Failed(error) = &failure
                    && !held.is_empty()
                    && let Some(why) = outgrown(error)
                {
                    // By itself it might have been neither too slow nor too large.
                    let gone = self.gone.insert(format!(
                        "the dry run is one transaction, and the server ended it, because it {why}. From here on nothing \
                         could be simulated; try again when the migrations before this one are applied"
                    ));
                    return Ok(not_simulated(step, gone));
                }
                Err(failure)
            }
        };
        self.lost.extend(held);
        Ok(execution(step, self.attempts, result, ours.operations()))
    }

    /// Rolls back.
    pub(super) async fn end(mut self) {
        if let (Some(session), Some(_)) = (&mut self.session, self.transaction.take()) {
            abort(session).await;
        }
    }

    /// The session with the transaction, and when that began.
    async fn open(&mut self) -> Result<(Session, Instant), Failure> {
        let mut session = if let Some(session) = self.session.take() {
            session
        } else {
            let session = Session::unnamed(self.run.database.client()).await;
            session.map_err(|error| Failure::server("start a session", error))?
        };
        if self.transaction.is_none() {
            start(&mut session).await.map_err(|error| Failure::server("start a transaction", error))?;
        }
        let open = self.transaction.get_or_insert_with(|| Open { began: Instant::now(), holds: Vec::new() });
        Ok((session, open.began))
    }

    /// What the end of a body means, as in earnest.
    async fn judge(
        &self,
        result: Result<(), BoxError>,
        tx: &Tx,
        permit: &Permit,
        session: &mut ClientSession,
        began: Instant,
    ) -> Result<(), Attempt> {
        let database = self.run.database;
        permit.check()?;
        if let Err(error) = result {
            return Err(why_failed(database, error, tx, began).await);
        }
        why_ignored(database, tx, began).await?;
        if began.elapsed() < SHORT {
            return Ok(());
        }
        // There is no commit that would find out whether the server has ended the transaction meanwhile.
        let records = database.collection::<Document>(&self.run.options.names.records);
        let Err(error) = records.find_one(doc! {}).session(session).await else { return Ok(()) };
        Err(match judge(&error, outlived(database, &error, began).await) {
            Verdict::Again(error) => Attempt::Again(error),
            Verdict::Final(error) => error.into(),
            Verdict::Ordinary => Failure::server("go on with the dry run", error).into(),
        })
    }
}

/// In what a transaction has outgrown the server, if that is what ended it.
fn outgrown(error: &BoxError) -> Option<&'static str> {
    match error.downcast_ref()? {
        Error::TransactionTooSlow { .. } => Some("lasted longer than transactionLifetimeLimitSeconds"),
        Error::TransactionTooLarge { .. } => Some("grew too large for the server's cache"),
        _ => None,
    }
}
