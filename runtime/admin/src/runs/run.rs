//! A run of this process, in a task of its own: whoever asked for it may go away.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use mongodb::BoxFuture;
use mongodb::bson::DateTime;
use mongrate::events::{Event, Events};
use mongrate::migration::Direction;
use mongrate::stop::Signals;
use mongrate::{Error, Migrator, Plan, Report};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::id::RunId;
use super::progress::{Current, Progress};
use super::view::{RunState, RunView, Runner};
use crate::problem::Problem;
use crate::selection::Selection;

/// How long a request waits for the lease at least.
const START: Duration = Duration::from_secs(5);

/// What to run, for whom and why.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    pub(crate) selection: Selection,
    /// The confirmed plan.
    pub(crate) plan: Option<Plan>,
    pub(crate) by: String,
    pub(crate) because: Option<String>,
    pub(crate) continue_on_error: bool,
    pub(crate) with_changed_code: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) lock_wait: Duration,
    pub(crate) dry_run: bool,
    /// How long the report of a dry run is kept.
    pub(crate) keep_dry: Duration,
}

/// A run of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Run(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    number: u64,
    selection: Selection,
    dry_run: bool,
    may_wait: bool,
    by: String,
    because: Option<String>,
    since: DateTime,
    /// Covers this run only.
    migrator: Migrator,
    progress: watch::Sender<Progress>,
}

impl Start {
    fn future(self, migrator: &Migrator) -> BoxFuture<'static, Result<Report, Error>> {
        let Self {
            selection,
            plan,
            by,
            because,
            continue_on_error,
            with_changed_code,
            timeout,
            lock_wait,
            dry_run,
            ..
        } = self;
        match selection.verb {
            Direction::Up => {
                let up = selection.up(migrator).by(by).lock_wait(lock_wait).dry_run(dry_run);
                let up = up.continue_on_error(continue_on_error).with_changed_code(with_changed_code);
                let up = plan.iter().fold(up, mongrate::migrator::Up::limited_to);
                let up = because.into_iter().fold(up, mongrate::migrator::Up::because);
                timeout.into_iter().fold(up, mongrate::migrator::Up::timeout).into_future()
            }
            Direction::Down => {
                let down = selection.down(migrator).by(by).lock_wait(lock_wait).dry_run(dry_run);
                let down = plan.iter().fold(down, mongrate::migrator::Down::limited_to);
                let down = because.into_iter().fold(down, mongrate::migrator::Down::because);
                timeout.into_iter().fold(down, mongrate::migrator::Down::timeout).into_future()
            }
        }
    }
}

impl Run {
    /// Starts it on a migrator of its own, and returns what ends with it.
    pub(super) fn start(
        number: u64,
        start: Start,
        migrator: Migrator,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let run = Self(Arc::new(Inner {
            number,
            selection: start.selection.clone(),
            dry_run: start.dry_run,
            may_wait: !start.lock_wait.is_zero(),
            by: start.by.clone(),
            because: start.because.clone(),
            since: DateTime::now(),
            progress: watch::Sender::default(),
            migrator,
        }));
        let events = run.0.migrator.events();
        let work = start.future(&run.0.migrator);
        (run.clone(), run.follow(work, events))
    }

    async fn follow(self, work: BoxFuture<'static, Result<Report, Error>>, mut events: Events) {
        let note = |event| match event {
            // Sent even by a run that does not wait.
            Event::Waiting { .. } if !self.0.may_wait => {}
            event => self.0.progress.send_modify(|progress| progress.note(event)),
        };
        // Nobody awaits the run, so that its error would not end the process.
        let signals = Signals::new();
        let mut work = tokio::spawn(work);
        let result = loop {
            tokio::select! {
                Some(event) = events.next() => note(event),
                result = &mut work => break result,
            }
        };
        while let Some(Some(event)) = events.next().now_or_never() {
            note(event);
        }
        // The task is neither aborted nor does the engine let a panic through, unless the runtime ends.
        let result = result.unwrap_or_else(|_| Err(Error::Interrupted { report: Box::default() }));
        self.0.progress.send_modify(|progress| progress.end(result));
        signals.pass_on();
    }

