//! What can go wrong, as sentences that say what to do next.

pub(crate) mod codes;
mod notation;
mod quoted;
mod readable;
mod sentence;
mod server;
mod validation;
mod words;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use codes::{Class, Cure};
pub use readable::{Readable, source_chain};
pub(crate) use readable::{in_one_line, readable, told};
pub use server::NotReached;
use server::aborted_again;
pub(crate) use server::{class, code, is_permanent, passes};

pub(crate) use words::escaped;
use words::{
    AFTER_HALF, after_stop, aftermath, because, changed, did_you_mean, exhausted, failures, first, known_sources, late,
    list, plural, wait_longer,
};
pub use words::{left_running, quoted, so_far, what};

use crate::display::Elapsed;
use crate::migration::{Direction, Source, State};
use crate::migrator::Tenants;
use crate::record::Holder;
use crate::report::{Remains, Report};

/// What can go wrong.
///
/// Every message is a sentence that names what it is about and what to do next. `source()` leads to the cause; for
/// [`Error::Failed`] this is the very error that the body returned.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// use mongrate::Error;
///
/// match migrator.up().await {
///     // The schema is another one than this program expects.
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
    /// The server does not answer, or says that it is not ready: it is starting, has no primary or is shutting down. Whether the last
    /// command had an effect is not known; the next run reads the records and goes on from there.
    #[error("{}. {}", NotReached(.doing, .source), Self::try_again(.source))]
    Unreachable {
        /// What was about to be done.
        doing: String,
        /// The driver's error; it names the hosts that were tried.
        source: mongodb::error::Error,
    },

    /// The user may not do this.
    #[error("MongoDB refused to {doing}: {}. {}", Readable(.source), Self::let_in(.source))]
    NotAuthorized {
        /// What was refused.
        doing: String,
        /// The driver's error.
        source: mongodb::error::Error,
    },

    /// Any other error of the server or the driver.
    #[error("could not {doing}: {}", Readable(.source))]
    Server {
        /// What was being done.
        doing: String,
        /// The driver's error.
        source: mongodb::error::Error,
    },

    /// One of Mongrate's own collections holds documents that Mongrate did not write.
    #[error(
        "the collection '{collection}' holds documents that are not Mongrate's (for example `_id: {example}`{made_by}); it was left untouched. \
         Give Mongrate a name of its own with `Migrator::builder(db).names(Names::prefixed(\"mongrate\"))`"
    )]
    ForeignCollection {
        /// The collection's name.
        collection: String,
        /// The `_id` of one such document.
        example: String,
        /// Which tool seems to have written it, as `, written by <tool>`, or empty.
        made_by: String,
    },

    /// Under a name of Mongrate's own collections there is something else than an ordinary collection.
    #[error(
        "'{collection}' is {kind}, in which Mongrate cannot keep anything; it was left untouched. Give Mongrate a name of its own \
         with `Migrator::builder(db).names(Names::prefixed(\"mongrate\"))`"
    )]
    UnsuitableCollection {
        /// Its name.
        collection: String,
        /// `a view`, `a capped collection` or `a time-series collection`.
        kind: &'static str,
    },

    /// A record that this version of Mongrate cannot read, probably written by a newer one.
    #[error(
        "the record of '{id}' cannot be read by this version of Mongrate: {reason}. It was left untouched; upgrade Mongrate, or repair the record"
    )]
    UnreadableRecord {
        /// Qualified id of the migration.
        id: String,
        /// What is wrong with it.
        reason: String,
    },

    /// Migrations that were applied have changed since, and the policy says that this is an error.
    #[error(
        "applied migrations have changed since they ran: {}. Undo the change and write a new migration instead, or allow it with `.drift(Policy::Warn)`",
        .ids.join(", ")
    )]
    Drift {
        /// Their qualified ids.
        ids: Vec<String>,
    },

    /// Migrations are pending, and this program was told not to apply them: `MONGRATE_AUTO` is false.
    #[error(
        "{} pending: {}. Apply what is pending before this program starts, or let it do so with MONGRATE_AUTO=true",
        plural(.ids.len()), .ids.join(", ")
    )]
    Pending {
        /// Their qualified ids, in the order in which they would run. Manual ones, and what waits for one, are not
        /// among them.
        ids: Vec<String>,
    },

    /// A migration that the program said it needs is not completed.
    #[error("this program needs migration '{id}', which {}. Apply it, or wait until another process has", so_far(*.state))]
    Required {
        /// Its qualified id.
        id: &'static str,
        /// Where it stands.
        state: State,
    },

    /// Somebody else holds the lease and did not finish in time.
    #[error("gave up after {}: this database is being migrated by {holder}. {}", Elapsed(*.waited), wait_longer(*.take_over))]
    LockTimeout {
        /// Who holds it.
        holder: Box<Holder>,
        /// How long was waited.
        waited: Duration,
        /// If its lease has expired, so that the holder is probably dead: how long a run waits before it takes over. Only with
        /// a `lock_wait` of zero, because any other one is extended until then.
        take_over: Option<Duration>,
    },

    /// This process no longer holds the lease: it was paused or cut off for too long and another one may have taken over.
    #[error(
        "the migration lease was lost (this process was paused, or cut off from the server, for too long); nothing was committed after that{}. Another process goes on, or the next boot will{}",
        late(.report), exhausted(*.shared_pool)
    )]
    LeaseLost {
        /// What was done before.
        report: Box<Report>,
        /// Whether the lease had no client of its own, so that its heartbeats may have waited for a connection while a body
        /// used all of the pool.
        shared_pool: bool,
    },

    /// The run was told to stop: its future was dropped, or the process received SIGTERM, SIGINT (ctrl-C) or SIGHUP. It is an
    /// error even when everything was applied before it could stop, because the process is meant to end.
    ///
    /// The lease is free, unless [`Report::left_running`] names something.
    #[error("the run was told to stop; {}", after_stop(.report, "whatever was still under way was not completed, and ", "the lease is free"))]
    Interrupted {
        /// What was done before.
        report: Box<Report>,
    },

    /// The run had to stop, and ended without the server's answer to what was under way. The server cannot be reached, or it
    /// acknowledges no majority writes: with most members of a replica set down, or after `fsyncLock`.
    ///
    /// Nothing of the run begins after this. What was under way may still take effect, as soon as the server goes on; if the
    /// process lives until then, the lease is released, or else it expires.
    #[error("{reason}, but MongoDB has not answered the attempt to {doing}: it does not acknowledge majority writes (too few members of the replica set are up, or it is locked by `fsyncLock`), or it cannot be reached. {}", after_stop(.report, "", "That attempt may still take effect; only what the report lists as applied is known to be. The next run reads the records and goes on from there"))]
    Unacknowledged {
        /// Why the run had to stop, in words.
        reason: String,
        /// What was under way.
        doing: String,
        /// Whether it was told to stop, as with [`Error::Interrupted`], so that the process is meant to end.
        interrupted: bool,
        /// What was done before, as far as that is known.
        report: Box<Report>,
    },

    /// A body took longer than its `timeout`.
    #[error("the migration took longer than its timeout of {} and was stopped", Elapsed(*.limit))]
    TimedOut {
        /// The limit.
        limit: Duration,
    },

    /// The server has no transactions and the migrator was told to require them.
    #[error(
        "this server has no transactions (it is a standalone mongod), and `Transactions::Required` is set. Run it as a replica set (a single node will do: `--replSet rs0`), or use `Transactions::Auto`"
    )]
    TransactionsRequired,

    /// A transaction ran longer than the server allows (`transactionLifetimeLimitSeconds`, 60 s by default).
    #[error(
        "the transaction outlived the server's limit (transactionLifetimeLimitSeconds, 60 s by default) and was rolled back. Split the migration, or take `&Database` and make it repeatable"
    )]
    TransactionTooSlow {
        /// The driver's error.
        source: mongodb::error::Error,
    },

    /// A transaction changed more than the server's cache can hold.
    #[error(
        "the transaction is too large for the server's cache and was rolled back. Split the migration, or take `&Database` and make it repeatable"
    )]
    TransactionTooLarge {
        /// The driver's error.
        source: mongodb::error::Error,
    },

    /// A `Tx` body asked for something that the server does not do in a transaction, whose label asks for another attempt all the
    /// same: reading a capped collection, or `$out`, say. Nothing of the transaction is left.
    #[error(
        "the server does not do this in a transaction: {}. Do it in a migration of its own that takes `&Database` and can be repeated, or `Schema` for \
         indexes and collections", Readable(.source)
    )]
    OutsideTransactions {
        /// The driver's error.
        source: mongodb::error::Error,
    },

    /// The transaction was rolled back by transient errors on every attempt.
    #[error(
        "the transaction was rolled back by the server {attempts} times, the last time with: {}{}",
        Readable(.source),
        aborted_again(.source)
    )]
    TransactionAborted {
        /// How often the body ran.
        attempts: u32,
        /// The last of them.
        source: mongodb::error::Error,
    },

    /// An operation failed, but the body went on. If it was in a transaction, the server has rolled that back; if it was one of
    /// `Schema`, the next run resumes there.
    #[error("an error was ignored: `{operation}` failed ({}), which ends the whole migration, but the body went on. Return the error with `?`, or avoid it beforehand", Readable(.source))]
    IgnoredError {
        /// What failed, as `<kind> on <collection>`.
        operation: String,
        /// Its error.
        source: mongodb::error::Error,
    },

    /// The body of a `Schema` migration is another one than the body that has run in part: it does not make the calls again
    /// that have had their effect.
    #[error("{}", changed(*.position, .recorded, .now.as_deref(), *.same_code))]
    BodyChanged {
        /// The place of the first call that differs, counted from 1.
        position: usize,
        /// The call that was made there.
        recorded: String,
        /// The call that is made there now; `None` when the body ends before.
        now: Option<String>,
        /// Whether the code has not changed, so that the body depends on something else than the database.
        same_code: bool,
    },

    /// An operation of `Schema` was interrupted, and what is there does not tell whether it took effect.
    #[error(
        "it is not known whether operation {position}, {operation}, took effect before it was interrupted: {found}. Nothing was \
         changed. Look at it, and either finish the migration by hand and say so with `mark_applied`, or undo it by hand and say \
         so with `mark_pending`"
    )]
    InDoubt {
        /// The place of the operation, counted from 1.
        position: usize,
        /// What was called, on what.
        operation: String,
        /// What is there.
        found: String,
    },

    /// A migration whose `down` has run in part cannot be applied, because what that has undone would be taken for done.
    #[error(
        "'{id}' is half reverted, so its `up` was not run. Run its `down` again, which resumes where it stopped; or repair it by \
         hand and say how it is now with `mark_applied` or `mark_pending`"
    )]
    PartiallyReverted {
        /// Its qualified id.
        id: &'static str,
    },

    /// It cannot be known from here whether the commit took effect.
    #[error("the connection was lost while committing, and the outcome cannot be determined: {}. The next run reads the record and goes on from there", Readable(.source))]
    CommitUnknown {
        /// The last error of the commit.
        source: mongodb::error::Error,
    },

    /// A body panicked.
    #[error("the migration panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },

    /// An operation that the argument's type does not allow.
    #[error("{0}")]
    Refused(String),

    /// A migration failed, or its `down`. Its transaction, if it had one, was rolled back; later ones did not run, or with
    /// [`continue_on_error`](crate::migrator::Up::continue_on_error) only those that do not depend on it.
    #[error("{}'{id}' failed: {message}. {}", what(*.direction), aftermath(.report, *.direction, *.remains, &**.source))]
    Failed {
        /// Qualified id of the first one that failed.
        id: String,
        /// Whether it was being applied or reverted.
        direction: Direction,
        /// Its error in words.
        message: String,
        /// Its error as it was returned.
        source: Arc<dyn std::error::Error + Send + Sync>,
        /// What was done, and what was not.
        report: Box<Report>,
        /// What is left of it in the database.
        remains: Remains,
    },

    /// A `Tx` migration or its `down` failed on a server without transactions: what it wrote before the failure is still
    /// there.
    #[error(
        "{}'{id}' failed half-way on a server without transactions: {message}. The data may be half changed, so the application must not go on. {}", what(*.direction), AFTER_HALF
    )]
    Partial {
        /// Qualified id of the migration.
        id: String,
        /// Whether it was being applied or reverted.
        direction: Direction,
        /// Its error in words.
        message: String,
        /// Its error as it was returned.
        source: Arc<dyn std::error::Error + Send + Sync>,
        /// What was done, and what was not.
        report: Box<Report>,
    },

    /// Some of several databases could not be migrated; the others were. Made by
    /// [`Tenants::into_result`](crate::migrator::Tenants::into_result).
    #[error("{} of {} databases could not be migrated:{}", .tenants.failed().count(), .tenants.len(), failures(.tenants))]
    Tenants {
        /// What became of each of them.
        tenants: Box<Tenants>,
    },

    /// `Tx` migrations failed or were interrupted on a server without transactions, in this run or an earlier one, and nobody
    /// has said since that the data is right again. Running them again by itself could change the same data twice.
    #[error(
        "half-way through on a server without transactions: {}. The data may be half changed. {}", .ids.join(", "), AFTER_HALF
    )]
    PartiallyApplied {
        /// Their qualified ids.
        ids: Vec<String>,
    },

    /// Migrations that are not linked into this program may have left data half changed: a `Tx` migration failed on a server without
    /// transactions, or a `&Database` migration was interrupted, and nobody is running it. A program that does not know what they
    /// do must not go on upon such data.
    #[error(
        "not linked into this program, and the data may be half changed: {}. Start the program that they belong to: there a `&Database` migration runs again with the next `up`, and a `Tx` migration is named (`.only(..)`) or marked (`mark_applied`, `mark_pending`) once the data is repaired. Without that program, repair the data and remove the records with `prune`", .ids.join(", ")
    )]
    PartiallyAppliedElsewhere {
        /// Their qualified ids.
        ids: Vec<String>,
    },

    /// The `verify` function of a migration says that it did not have its effect, although its body returned Ok.
    #[error("it ran, but its `verify` function says that it did not have its effect{}", because(.source.as_deref()))]
    VerificationFailed {
        /// The error of the function itself, if it returned one.
        source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    },

    /// The run took longer than its time limit. What was under way was stopped and is on record as failed.
    #[error("the run took longer than its time limit of {} and was stopped between two server calls; {}", Elapsed(*.limit), after_stop(.report, "", "the lease is free, and the next `up` goes on from there"))]
    RunTimedOut {
        /// The limit.
        limit: Duration,
        /// What was done before.
        report: Box<Report>,
    },

    /// A migration cannot be reverted because it has no `down`.
    #[error("Migration '{id}' cannot be reverted: {}.", .reason.unwrap_or("it has no `down`, and gives no reason for that"))]
    Irreversible {
        /// Its qualified id.
        id: &'static str,
        /// What it says with `irreversible = "..."`.
        reason: Option<&'static str>,
    },

    /// A migration cannot be reverted, or marked as pending, while others that depend on it are applied. Of many thousands that
    /// cannot, only the first ones are listed.
    #[error(
        "Migration '{id}' cannot be taken back while these depend on it and are applied: {}. {}.",
        .dependents.join(", "), first(*.selected)
    )]
    DependentsApplied {
        /// Its qualified id.
        id: &'static str,
        /// The qualified ids of those that depend on it, directly or not, the last applied first.
        dependents: Vec<&'static str>,
        /// Whether all of them are selected, so that they could be taken back in the same run.
        selected: bool,
    },

    /// A migration cannot be marked as applied while something that it depends on is pending.
    #[error(
        "Migration '{id}' cannot be marked as applied while these, on which it depends, are pending: {}. \
         Mark them as well, or apply them first.", .dependencies.join(", ")
    )]
    DependenciesPending {
        /// Its qualified id.
        id: &'static str,
        /// The qualified ids of the pending ones that it names in its `deps`.
        dependencies: Vec<&'static str>,
    },

    /// A record can be removed only if its migration is not linked into this program.
    #[error(
        "Migration '{id}' is linked into this program, so its record is no orphan and stays. To have it run again, say so \
         with `mark_pending`."
    )]
    NotAnOrphan {
        /// Its qualified id.
        id: &'static str,
    },

    /// A page of the history was asked for that is too long, or empty.
    #[error("A page of the history has 1 to 500 entries, not {limit}. Ask for the next ones with `skip`.")]
    PageSize {
        /// What was asked for.
        limit: u32,
    },

    /// Something that was applied later is not linked into this program, so it is not known how to revert it, nor what it
    /// depends on.
    #[error(
        "These were applied later, but are not linked into this program, so that they cannot be reverted first: {}. \
         Link them in, remove their records with `prune`, or name what is to be reverted with `.only(..)`.", .ids.join(", ")
    )]
    OrphansAppliedLater {
        /// Their qualified ids.
        ids: Vec<String>,
    },

    /// A migration was named that has to be applied, and is not.
    #[error("Migration '{id}' is not applied.")]
    NotApplied {
        /// Its qualified id.
        id: String,
    },

    /// Migrations depend on each other in a circle. Found by [`Registry::verify`](crate::plan::Registry::verify).
    #[error(
        "Circular dependency detected: {}. Remove one of these dependencies to break the cycle.",
        .path.join(" -> ")
    )]
    Cycle {
        /// Qualified ids, each depending on the next; the first one is the smallest and is repeated at the end.
        path: Vec<&'static str>,
    },

    /// A dependency that is not linked in. Found by [`Registry::verify`](crate::plan::Registry::verify).
    #[error(
        "Migration '{migration}' depends on '{dependency}', but that migration was not found. \
         Ensure the dependency exists or remove it from its deps.{}",
        did_you_mean(.nearest.as_deref())
    )]
    MissingDependency {
        /// Qualified id of the migration that names the dependency.
        migration: &'static str,
        /// The qualified id that was not found.
        dependency: &'static str,
        /// The linked-in qualified id that was probably meant.
        nearest: Option<&'static str>,
    },

    /// Two linked-in migrations have the same qualified id. Found by [`Registry::verify`](crate::plan::Registry::verify).
    #[error(
        "Two migrations have the id '{id}': {}:{} and {}:{}. Give one of them another id.",
        .first.0, .first.1, .second.0, .second.1
    )]
    DuplicateId {
        /// The qualified id.
        id: &'static str,
        /// File and line of one of the functions.
        first: (&'static str, u32),
        /// File and line of the other.
        second: (&'static str, u32),
    },

    /// [`Registry::source`](crate::plan::Registry::source) named a source that none of the migrations belongs to.
    #[error(
        "No linked-in migration belongs to source '{name}'. {}",
        known_sources(.known)
    )]
    UnknownSource {
        /// The source as it was named.
        name: String,
        /// The sources that were there to choose from.
        known: Vec<Source<'static>>,
    },

    /// A connection string, or options of the driver, that no client can be made of. It is not quoted, because it may carry a
    /// password.
    #[error("the connection string {problem}. {help}")]
    ConnectionString {
        /// What is wrong with it; the sentence goes on.
        problem: String,
        /// What to do about it.
        help: &'static str,
    },

    /// The database is one of the server's own: `admin`, `config` or `local`. Consoles of hosting providers end their connection
    /// strings with `/admin`, because that is where the user is looked up. Nothing was asked of the server.
    #[error(
        "the database '{name}' is the server's own and is not migrated. Name the application's: end the connection string with /NAME?authSource=admin, or give another name"
    )]
    ReservedDatabase {
        /// Its name.
        name: String,
    },

    /// No database is called this, or nobody could type it. Nothing was asked of the server.
    #[error("the name of the database, {}, {problem}. {}", quoted(.name), Self::DATABASE_NAME)]
    DatabaseName {
        /// The name, with escapes for what does not show.
        name: String,
        /// What is wrong with it; the sentence goes on.
        problem: String,
    },

    /// No name server knows the host in a connection string of the form `mongodb+srv://`.
    #[error("cannot reach MongoDB: its name was not found. {}", Self::HOST_NOT_FOUND)]
    HostNotFound,

    /// An option of the migrator, of a run, of [`for_each`](crate::migrator::Migrator::for_each) or of [`Schema`](crate::context::Schema) has a value
    /// that makes no sense.
    #[error("the option `{option}` is {value}, but takes {accepted}. Correct it, or leave it out to have the default")]
    InvalidOption {
        /// The option: the name of the builder's method.
        option: &'static str,
        /// What it was set to.
        value: String,
        /// What it takes.
        accepted: &'static str,
    },

    /// Several mistakes at once, each of them to be corrected on its own: in one set of linked-in migrations, in the
    /// environment, in the options, or among the migrations that were named.
    #[error("{}", list(.errors))]
    Several {
        /// Two errors or more. Those of a set of migrations are in the order: source, duplicates, missing
        /// dependencies, cycles.
        errors: Vec<Error>,
    },

    /// A migration was named that is not linked in.
    #[error(
        "Migration '{id}' was not found among the linked-in migrations. \
         Check its id, and that the crate that declares it is linked in.{}",
        did_you_mean(.nearest.as_deref())
    )]
    UnknownMigration {
        /// The id as it was given.
        id: String,
        /// The linked-in qualified id that was probably meant.
        nearest: Option<&'static str>,
    },

    /// A migration was named that is linked in, but does not belong to the selected source.
    #[error("Migration '{id}' does not belong to the selected source. Select its source, or leave it out.")]
    NotSelected {
        /// Its qualified id.
        id: &'static str,
    },

    /// A pending migration depends on one of a source that is not selected, and that one is not completed.
    #[error(
        "Migration '{migration}' depends on '{dependency}', which is not completed and does not belong to the \
         selected source. Apply '{dependency}' first, or do not restrict the registry to one source."
    )]
    UnselectedDependency {
        /// Qualified id of the pending migration.
        migration: &'static str,
        /// Qualified id of what it depends on, directly or through others.
        dependency: &'static str,
    },

    /// A migration was named whose dependency is manual and not completed, and was not named with it.
    #[error(
        "Migration '{migration}' depends on '{dependency}', which is manual and not completed. \
         Name '{dependency}' as well to run it first."
    )]
    ManualDependency {
        /// Qualified id of the migration that cannot run.
        migration: &'static str,
        /// Qualified id of the manual migration it depends on, directly or through others.
        dependency: &'static str,
    },

    /// A variable of the environment that cannot be understood. Nothing was done.
    #[error(
        "the environment variable {name} is '{value}', but takes {accepted}. Correct it, or unset it to have the default"
    )]
    Variable {
        /// Its name.
        name: &'static str,
        /// Its value, with a replacement character for what is not Unicode.
        value: String,
        /// What it takes, in words.
        accepted: String,
    },
}

