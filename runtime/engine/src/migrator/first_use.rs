//! The first run on a database: what was applied before Mongrate kept records.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use mongodb::Database;
use mongodb::bson::doc;
use tracing::Instrument;

use super::run::{Run, stopped};
use super::{MigratorBuilder, joined};
use crate::error::{Error, Readable, code, codes, in_one_line, source_chain};
use crate::executor::{Edit, Executor, Failure, catch_panic};
use crate::migration::registration::BoxError;
use crate::migration::{Effect, Migration, State};
use crate::options::{FirstUse, Question, Unrecorded};
use crate::plan;
use crate::record::Act;
use crate::report::Report;
use crate::stop::Deadline;
use crate::store::Records;

/// The time limit of the application's answer. It only reads, and the other replicas wait for it.
const LIMIT: Duration = Duration::from_secs(30);

/// The migrations that count as applied although nothing is recorded.
pub(super) struct Baseline {
    pub(super) migrations: Vec<Migration>,
    /// The reason to record.
    reason: String,
}

impl MigratorBuilder {
    /// Sets a function that reports what was applied to a database before Mongrate kept records, for example from the revision
    /// number of a former scheme. The answer is recorded as a baseline, and only what is left of the plan runs.
    ///
    /// An [`up`](crate::Migrator::up) calls it under the lease, while the database has no record at all. A plan and a dry run call
    /// it, too, and record nothing, so it may be called several times and must not change anything. It has 30 seconds to
    /// answer. A status shows only what is recorded.
    ///
    /// If the function fails, the result is [`Error::FirstUseFailed`]; if it names an unknown migration,
    /// [`Error::UnknownMigration`]. In both cases nothing was recorded, and nothing ran.
    ///
    /// ```no_run
    /// # async fn example(db: mongodb::Database) -> Result<(), mongrate::Error> {
    /// use mongodb::bson::{Document, doc};
    /// use mongrate::Migrator;
    /// use mongrate::options::FirstUse;
    ///
    /// let migrator = Migrator::builder(db).first_use(|db| async move {
    ///     let revision = db.collection::<Document>("settings").find_one(doc! { "_id": "revision" }).await?;
    ///     Ok::<_, mongodb::error::Error>(match revision.and_then(|revision| revision.get_i32("number").ok()) {
    ///         None => FirstUse::New,
    ///         Some(..26) => FirstUse::Through("025_last_of_the_old_app".to_owned()),
    ///         Some(_) => FirstUse::Through("026_rename_channels".to_owned()),
    ///     })
    /// });
    /// # Ok(()) }
    /// ```
    pub fn first_use<F, R, E>(mut self, answer: F) -> Self
    where
        F: Fn(Database) -> R + Send + Sync + 'static,
        R: Future<Output = Result<FirstUse, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.options.unrecorded = Unrecorded::Ask(Arc::new(move |database| {
            let answer = answer(database);
            Box::pin(async move { answer.await.map_err(Into::into) })
        }));
        self
    }

    /// Takes a database without records for a new one, whatever it contains: all migrations run. Without this and without
    /// [`first_use`](Self::first_use), a database that shows effects of migrations is refused
    /// ([`Error::AlreadyInEffect`]). Useful for test databases that are filled first.
    pub fn assume_new(mut self) -> Self {
        self.options.unrecorded = Unrecorded::New;
        self
    }
}

impl Run {
    /// Returns what was applied before, if there is no record yet. Fails if that has to be clarified first.
    pub(super) async fn first_use(&self, database: &Database, records: &Records) -> Result<Option<Baseline>, Error> {
        if !records.is_empty() {
            return Ok(None);
        }
        match &self.migrator.0.options.unrecorded {
            Unrecorded::New => Ok(None),
            Unrecorded::Ask(question) => self.ask(question, database, records).await,
            Unrecorded::Verify => self.refuse_effects(database, records).await.map(|()| None),
        }
    }

