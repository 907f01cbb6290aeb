//! What can go wrong: one enum, and what every user interface says about it.

mod code;
pub(crate) mod codes;
mod display;
#[cfg(test)]
mod examples;
mod help;
mod message;
mod notation;
mod outcome;
mod quoted;
mod readable;
mod sentence;
mod server;
#[cfg(test)]
mod tests;
mod validation;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use codes::{Class, Cure};
pub(crate) use readable::{Readable, escaped, in_one_line, readable, source_chain, write_error};
pub(crate) use server::{class, code, is_permanent, is_transient};

use crate::migration::{Condition, Direction, Source, State};
use crate::record::Holder;
use crate::report::{Remains, Report};

/// What can go wrong.
///
/// [`message`](Error::message) says what happened, [`help`](Error::help) what to do about it, and `Display` shows both.
/// [`code`](Error::code) is for programs. `source()` leads to the cause; for [`Error::Failed`] this is the very error that
/// the body returned.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// use mongrate::Error;
///
/// match migrator.up().await {
///     // The schema is not the one that this program expects.
///     Err(error @ Error::Failed { .. }) => {
///         if let Some(report) = error.report() {
///             eprintln!("{report}");
///         }
///         Err(error)
///     }
///     // Another replica takes longer than `lock_wait`.
///     Err(Error::LockTimeout { holder, .. }) => {
///         eprintln!("still waiting for {holder}");
///         migrator.up().await.map(drop)
///     }
///     result => result.map(drop),
/// }
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server does not answer or is not ready: it is starting, has no primary or is shutting down. Whether the last
    /// command took effect is unknown; the next run reads the records and continues from there.
    Unreachable {
        /// What was being done: an infinitive without "to".
        doing: String,
        /// The driver's error; it names the hosts that were tried.
        source: mongodb::error::Error,
    },

    /// The user lacks a privilege, or could not be authenticated.
    NotAuthorized {
        /// What was refused: an infinitive without "to".
        doing: String,
        /// The driver's error.
        source: mongodb::error::Error,
    },

    /// Any other error of the server or the driver.
    Server {
        /// What was being done: an infinitive without "to".
        doing: String,
        /// The driver's error.
        source: mongodb::error::Error,
    },

    /// One of Mongrate's own collections holds documents that Mongrate did not write.
    ForeignCollection {
        /// The collection's name.
        collection: String,
        /// The `_id` of one such document.
        example: String,
        /// The tool that seems to have written it, as `, written by <tool>`, or empty.
        made_by: String,
    },

    /// One of Mongrate's own collections is not an ordinary collection.
    UnsuitableCollection {
        /// The collection's name.
        collection: String,
        /// `a view`, `a capped collection` or `a time-series collection`.
        kind: &'static str,
    },

    /// The database has no records of Mongrate, but shows the effects of migrations, so that running them would repeat what was
    /// done by other means. Nothing ran. See [`first_use`](crate::MigratorBuilder::first_use).
    AlreadyInEffect {
        /// The qualified ids of the migrations whose `verify` function returned
        /// [`Effect::Present`](crate::Effect::Present).
        ids: Vec<String>,
    },

    /// The function set with [`first_use`](crate::MigratorBuilder::first_use) failed. Nothing was recorded, and nothing ran.
    FirstUseFailed {
        /// Its error and the sources of the error in one line.
        message: String,
        /// The error that it returned.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },

    /// The function set with [`first_use`](crate::MigratorBuilder::first_use) did not answer in time. Nothing was recorded, and
    /// nothing ran.
    FirstUseTimedOut {
        /// The time limit.
        limit: Duration,
    },

    /// A record that this version of Mongrate cannot read, probably written by a newer one.
    UnreadableRecord {
        /// Qualified id of the migration.
        id: String,
        /// What is wrong with the record.
        reason: String,
    },

    /// Applied migrations have changed since they ran, and the drift policy makes this an error.
    Drift {
        /// Their qualified ids.
        ids: Vec<String>,
    },

    /// Migrations are pending, and `MONGRATE_AUTO=false` forbids this program to apply them; or a boot could not complete a backfill
    /// that is [blocking](crate::context::Documents::blocking), or on which such a one depends.
    Pending {
        /// Their qualified ids, in plan order, without manual migrations, canceled backfills, and those that wait for one.
        ids: Vec<String>,
    },

    /// A migration that the program requires is not completed.
    Required {
        /// Its qualified id.
        id: &'static str,
        /// Its state.
        state: State,
    },

    /// Another process holds the lock and did not finish within `lock_wait`.
    LockTimeout {
        /// The other process.
        holder: Box<Holder>,
        /// How long this run waited.
        waited: Duration,
        /// If the holder's lease has expired, so that it is probably dead: how long a run waits before it takes over. Only
        /// with a `lock_wait` of zero, because any other wait is extended until then.
        take_over: Option<Duration>,
        /// Time until the holder's lease expires unless a heartbeat prolongs it, by the server's clock. Zero if it has expired.
        expires_in: Option<Duration>,
    },

    /// This process no longer holds the lease: it was paused or cut off for too long, or somebody released the lock.
    LeaseLost {
        /// What was done before.
        report: Box<Report>,
        /// Whether the lease had no client of its own, so that a body that used the whole pool may have delayed its
        /// heartbeats.
        shared_pool: bool,
    },

    /// The run was interrupted: its future was dropped, the process received SIGTERM, SIGINT (ctrl-C) or SIGHUP, or somebody
    /// [requested it](crate::Migrator::request_stop), as a warning of the report says. After a signal, this is an error even if
    /// everything was applied before the run could stop, because the process is meant to end.
    ///
    /// The lock is free, unless [`Report::left_running`] names something.
    Interrupted {
        /// What was done before.
        report: Box<Report>,
    },

    /// The run had to stop before the server answered the operation under way. The server cannot be reached, or it
    /// acknowledges no majority writes: most members of the replica set are down, or `fsyncLock` was called.
    ///
    /// The run begins nothing after this, but the operation may still take effect. If the process lives until the server
    /// answers, the lease is released; otherwise it expires.
    Unacknowledged {
        /// Why the run had to stop.
        reason: String,
        /// What was under way: an infinitive without "to".
        doing: String,
        /// Whether the run was interrupted, as in [`Error::Interrupted`], so that the process is meant to end.
        interrupted: bool,
        /// What is known to have been done before.
        report: Box<Report>,
    },

    /// A body exceeded its `timeout`.
    TimedOut {
        /// The limit.
        limit: Duration,
    },

    /// The server has no transactions, and the migrator requires them.
    TransactionsRequired,

    /// A transaction exceeded the server's time limit (`transactionLifetimeLimitSeconds`, 60 s by default).
    TransactionTooSlow {
        /// The driver's error.
        source: mongodb::error::Error,
    },

    /// A transaction changed more than the server's cache can hold.
    TransactionTooLarge {
        /// The driver's error.
        source: mongodb::error::Error,
    },

    /// A `Tx` body asked for something that the server does not support in a transaction, such as reading a capped
    /// collection or `$out`. The transaction was rolled back.
    OutsideTransactions {
        /// The driver's error.
        source: mongodb::error::Error,
    },

    /// The server rolled back the transaction with a transient error on every attempt.
    TransactionAborted {
        /// The number of attempts.
        attempts: u32,
        /// The last error.
        source: mongodb::error::Error,
    },

    /// An operation failed, but the body went on. In a transaction, the server has rolled it back; with `Schema`, the next
    /// run resumes there.
    IgnoredError {
        /// The operation, as `<kind> on <collection>`.
        operation: String,
        /// Its error.
        source: mongodb::error::Error,
    },

    /// The body of a partially applied `Schema` migration has changed: it does not repeat the calls that took effect.
    BodyChanged {
        /// The position of the first call that differs, counted from 1.
        position: usize,
        /// The call that was recorded at this position.
        recorded: String,
        /// The call that is made there now; `None` if the body ends before.
        now: Option<String>,
        /// Whether the code is unchanged, so that the body depends on something besides the database.
        same_code: bool,
    },

    /// An operation of `Schema` was interrupted, and the database does not show whether it took effect.
    InDoubt {
        /// The position of the operation, counted from 1.
        position: usize,
        /// The call.
        operation: String,
        /// What the database contains.
        found: String,
    },

    /// A migration cannot be applied while its `down` is partially applied, because operations that were undone would count
    /// as done.
    PartiallyReverted {
        /// Its qualified id.
        id: &'static str,
    },

    /// The connection was lost during the commit, and the outcome cannot be determined from here.
    CommitUnknown {
        /// The last error of the commit.
        source: mongodb::error::Error,
    },

    /// A body panicked.
    Panicked {
        /// The panic message.
        message: String,
    },

    /// An operation that Mongrate does not allow here; the text says why.
    Refused(String),

    /// A migration or its `down` failed. A transaction was rolled back. Later migrations did not run; with
    /// [`continue_on_error`](crate::migrator::Up::continue_on_error), only those that depend on it did not.
    Failed {
        /// Qualified id of the first migration that failed.
        id: String,
        /// Whether it was being applied or reverted.
        direction: Direction,
        /// The body's error and its sources in one line.
        message: String,
        /// The error that the body returned.
        source: Arc<dyn std::error::Error + Send + Sync>,
        /// What was done, and what was not.
        report: Box<Report>,
        /// What the migration has left in the database.
        remains: Remains,
    },

    /// A `Tx` migration or its `down` failed on a server without transactions: its earlier writes remain.
    Partial {
        /// Qualified id of the migration.
        id: String,
        /// Whether it was being applied or reverted.
        direction: Direction,
        /// The body's error and its sources in one line.
        message: String,
        /// The error that the body returned.
        source: Arc<dyn std::error::Error + Send + Sync>,
        /// What was done, and what was not.
        report: Box<Report>,
    },

    /// `Tx` migrations failed or were interrupted on a server without transactions, in this run or an earlier one, and
    /// nobody has marked them since. Running them again could apply the same change twice.
    PartiallyApplied {
        /// Their qualified ids.
        ids: Vec<String>,
    },

    /// Migrations that are not linked into this program may be partially applied: a `Tx` migration failed on a server
    /// without transactions, or a `&Database` migration was interrupted, and nobody is running it. A program that does not
    /// know what they do must not continue with such data.
    PartiallyAppliedElsewhere {
        /// Their qualified ids.
        ids: Vec<String>,
    },

    /// The body of a migration returned Ok, but its `verify` function reports that the effect is missing.
    VerificationFailed {
        /// The error that the function returned, if it returned one.
        source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    },

    /// The run exceeded its time limit. The migration under way was stopped and is recorded as failed.
    RunTimedOut {
        /// The limit.
        limit: Duration,
        /// What was done before.
        report: Box<Report>,
    },

    /// A migration cannot be reverted because it has no `down`.
    Irreversible {
        /// Its qualified id.
        id: &'static str,
        /// The reason given with `irreversible = "..."`.
        reason: Option<&'static str>,
    },

    /// A migration cannot be reverted, or marked as pending, while its dependents are applied. If many thousands cannot,
    /// only the first are listed.
    DependentsApplied {
        /// Its qualified id.
        id: &'static str,
        /// Qualified ids of its direct and indirect dependents, the last applied first.
        dependents: Vec<&'static str>,
        /// Whether all of them belong to the selected source, so that the same run could revert them.
        selected: bool,
    },

    /// A migration cannot be marked as applied while its dependencies are pending.
    DependenciesPending {
        /// Its qualified id.
        id: &'static str,
        /// Qualified ids of the pending migrations in its `deps`.
        dependencies: Vec<&'static str>,
    },

    /// The record of a migration that is linked into this program cannot be removed.
    NotAnOrphan {
        /// Its qualified id.
        id: &'static str,
    },

    /// A page of the history is empty or too long.
    PageSize {
        /// The number of entries that was requested.
        limit: u32,
    },

    /// Migrations that were applied later are not linked into this program, so neither their `down` nor their dependencies
    /// are known.
    OrphansAppliedLater {
        /// Their qualified ids.
        ids: Vec<String>,
    },

    /// A named migration has to be a backfill that has started and not completed, and is not.
    NotUnderway {
        /// Its qualified id.
        id: String,
    },
    /// A named migration has to be applied, and is not.
    NotApplied {
        /// Its qualified id.
        id: String,
    },

    /// Migrations depend on each other in a cycle. Found by [`Registry::verify`](crate::plan::Registry::verify).
    Cycle {
        /// Qualified ids, each depending on the next; the first is the smallest and is repeated at the end.
        path: Vec<&'static str>,
    },

    /// A dependency is not linked in. Found by [`Registry::verify`](crate::plan::Registry::verify).
    MissingDependency {
        /// Qualified id of the migration that names the dependency.
        migration: &'static str,
        /// The qualified id that was not found.
        dependency: &'static str,
        /// The linked-in qualified id that was probably meant.
        nearest: Option<&'static str>,
    },

    /// Two linked-in migrations have the same qualified id. Found by [`Registry::verify`](crate::plan::Registry::verify).
    DuplicateId {
        /// The qualified id.
        id: &'static str,
        /// File and line of one function.
        first: (&'static str, u32),
        /// File and line of the other.
        second: (&'static str, u32),
    },

    /// [`Registry::source`](crate::plan::Registry::source) names a source that no linked-in migration belongs to.
    UnknownSource {
        /// The source as it was named.
        name: String,
        /// The sources of the linked-in migrations.
        known: Vec<Source<'static>>,
    },

    /// No client can be made of a connection string or of the driver's options. The connection string is not quoted,
    /// because it may contain a password.
    ConnectionString {
        /// What is wrong with the connection string, as a verb phrase.
        problem: String,
        /// What to do about it.
        help: &'static str,
    },

    /// The database is one of the server's own: `admin`, `config` or `local`. Hosting providers end their connection strings
    /// with `/admin`, because that is where the user is looked up. Nothing was sent to the server.
    ReservedDatabase {
        /// Its name.
        name: String,
    },

    /// No database can have this name, or nobody could type it. Nothing was sent to the server.
    DatabaseName {
        /// The name, with escapes for invisible characters.
        name: String,
        /// What is wrong with the name, as a verb phrase.
        problem: String,
    },

    /// No name server knows the host in a connection string of the form `mongodb+srv://`.
    HostNotFound,

    /// An invalid value of an option of the migrator, of a run, of [`steer`](crate::migrator::Migrator::steer), of
    /// [`for_each`](crate::migrator::Migrator::for_each) or of [`Schema`](crate::context::Schema).
    InvalidOption {
        /// The option: the name of the builder's method.
        option: &'static str,
        /// Its value.
        value: String,
        /// The valid values.
        accepted: &'static str,
    },

    /// Several independent errors: in a set of linked-in migrations, in the environment, in the options, or among the named
    /// migrations.
    Several {
        /// Two errors or more. Those of a set of migrations are in the order: source, duplicates, missing dependencies,
        /// cycles.
        errors: Vec<Error>,
    },

    /// A named migration is not linked in.
    UnknownMigration {
        /// The id as it was given.
        id: String,
        /// The linked-in qualified id that was probably meant.
        nearest: Option<&'static str>,
    },

    /// A named migration is linked in, but does not belong to the selected source.
    NotSelected {
        /// Its qualified id.
        id: &'static str,
    },

    /// A pending migration depends on an uncompleted migration of a source that is not selected.
    UnselectedDependency {
        /// Qualified id of the pending migration.
        migration: &'static str,
        /// Qualified id of the direct or indirect dependency.
        dependency: &'static str,
    },

    /// A named migration depends on a manual migration, or a canceled backfill, that is neither completed nor named.
    ManualDependency {
        /// Qualified id of the named migration.
        migration: &'static str,
        /// Qualified id of the direct or indirect dependency.
        dependency: &'static str,
    },

    /// A migration of the plan that a run is [limited to](crate::migrator::Up::limited_to) depends on a migration that became
    /// pending after the plan was made. Nothing was done.
    PlanChanged {
        /// Qualified id of the migration of the plan.
        migration: &'static str,
        /// Qualified id of the direct or indirect dependency.
        dependency: &'static str,
    },

    /// A migration that was named does not belong to this database, because its condition excludes it. Nothing was done.
    Excluded {
        /// Qualified id of the migration.
        id: &'static str,
        /// The condition, which does not hold.
        condition: Condition,
    },

    /// The `when` function of a migration panicked. Nothing was done.
    ConditionPanicked {
        /// Qualified id of the migration.
        id: &'static str,
        /// The message of the panic.
        message: String,
    },

    /// A migration needs a value that the application does not provide with
    /// [`provide`](crate::MigratorBuilder::provide). If the attribute names the type in `needs`, nothing was done. Otherwise
    /// the body was stopped where it asked for the value.
    NotProvided {
        /// Qualified id of the migration.
        id: &'static str,
        /// The type, with its path: `shop::Settings`.
        name: &'static str,
    },

    /// The lock was to be released only from a certain lease, which is not the current one any more. Nothing was written.
    HolderChanged {
        /// The process that holds the lock now; `None` if the lock is free.
        holder: Option<Box<Holder>>,
    },

    /// An invalid value of an environment variable. Nothing was done.
    Variable {
        /// The variable's name.
        name: &'static str,
        /// Its value, with replacement characters for what is not Unicode.
        value: String,
        /// The valid values.
        accepted: String,
    },
}
