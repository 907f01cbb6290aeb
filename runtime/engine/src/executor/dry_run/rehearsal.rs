//! The transaction of a dry run, which contains all `Tx` bodies and is never committed.

use std::slice;
use std::time::Duration;

use mongodb::ClientSession;
use mongodb::bson::{Document, doc};
use tokio::time::Instant;

use super::super::attempt::{Attempt, check_ignored_error, classify_failure};
use super::super::body::run;
use super::super::failure::{Verdict, judge};
use super::super::transaction::abort;
use super::super::{Failure, Step, attempt::outlived};
use super::shared::{ATTEMPTS, DryRun, excuse, execution, journal, not_simulated};
use crate::context::{Inner, Mode, Scope, Tx};
use crate::error::Error;
use crate::lock::{Session, kill, start};
use crate::migration::registration::BoxError;
use crate::report::Execution;
use crate::stop::Permit;

/// A transaction that is shorter than this cannot have expired: the server checks for expired ones at most once per second.
const SHORT: Duration = Duration::from_secs(1);

/// The transaction of a dry run.
#[derive(Debug)]
pub(super) struct Rehearsal<'d> {
    run: &'d DryRun<'d>,
    /// The number of this attempt at the dry run.
    attempts: u32,
    session: Option<Session>,
    transaction: Option<Open>,
    /// The ids whose effects were lost with a failed transaction.
    lost: Vec<&'static str>,
    /// The reason why nothing more can be simulated.
    exhausted: Option<String>,
}

/// An open transaction.
#[derive(Debug)]
struct Open {
    began: Instant,
    /// The ids of the bodies that it contains.
    contains: Vec<&'static str>,
}

impl<'d> Rehearsal<'d> {
    pub(super) fn new(run: &'d DryRun<'d>, attempts: u32) -> Self {
        Self { run, attempts, session: None, transaction: None, lost: Vec::new(), exhausted: None }
    }

    /// The ids whose effects are missing for the next body, because their transaction ended.
    pub(super) fn lost(&self) -> &[&'static str] {
        &self.lost
    }

    /// Runs a body after the earlier ones. Fails if the dry run must start over or cannot continue.
    pub(super) async fn rehearse(&mut self, step: &Step<'_>) -> Result<Execution, Attempt> {
        if let Some(reason) = &self.exhausted {
            return Ok(not_simulated(step, reason));
        }
        let (mut session, began) = self.open().await?;
        let permit = Permit::without_lease(self.run.stop.clone());
        let (database, scope) = (self.run.database.clone(), Scope::of(step.migration.source()));
        let tx = Tx::new(database, session, scope, self.run.options, journal(step), permit.clone(), Mode::DryRun);
        let ours = tx.handle();
        let ended = run(step.body, Inner::Tx(tx).into(), &permit, self.run.limits(step)).await;
        let result = match ended {
            Ok((_, result)) => {
                let Some(taken) = ours.end().await else {
                    unreachable!("the session of a body that returned has no other user")
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
                open.contains.push(step.migration.id());
                Vec::new()
            }
            _ => self.transaction.take().map_or_else(Vec::new, |open| open.contains),
        };
        let result = match result {
            Ok(()) => Ok(()),
            Err(Attempt::Transient(error)) if self.attempts < ATTEMPTS => return Err(Attempt::Transient(error)),
            Err(Attempt::Transient(source)) => {
                Err(Error::TransactionAborted { attempts: self.attempts, source }.into())
            }
            Err(Attempt::Permanent(failure)) => {
                if let Failure::Failed(error) = &failure
                    && !held.is_empty()
                    && let Some(limit) = exceeded_limit(error)
                {
                    // The body alone might not have exceeded the limit.
                    let reason = self.exhausted.insert(format!(
                        "the dry run is one transaction, which the server ended because it {limit}. Apply the earlier \
                         migrations, then try again"
                    ));
                    return Ok(not_simulated(step, reason));
                }
                Err(failure)
            }
        };
        self.lost.extend(held);
        Ok(excuse(execution(step, self.attempts, result, ours.operations()), ours.missing_value()))
    }

    /// Rolls back.
    pub(super) async fn end(mut self) {
        if let (Some(session), Some(_)) = (&mut self.session, self.transaction.take()) {
            abort(session).await;
        }
    }

    /// Returns the session with the transaction, and the start of the transaction.
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
        let open = self.transaction.get_or_insert_with(|| Open { began: Instant::now(), contains: Vec::new() });
        Ok((session, open.began))
    }

    /// Classifies the result of a body as in a real run.
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
            return Err(classify_failure(database, error, tx, began).await);
        }
        check_ignored_error(database, tx, began).await?;
        if began.elapsed() < SHORT {
            return Ok(());
        }
        // Without a commit, only a read shows whether the server has ended the transaction.
        let records = database.collection::<Document>(&self.run.options.names.records);
        let Err(error) = records.find_one(doc! {}).session(session).await else { return Ok(()) };
        Err(match judge(&error, outlived(database, &error, began).await) {
            Verdict::Transient(error) => Attempt::Transient(error),
            Verdict::Permanent(error) => error.into(),
            Verdict::Ordinary => Failure::server("continue the dry run", error).into(),
        })
    }
}

/// Returns the server's limit that the transaction exceeded, if that ended it.
fn exceeded_limit(error: &BoxError) -> Option<&'static str> {
    match error.downcast_ref()? {
        Error::TransactionTooSlow { .. } => Some("lasted longer than transactionLifetimeLimitSeconds"),
        Error::TransactionTooLarge { .. } => Some("grew too large for its cache"),
        _ => None,
    }
}