impl Error {
    /// What was done before the run ended with this error, if it had begun.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Failed { report, .. }
            | Self::Partial { report, .. }
            | Self::LeaseLost { report, .. }
            | Self::RunTimedOut { report, .. }
            | Self::Unacknowledged { report, .. }
            | Self::Interrupted { report } => Some(report),
            _ => None,
        }
    }

    /// Whether its message says all that there is to do.
    pub(crate) fn names_its_cure(&self) -> bool {
        matches!(self, Self::BodyChanged { .. } | Self::InDoubt { .. } | Self::PartiallyReverted { .. })
    }

    /// One of ours as it was, before it was put into a box.
    pub(crate) fn unboxed(error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        match error.downcast() {
            Ok(ours) => *ours,
            Err(other) => Self::Refused(readable(&*other)),
        }
    }

    /// For a log: what a body's error says may quote what is stored, and so is left to the record.
    pub(crate) fn redacted(&self) -> String {
        match self {
            Self::Failed { id, direction, .. } | Self::Partial { id, direction, .. } => {
                format!("{}'{id}' failed; its record tells why", what(*direction))
            }
            _ => self.to_string(),
        }
    }

    /// Ok for no errors, the only error, or [`Several`](Self::Several).
    pub fn gather(mut errors: Vec<Self>) -> Result<(), Self> {
        match errors.len() {
            0 | 1 => errors.pop().map_or(Ok(()), Err),
            _ => Err(Self::Several { errors }),
        }
    }
}
