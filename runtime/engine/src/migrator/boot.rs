//! What a service does at start-up, as its environment says.

mod booted;
mod environment;

use std::env;
use std::ffi::OsString;
use std::future::IntoFuture;
use std::time::Duration;

use mongodb::{BoxFuture, Database};
use tokio::time::{Instant, sleep};

pub use self::booted::Booted;
pub use self::environment::Environment;
use self::environment::{TIMEOUT, Variables};
use super::{Migrator, MigratorBuilder};
use crate::display::Elapsed;
use crate::error::Error;
use crate::options::Limit;
use crate::report::Report;
use crate::stop::jitter;

/// How often a server is tried that cannot be reached, or is not ready: at least.
const TRIES: u32 = 5;

/// How long one is tried that answers at once that it is not ready: as long as the driver by itself looks for one that is.
const NOT_READY: Duration = Duration::from_secs(30);

/// The pause after the first try; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What a service does at start-up, told by its environment; await it before serving.
///
/// | variable | default | |
/// |---|---|---|
/// | `MONGRATE_AUTO` | `true` | `false` applies nothing: anything pending is [`Error::Pending`], nothing pending takes one read |
/// | `MONGRATE_FAIL_HARD` | `true` | `false` logs an error and goes on; it is in [`Booted::error`] then |
/// | `MONGRATE_TIMEOUT_MS` | the builder's, or `300000` | [`timeout`](MigratorBuilder::timeout) of the run, once the server is reached; `none` is no limit |
/// | `MONGRATE_LOCK_WAIT_MS` | the builder's, 5 minutes | [`lock_wait`](MigratorBuilder::lock_wait); `0` does not wait |
/// | `MONGRATE_LEASE_MS` | the builder's, 1 minute | [`lease`](MigratorBuilder::lease), from `1000` to `86400000` |
/// | `MONGRATE_STOP_ON_ERROR` | `true` | `false` is [`continue_on_error`](crate::migrator::up::Up::continue_on_error): after a failure, go on with what does not depend on it |
/// | `MONGRATE_ENV` | the builder's | [`environment`](MigratorBuilder::environment), for the record |
/// | `MONGRATE_VERSION` | the builder's | [`codebase_version`](MigratorBuilder::codebase_version), for the record |
///
/// Booleans are `true`, `1`, `yes`, `on` and their opposites in any case, durations whole milliseconds up to 30 days. An
/// empty variable counts as not set. All malformed ones are reported at once as [`Error::Variable`], before the database
/// is asked anything.
///
/// A server that cannot be reached is tried five times, with growing pauses, before that is an error: a service
/// often starts together with its database. One that answers that it is not ready, because it has no primary yet or is shutting
/// down, is tried for half a minute.
///
/// `MONGRATE_FAIL_HARD=false` does not cover malformed variables, nor [`Error::Interrupted`], because the process is
/// meant to end, nor [`Error::Partial`], [`Error::PartiallyApplied`] and [`Error::PartiallyAppliedElsewhere`], because nothing
/// should go on upon data that are half changed.
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
        Self { builder, variables: Variables::found(|name| env::var_os(name)) }
    }

    /// Asks this for each variable, in place of the process's environment.
    ///
    /// ```no_run
    /// # async fn example(db: mongodb::Database) -> Result<(), mongrate::Error> {
    /// // `SHOP_MONGRATE_AUTO` and so on, for one of two services in a process.
    /// let prefixed = |name: &str| std::env::var_os(format!("SHOP_{name}"));
    /// mongrate::Migrator::boot(db).variables(prefixed).await?;
    /// # Ok(()) }
    /// ```
    pub fn variables<V: Into<OsString>>(mut self, lookup: impl Fn(&str) -> Option<V>) -> Self {
        self.variables = Variables::found(lookup);
        self
    }

    async fn run(self) -> Result<Booted, Error> {
        let settings = Environment::read(&self.variables)?;
        let migrator = settings.configure(self.builder, Limit::After(TIMEOUT)).build()?;
        let outcome = patiently(&migrator, &settings).await;
        match outcome {
            Err(error) if settings.fail_hard || is_final(&error) => return Err(error),
            Err(ref error) => {
                let error = error.redacted();
                tracing::error!("going on in spite of an error, because MONGRATE_FAIL_HARD=false: {error}");
            }
            Ok(_) => {}
        }
        Ok(Booted { migrator, outcome })
    }
}

impl IntoFuture for Boot {
    type Output = Result<Booted, Error>;
    type IntoFuture = BoxFuture<'static, Result<Booted, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Tries until the server is reached, or for long enough. Whatever a try has done stands: a later one goes on from there.
async fn patiently(migrator: &Migrator, settings: &Environment) -> Result<Report, Error> {
    let (began, mut pause, mut tries) = (Instant::now(), FIRST_PAUSE, 0);
    loop {
        tries += 1;
        let error = match once(migrator, settings).await {
            Err(error) if error.is_not_now() => error,
            outcome => return outcome,
        };
        if tries >= TRIES && (!error.is_answer() || began.elapsed() >= NOT_READY) {
            return Err(error);
        }
        let wait = pause + jitter(pause);
        tracing::warn!(tries, "{error}; trying again in {}", Elapsed(wait));
        sleep(wait).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

async fn once(migrator: &Migrator, settings: &Environment) -> Result<Report, Error> {
    if settings.auto {
        migrator.up().continue_on_error(!settings.stop_on_error).await
    } else {
        migrator.up().check().await
    }
}

/// Whether the process must not go on after this, whatever it was told.
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
    /// What a service does at start-up, told by its environment: [`Boot`] has the table of variables.
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
    /// What a service does at start-up with this migrator. A variable is stronger than what was said here, where
    /// it is set.
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
