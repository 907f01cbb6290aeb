//! Starts, finds and stops runs of one database.

mod id;
mod progress;
mod run;
mod stored;
mod view;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use mongrate::migrator::RequestStop;
use mongrate::{Migrator, Report};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

pub(crate) use id::RunId;
pub(crate) use progress::Done;
pub(crate) use run::{Run, Start};
pub(crate) use view::{RunState, RunView, Runner};

use crate::problem::Problem;
use crate::selection::Selection;

/// The number of ended runs that are kept.
const KEPT: usize = 50;

/// How long the report of a dry run is kept: it quotes documents.
pub(crate) const KEEP_DRY: Duration = Duration::from_secs(10 * 60);

/// How long a stop of a run of this process waits until it is recorded who asked for it.
const RECORDING: Duration = Duration::from_secs(2);

const UNRECORDED: &str = "a run was stopped, and who asked for that could not be recorded";

/// The runs of one database. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Runs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Covers the runs that are started here.
    migrator: Migrator,
    local: Mutex<Local>,
    /// One permit in the whole process.
    dry_runs: Arc<Semaphore>,
}

/// The runs of this process.
#[derive(Debug, Default)]
struct Local {
    started: u64,
    /// Oldest first.
    runs: VecDeque<Run>,
}

impl Runs {
    pub(crate) fn new(migrator: &Migrator, dry_runs: Arc<Semaphore>) -> Self {
        Self(Arc::new(Inner { migrator: migrator.child(), local: Mutex::default(), dry_runs }))
    }

    /// The migrator for what is not a run that can be watched, but is to end with [`close`](Self::close).
    pub(crate) fn migrator(&self) -> &Migrator {
        &self.0.migrator
    }

    /// Starts a run. Fails if it is a second dry run.
    pub(crate) fn start(&self, start: Start) -> Result<Run, Problem> {
        let permit = start.dry_run.then(|| self.0.dry_runs.clone().try_acquire_owned()).transpose().map_err(|_| {
            let problem = Problem::new(StatusCode::CONFLICT, "busy", "this process is making another dry run");
            problem.help("wait until it has ended, or stop it").retry_after(5)
        })?;
        let keep = start.keep_dry;
        let (run, end) = self.with(|local| {
            local.started += 1;
            let (run, end) = Run::start(local.started, start, self.0.migrator.child());
            local.runs.push_back(run.clone());
            local.forget_oldest();
            (run, end)
        });
        let (runs, own) = (self.clone(), run.clone());
        tokio::spawn(async move {
            end.await;
            drop(permit);
            if own.is_dry() {
                sleep(keep).await;
                runs.forget(&own);
            }
        });
        Ok(run)
    }

    /// Forgets a run whose result was sent to the client that started it, and whose id no one else knows.
    pub(crate) fn forget(&self, run: &Run) {
        self.with(|local| local.runs.retain(|other| other.local_id() != run.local_id()));
    }

    /// Returns the run of this process with this id.
    pub(crate) fn local(&self, id: RunId) -> Option<Run> {
        self.with(|local| local.runs.iter().find(|run| run.id() == id || run.local_id() == id).cloned())
    }

    /// Returns the report of the newest dry run of this selection.
    pub(crate) fn simulated(&self, selection: &Selection) -> Option<Arc<Report>> {
        let is_meant = |run: &&Run| run.is_dry() && run.selection() == selection;
        self.with(|local| local.runs.iter().rev().filter(is_meant).find_map(|run| run.result()?.ok()))
    }

    /// Returns the run with this id, as this process or the database knows it.
    pub(crate) async fn find(&self, id: RunId) -> Result<Option<RunView>, Problem> {
        match (self.local(id), id) {
            (Some(run), _) => Ok(Some(run.view())),
            (None, RunId::Token(token)) => Ok(stored::find(&self.0.migrator, token).await?),
            (None, _) => Ok(None),
        }
    }

    /// Returns the newest runs of all processes, and the dry runs of this one, newest first.
    pub(crate) async fn list(&self) -> Result<Vec<RunView>, Problem> {
        let mut views: Vec<_> = self.with(|local| local.runs.iter().rev().map(Run::view).collect());
        let stored = stored::newest(&self.0.migrator, 50).await?;
        let elsewhere = stored.into_iter().filter(|run| self.local(run.id).is_none());
        views.extend(elsewhere);
        let since = |run: &RunView| run.holder.as_ref().and_then(|holder| holder.since.clone());
        views.sort_by_key(|run| std::cmp::Reverse(since(run)));
        Ok(views)
    }

    /// Stops a run, wherever it is.
    pub(crate) async fn stop(&self, id: RunId, by: &str, because: Option<&str>) -> Result<RunView, Problem> {
        let ended = |id: RunId| Problem::new(StatusCode::CONFLICT, "ended", format!("the run {id} has ended"));
        if let Some(run) = self.local(id) {
            if run.result().is_some() {
                return Err(ended(id));
            }
            self.stop_here(&run, by, because).await;
            return Ok(run.view());
        }
        let RunId::Token(token) = id else {
            let detail = format!("'{id}' is not a run of this process, and other processes cannot see it");
            let problem = Problem::new(StatusCode::CONFLICT, "elsewhere", detail);
            return Err(problem.help("ask the process that answered when the run was started"));
        };
        let view = stored::find(&self.0.migrator, token).await?.ok_or_else(|| unknown(id))?;
        if !view.is_live() || !self.request_stop(token, by, because).await? {
            return Err(ended(id));
        }
        Ok(view)
    }

    /// Stops a run of this process. The request is stored like one for another process, so that the history says who and why; a run
    /// without the lease has no entry there.
    async fn stop_here(&self, run: &Run, by: &str, because: Option<&str>) {
        if let RunId::Token(token) = run.id() {
            match timeout(RECORDING, self.request_stop(token, by, because)).await {
                Ok(Ok(true)) => return,
                Ok(Ok(false)) => {}
                Ok(Err(problem)) => tracing::warn!(by, problem = %problem.detail, "{UNRECORDED}"),
                Err(_) => tracing::warn!(by, "{UNRECORDED}: the server does not answer"),
            }
        }
        run.stop();
    }

    async fn request_stop(&self, token: i64, by: &str, because: Option<&str>) -> Result<bool, Problem> {
        let request = self.0.migrator.request_stop(token).by(by);
        Ok(because.into_iter().fold(request, RequestStop::because).await?)
    }

    pub(crate) fn dry_runs(&self) -> &Arc<Semaphore> {
        &self.0.dry_runs
    }

    /// Returns whether none of the runs that were started here goes on.
    pub(crate) fn is_idle(&self) -> bool {
        self.with(|local| local.runs.iter().all(|run| run.result().is_some()))
    }

    /// Stops all runs that were started here, and waits for their end. Later ones stop at once.
    pub(crate) async fn close(&self) {
        self.0.migrator.shutdown().await;
    }

    fn with<T>(&self, f: impl FnOnce(&mut Local) -> T) -> T {
        f(&mut self.0.local.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Local {
    fn forget_oldest(&mut self) {
        let ended = self.runs.iter().filter(|run| run.result().is_some()).count();
        for _ in KEPT..ended {
            if let Some(oldest) = self.runs.iter().position(|run| run.result().is_some()) {
                self.runs.remove(oldest);
            }
        }
    }
}

/// 404.
pub(crate) fn unknown(id: impl std::fmt::Display) -> Problem {
    let problem = Problem::not_found(format!("there is no run '{id}'"));
    problem.help("the report of a dry run is kept for 10 minutes, by the process that made it")
}
