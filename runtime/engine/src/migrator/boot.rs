//! Migrating at the startup of a service, configured by environment variables.

mod booted;
mod environment;

use std::env;
use std::ffi::OsString;
use std::future::IntoFuture;
use std::time::Duration;

use mongodb::{BoxFuture, Database};
use tokio::time::{Instant, sleep};

pub use self::booted::Booted;
pub use self::environment::{Backfills, Environment};
use self::environment::{TIMEOUT, Variables};
use super::{Migrator, MigratorBuilder, Up};
use crate::display::Elapsed;
use crate::error::Error;
use crate::options::Limit;
use crate::report::Report;
use crate::stop::jitter;
use crate::store::WorkedOn;

/// Minimum number of attempts if the server is unreachable or not ready.
const ATTEMPTS: u32 = 5;

/// How long to retry if the server responds that it is not ready. The same as the driver's default for selecting a server.
const NOT_READY: Duration = Duration::from_secs(30);

/// The pause after the first attempt. It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A future that migrates at the startup of a service; returned by [`Migrator::boot`]. Await it before serving.
///
/// | variable | default | |
/// |---|---|---|
/// | `MONGRATE_AUTO` | `true` | `false` applies nothing; a pending migration is an [`Error::Pending`] |
/// | `MONGRATE_FAIL_HARD` | `true` | `false` logs an error and continues; see [`Booted::error`] |
/// | `MONGRATE_TIMEOUT_MS` | the builder's, or `300000` | [`timeout`](MigratorBuilder::timeout) of the run, once the server is reached; `none` is no limit |
/// | `MONGRATE_LOCK_WAIT_MS` | the builder's, 5 minutes | [`lock_wait`](MigratorBuilder::lock_wait); `0` does not wait |
/// | `MONGRATE_LEASE_MS` | the builder's, 1 minute | [`lease`](MigratorBuilder::lease), from `1000` to `86400000` |
/// | `MONGRATE_STOP_ON_ERROR` | `true` | `false` is [`continue_on_error`](crate::migrator::Up::continue_on_error): after a failure, continue with migrations that do not depend on it |
/// | `MONGRATE_BACKFILLS` | `background` | `background` starts backfills and works on them after the boot; `wait` works on them before it returns; `off` starts them and leaves the work to other processes. Those that are [`blocking`](crate::context::Documents::blocking) are always worked on before it returns |
/// | `MONGRATE_ENV` | the builder's | the [`environment`](MigratorBuilder::environment) to record |
/// | `MONGRATE_VERSION` | the builder's | the [`codebase_version`](MigratorBuilder::codebase_version) to record |
///
/// Booleans are `true`, `1`, `yes`, `on` and their opposites in any case. Durations are whole milliseconds up to 30 days. An
/// empty variable counts as not set. Malformed variables are reported together as [`Error::Variable`], before anything is sent
/// to the database.
///
/// A service often starts together with its database, so an unreachable server is retried with growing pauses; the fifth failed
/// attempt is an error. A server that responds that it is not ready, because it has no primary yet or is shutting down, is
/// retried for 30 seconds.
///
/// `MONGRATE_FAIL_HARD=false` does not apply to malformed variables, to [`Error::Interrupted`], because the process is meant to
/// end, nor to [`Error::Partial`], [`Error::PartiallyApplied`] and [`Error::PartiallyAppliedElsewhere`], because a service must
/// not continue with partial changes.
///
/// ```no_run
/// # async fn example(db: mongodb::Database) -> Result<(), mongrate::Error> {
/// use mongrate::Migrator;
///
/// let booted = Migrator::boot(db).await?;
/// println!("{booted}");
/// let migrator = booted.migrator().clone(); // for health checks
/// # Ok(()) }
/// ```
#[must_use = "nothing happens until this is awaited"]
#[derive(Clone, Debug)]
pub struct Boot {
    builder: MigratorBuilder,
    variables: Variables,
}

impl Boot {
    pub(super) fn new(builder: MigratorBuilder) -> Self {
        Self { builder, variables: Variables::read(|name| env::var_os(name)) }
    }

    /// Looks up each variable with this function, instead of in the environment of the process.
    ///
    /// ```no_run
    /// # async fn example(db: mongodb::Database) -> Result<(), mongrate::Error> {
    /// // `SHOP_MONGRATE_AUTO` and so on, if there are two services in a process.
    /// let prefixed = |name: &str| std::env::var_os(format!("SHOP_{name}"));
    /// mongrate::Migrator::boot(db).variables(prefixed).await?;
    /// # Ok(()) }
    /// ```
    pub fn variables<V: Into<OsString>>(mut self, lookup: impl Fn(&str) -> Option<V>) -> Self {
        self.variables = Variables::read(lookup);
        self
    }