    async fn ask(
        &self,
        question: &Question,
        database: &Database,
        records: &Records,
    ) -> Result<Option<Baseline>, Error> {
        let (question, database) = (question.clone(), database.clone());
        let asked = self.consult(Some(LIMIT), async move { question(database).await });
        let answer = asked.await?.map_err(failed)?;
        let (ids, through, reason) = match answer {
            FirstUse::New => return Ok(None),
            FirstUse::Through(id) => {
                let reason = format!("first use: the application reported that everything through '{id}' was applied");
                (vec![id], true, reason)
            }
            FirstUse::Applied(ids) => {
                (ids, false, "first use: the application reported that this was applied".to_owned())
            }
        };
        let migrations = plan::mark_applied(&self.graph, &ids, through, |id| records.state(id))?;
        Ok((!migrations.is_empty()).then_some(Baseline { migrations, reason }))
    }

    /// Refuses a database that shows effects of migrations.
    async fn refuse_effects(&self, database: &Database, records: &Records) -> Result<(), Error> {
        if !self.graph.order().any(|migration| migration.has_verify()) || self.is_empty(database).await? {
            return Ok(());
        }
        let mut ids = Vec::new();
        let belongs_here = |migration: &Migration| records.state(migration.id()) != State::Excluded;
        for migration in self.graph.order().filter(belongs_here) {
            let Some(verify) = migration.registration().verify else { continue };
            let database = database.clone();
            match self.consult(None, async move { verify(&database).await }).await? {
                Ok(Effect::Present) => ids.push(migration.id().to_owned()),
                Ok(Effect::Absent | Effect::Undecided) => {}
                Err(error) => {
                    let error = in_one_line(&source_chain(&*error));
                    tracing::warn!(id = migration.id(), error, "the `verify` function failed, so it is no evidence");
                }
            }
        }
        if ids.is_empty() { Ok(()) } else { Err(Error::AlreadyInEffect { ids }) }
    }

    /// Returns whether a database has no collections other than Mongrate's own.
    async fn is_empty(&self, database: &Database) -> Result<bool, Error> {
        let own: Vec<_> = self.migrator.0.options.names.all().map(|(_, name)| name).into();
        let others = doc! { "name": { "$nin": own, "$not": { "$regex": "^system\\." } } };
        let listed = match database.list_collections().filter(others).batch_size(1).await {
            Ok(mut listed) => listed.advance().await,
            Err(error) => Err(error),
        };
        match listed {
            Ok(is_any) => Ok(!is_any),
            Err(error) if code(&error) == Some(codes::UNAUTHORIZED) => {
                tracing::debug!(error = %Readable(&error), "the collections cannot be listed");
                Ok(false)
            }
            Err(error) => Err(Error::server("list the collections", error)),
        }
    }

    /// Calls a function of the application in a separate task, until it returns or the run must stop.
    async fn consult<T: Send + 'static>(
        &self,
        limit: Option<Duration>,
        function: impl Future<Output = Result<T, BoxError>> + Send + 'static,
    ) -> Result<Result<T, BoxError>, Error> {
        let mut task = tokio::spawn(async { Ok(catch_panic(function).await) }.in_current_span());
        let error = tokio::select! {
            ended = &mut task => return joined(ended),
            reason = self.must_stop() => stopped(reason, Report::default()),
            _ = Deadline::passed(limit.map(Deadline::after)) => {
                Error::FirstUseTimedOut { limit: limit.unwrap_or_default() }
            }
        };
        task.abort();
        Err(error)
    }

    /// Records a baseline, all of it or nothing.
    pub(super) async fn record_baseline(
        &self,
        executor: &mut Executor<'_>,
        baseline: &Baseline,
        records: &Records,
    ) -> Result<(), Error> {
        let edits: Vec<_> = baseline.migrations.iter().copied().map(Edit::Apply).collect();
        let because = executor.because.replace(baseline.reason.clone());
        let recorded = executor.amend(&edits, Act::Baseline, records).await;
        executor.because = because;
        recorded.map_err(|failure| match failure {
            Failure::Stopped(reason) => stopped(reason, Report::default()),
            Failure::Failed(error) => Error::unboxed(error),
        })
    }
}

impl Baseline {
    /// The warning of a dry run.
    pub(super) fn foretold(&self) -> String {
        let ids: Vec<_> = self.migrations.iter().map(Migration::id).collect();
        format!("{}. It would be recorded and not run: {}", self.reason, ids.join(", "))
    }
}

fn failed(error: BoxError) -> Error {
    let message = match error.downcast_ref() {
        Some(Error::Panicked { message }) => format!("it panicked: {message}"),
        _ => in_one_line(&source_chain(&*error)),
    };
    Error::FirstUseFailed { message, source: error.into() }
}