    /// Waits until it has ended, or this has passed. Waits longer if it is not known yet whether it gets the lease.
    pub(crate) async fn wait(&self, limit: Duration) {
        let begin = Instant::now();
        let mut progress = self.0.progress.subscribe();
        let is_dry = self.is_dry();
        let settled = progress.wait_for(|progress| is_dry || progress.is_settled());
        let is_settled = timeout_at(begin + START.max(limit), settled).await.is_ok();
        if is_settled {
            // Without an end in time, the caller sees that it has none.
            let _ = timeout_at(begin + limit, progress.wait_for(|progress| progress.result.is_some())).await;
        }
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&self) -> Result<Arc<Report>, Arc<Error>> {
        let mut progress = self.0.progress.subscribe();
        let ended = progress.wait_for(|progress| progress.result.is_some()).await;
        // Cannot fail: the sender is in `self`.
        let result = ended.ok().and_then(|progress| progress.result.clone());
        result.unwrap_or_else(|| Err(Arc::new(Error::Interrupted { report: Box::default() })))
    }

    /// Waits until it is known whether it gets the lease, and returns the error if it ended without ever having it.
    pub(crate) async fn refusal(&self) -> Option<Arc<Error>> {
        self.wait(Duration::ZERO).await;
        let is_refused = matches!(self.id(), RunId::Waiting(_));
        self.result().filter(|_| is_refused).and_then(Result::err)
    }

    /// Stops it in good order. Returns at once.
    pub(crate) fn stop(&self) {
        let migrator = self.0.migrator.clone();
        tokio::spawn(async move { migrator.shutdown().await });
    }

    pub(crate) fn id(&self) -> RunId {
        match self.0.progress.borrow().token {
            Some(token) => RunId::Token(token),
            None => self.local_id(),
        }
    }

    /// The id before it had the lease.
    pub(crate) fn local_id(&self) -> RunId {
        if self.is_dry() { RunId::Dry(self.0.number) } else { RunId::Waiting(self.0.number) }
    }

    pub(crate) fn selection(&self) -> &Selection {
        &self.0.selection
    }

    pub(crate) fn is_dry(&self) -> bool {
        self.0.dry_run
    }

    pub(crate) fn result(&self) -> Option<Result<Arc<Report>, Arc<Error>>> {
        self.0.progress.borrow().result.clone()
    }

    pub(crate) fn view(&self) -> RunView {
        let progress = self.0.progress.borrow().clone();
        let state = match &progress.result {
            None if progress.waiting_for.is_some() => RunState::Waiting,
            None => RunState::Running,
            Some(Ok(_)) => RunState::Ended,
            Some(Err(error)) => RunState::of(error),
        };
        let (report, error) = match progress.result {
            None => (None, None),
            Some(Ok(report)) => (Some(report), None),
            Some(Err(error)) => (error.report().cloned().map(Arc::new), Some(Problem::from(&*error))),
        };
        let (current, operations) = match progress.current {
            Some(Current { id, operations }) => (Some(id), operations.into()),
            None => (None, Vec::new()),
        };
        let holder =
            progress.waiting_for.map_or_else(|| self.runner(current.as_ref()), |holder| Runner::from(&*holder));
        RunView {
            id: self.id(),
            state,
            verb: Some(self.0.selection.verb),
            dry_run: self.0.dry_run,
            by: Some(self.0.by.clone()),
            because: self.0.because.clone(),
            holder: Some(holder),
            current,
            operations,
            done: Some(progress.done),
            planned: progress.planned,
            report,
            error,
        }
    }

    fn runner(&self, current: Option<&String>) -> Runner {
        Runner {
            host: mongrate::record::host(),
            pid: i64::from(std::process::id()),
            actor: None,
            since: self.0.since.try_to_rfc3339_string().ok(),
            current: current.cloned(),
            expired: false,
        }
    }
}