    async fn run(self) -> Result<Booted, Error> {
        let settings = Environment::read(&self.variables)?;
        let migrator = settings.configure(self.builder, Limit::After(TIMEOUT)).build()?;
        let worked_on = WorkedOn::default();
        let outcome = with_retries(&migrator, &settings, &worked_on).await;
        match outcome {
            Ok(ref report) if !report.blocking().is_empty() => {
                let error = Error::Pending { ids: report.blocking().to_vec() };
                report.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
                if settings.fail_hard {
                    return Err(error);
                }
                tracing::error!("continuing in spite of an error, because MONGRATE_FAIL_HARD=false: {error}");
            }
            Err(error) if settings.fail_hard || is_final(&error) => return Err(error),
            Err(ref error) => {
                let error = error.redacted();
                tracing::error!("continuing in spite of an error, because MONGRATE_FAIL_HARD=false: {error}");
            }
            Ok(_) => {}
        }
        let works = settings.backfills == Backfills::Background;
        let report = outcome.as_ref().map_or_else(Error::report, Some);
        let underway = report.map(Report::underway).filter(|underway| works && !underway.is_empty());
        let background = underway.map(|underway| {
            worked_on.extend(underway.iter().cloned());
            let only = if outcome.is_ok() { Vec::new() } else { underway.clone() };
            tokio::spawn(work_in_background(migrator.clone(), worked_on, only))
        });
        Ok(Booted { migrator, outcome, background })
    }
}

impl IntoFuture for Boot {
    type Output = Result<Booted, Error>;
    type IntoFuture = BoxFuture<'static, Result<Booted, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Retries until the server is ready, within limits. Each attempt continues where the previous one ended.
async fn with_retries(migrator: &Migrator, settings: &Environment, worked_on: &WorkedOn) -> Result<Report, Error> {
    let (began, mut pause, mut attempts) = (Instant::now(), FIRST_PAUSE, 0);
    loop {
        attempts += 1;
        let error = match once(migrator, settings, worked_on).await {
            Err(error) if error.is_temporary() => error,
            outcome => return outcome,
        };
        if attempts >= ATTEMPTS && (!error.is_answer() || began.elapsed() >= NOT_READY) {
            return Err(error);
        }
        let wait = pause + jitter(pause);
        tracing::warn!(attempts, "{error}; retrying in {}", Elapsed(wait));
        sleep(wait).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

async fn once(migrator: &Migrator, settings: &Environment, worked_on: &WorkedOn) -> Result<Report, Error> {
    if settings.auto {
        let background = settings.backfills != Backfills::Wait;
        let up = migrator.up().continue_on_error(!settings.stop_on_error).background(background);
        up.of_boot(worked_on.clone(), false).await
    } else {
        migrator.up().check().await
    }
}

/// Works on backfills, and runs what waited for them, after the boot has returned. After a failure, works only on the backfills that
/// are still underway, so that what has failed is tried again by the next boot. `only` are these backfills, if a migration has failed
/// during the boot.
async fn work_in_background(migrator: Migrator, worked_on: WorkedOn, mut only: Vec<String>) {
    loop {
        let up = migrator.up().timeout(Limit::None).continue_on_error(true).of_boot(worked_on.clone(), true);
        let error = match only.iter().fold(up, Up::only).await {
            Ok(report) => return tracing::info!("{}", report.summary()),
            Err(error) => error,
        };
        if error.is_temporary() {
            tracing::warn!("working on backfills: {}; retrying", error.redacted());
        } else {
            tracing::error!("working on backfills: {}", error.redacted());
            only = match &error {
                Error::Failed { report, .. } if !report.underway().is_empty() => report.underway().clone(),
                _ => return,
            };
            worked_on.extend(only.iter().cloned());
        }
        sleep(LONGEST_PAUSE).await;
    }
}

/// Returns whether the process must not continue after this error, regardless of `MONGRATE_FAIL_HARD`.
fn is_final(error: &Error) -> bool {
    matches!(
        error,
        Error::Interrupted { .. }
            | Error::Unacknowledged { interrupted: true, .. }
            | Error::Partial { .. }
            | Error::PartiallyApplied { .. }
            | Error::PartiallyAppliedElsewhere { .. }
    )
}

impl Migrator {
    /// Migrates at the startup of a service, configured by the environment variables listed at [`Boot`].
    ///
    /// ```no_run
    /// # async fn example(db: mongodb::Database) -> Result<(), mongrate::Error> {
    /// mongrate::Migrator::boot(db).await?; // then serve
    /// # Ok(()) }
    /// ```
    pub fn boot(database: Database) -> Boot {
        Self::builder(database).boot()
    }
}

impl MigratorBuilder {
    /// Migrates at the startup of a service, configured by the environment variables listed at [`Boot`]. A variable that is set
    /// takes precedence over the option of this builder.
    ///
    /// ```no_run
    /// # async fn example(db: mongodb::Database) -> Result<(), mongrate::Error> {
    /// use mongrate::Migrator;
    /// use mongrate::options::Policy;
    ///
    /// Migrator::builder(db).drift(Policy::Error).actor("shop").boot().await?;
    /// # Ok(()) }
    /// ```
    pub fn boot(self) -> Boot {
        Boot::new(self)
    }
}
