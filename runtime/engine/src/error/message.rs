//! What happened, and where.

use super::Error;
use super::readable::{Readable, in_one_line, source_chain};
use super::server::code;
use crate::display::{Elapsed, plural};
use crate::migration::{Direction, State};

impl Error {
    /// What happened, and where. Reads well after `error: `: without a capital letter and a period.
    #[expect(clippy::too_many_lines, reason = "a table")]
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Unreachable { doing, source } => match code(source) {
                Some(_) => format!("MongoDB is not ready to {doing}: {}", Readable(source)),
                None => format!("cannot reach MongoDB to {doing}: {}", Readable(source)),
            },
            Self::HostNotFound => "cannot reach MongoDB: its host name was not found".to_owned(),
            Self::NotAuthorized { doing, source } => format!("MongoDB refused to {doing}: {}", Readable(source)),
            Self::Server { doing, source } => format!("could not {doing}: {}", Readable(source)),

            Self::ConnectionString { problem, .. } => format!("the connection string {problem}"),
            Self::ReservedDatabase { name } => {
                format!("the database '{name}' belongs to the server and cannot be migrated")
            }
            Self::DatabaseName { name, problem } => format!("the database name {} {problem}", quoted(name)),
            Self::InvalidOption { option, value, accepted } => {
                format!("the option `{option}` is {value}, but takes {accepted}")
            }
            Self::Variable { name, value, accepted } => {
                format!("the environment variable {name} is '{value}', but takes {accepted}")
            }
            Self::PageSize { limit } => format!("a page of the history has 1 to 500 entries, not {limit}"),
            Self::TransactionsRequired => {
                "this server has no transactions (it is a standalone mongod), and this application requires them"
                    .to_owned()
            }

            Self::ForeignCollection { collection, example, made_by } => format!(
                "the collection '{collection}' holds documents that are not Mongrate's (for example \
                 `_id: {example}`{made_by}); it was left untouched"
            ),
            Self::UnsuitableCollection { collection, kind } => {
                format!("'{collection}' is {kind}, which cannot hold Mongrate's documents; it was left untouched")
            }
            Self::AlreadyInEffect { ids } => format!(
                "this database has no records of Mongrate, but migrations are in effect: {}; nothing was run",
                ids.join(", ")
            ),
            Self::FirstUseFailed { message, .. } => {
                format!("could not find out what was applied to this database before: {message}; nothing was run")
            }
            Self::FirstUseTimedOut { limit } => format!(
                "could not find out what was applied to this database before: the application did not answer within {}; \
                 nothing was run",
                Elapsed(*limit)
            ),
            Self::UnreadableRecord { id, reason } => {
                format!("this version of Mongrate cannot read the record of '{id}': {reason}; it was left untouched")
            }

            Self::UnknownSource { name, .. } => {
                format!("no migration of the source '{name}' is linked into this program")
            }
            Self::DuplicateId { id, first, second } => {
                format!("two migrations have the id '{id}': {}:{} and {}:{}", first.0, first.1, second.0, second.1)
            }
            Self::MissingDependency { migration, dependency, .. } => {
                format!("'{migration}' depends on '{dependency}', which is not linked into this program")
            }
            Self::Cycle { path } => format!("migrations depend on each other in a cycle: {}", path.join(" -> ")),
            Self::UnknownMigration { id, .. } => format!("no migration '{id}' is linked into this program"),
            Self::NotSelected { id } => format!("'{id}' belongs to a source that is not selected"),
            Self::UnselectedDependency { migration, dependency } => format!(
                "'{migration}' depends on '{dependency}', which is not completed and belongs to a source that is not \
                 selected"
            ),
            Self::ManualDependency { migration, dependency } => {
                format!(
                    "'{migration}' depends on '{dependency}', which is not completed and runs only when it is named"
                )
            }
            Self::PlanChanged { migration, dependency } => format!(
                "'{migration}' depends on '{dependency}', which has become pending since the plan was made; nothing was \
                 applied"
            ),
            Self::Excluded { id, condition } => {
                format!("'{id}' does not belong to this database, because it runs {condition}")
            }
            Self::ConditionPanicked { id, message } => {
                format!("the condition of '{id}' panicked: {message}; nothing was run")
            }
            Self::NotProvided { id, name } => {
                format!("'{id}' needs a value of the type `{name}`, which this program does not provide")
            }
            Self::Several { errors } => {
                let messages = errors.iter().map(|error| format!("\n  {}", error.message()));
                format!("{} problems:{}", errors.len(), messages.collect::<String>())
            }

            Self::Pending { ids } => {
                format!(
                    "{} pending: {}",
                    if ids.len() == 1 { "1 migration is".to_owned() } else { format!("{} migrations are", ids.len()) },
                    ids.join(", ")
                )
            }
            Self::Required { id, state } => {
                format!("this program requires the migration '{id}', which {}", status(*state))
            }
            Self::Drift { ids } => format!("applied migrations have changed since they ran: {}", ids.join(", ")),
            Self::PartiallyApplied { ids } => {
                format!("partially applied on a server without transactions: {}", ids.join(", "))
            }
            Self::PartiallyAppliedElsewhere { ids } => {
                format!("not linked into this program, and possibly partially applied: {}", ids.join(", "))
            }
            Self::PartiallyReverted { id } => format!("'{id}' is partially reverted, so its `up` was not run"),
            Self::Irreversible { id, reason } => {
                format!("'{id}' cannot be reverted: {}", reason.unwrap_or("it has no `down`"))
            }
            Self::DependentsApplied { id, dependents, .. } => format!(
                "'{id}' cannot be reverted or marked as pending while its dependents are applied: {}",
                dependents.join(", ")
            ),
            Self::DependenciesPending { id, dependencies } => format!(
                "'{id}' cannot be marked as applied while its dependencies are pending: {}",
                dependencies.join(", ")
            ),
            Self::OrphansAppliedLater { ids } => format!(
                "later migrations are not linked into this program, so they cannot be reverted first: {}",
                ids.join(", ")
            ),
            Self::NotAnOrphan { id } => {
                format!("'{id}' is linked into this program, so its record is not an orphan and was kept")
            }
            Self::NotUnderway { id } => format!("'{id}' is not a backfill that is underway or has failed"),
            Self::NotApplied { id } => format!("'{id}' is not applied"),

            Self::LockTimeout { holder, waited, .. } => {
                format!("gave up after {}: this database is being migrated by {holder}", Elapsed(*waited))
            }
            Self::HolderChanged { holder } => {
                let now =
                    holder.as_ref().map_or_else(|| "it is free".to_owned(), |holder| format!("it is held by {holder}"));
                format!("the migration lock was not released, because it has changed hands: {now}")
            }
            Self::LeaseLost { .. } => {
                "lost the migration lock: this process was paused or cut off from the server for \
                 too long, or somebody released the lock"
                    .to_owned()
            }
            Self::Interrupted { .. } => "the run was interrupted".to_owned(),
            Self::RunTimedOut { limit, .. } => {
                format!("the run exceeded its time limit of {} and was stopped", Elapsed(*limit))
            }
            Self::Unacknowledged { reason, doing, .. } => {
                format!("{reason}, but MongoDB has not answered the attempt to {doing}")
            }

            Self::Failed { id, direction, message, .. } => format!("{} failed: {message}", subject(*direction, id)),
            Self::Partial { id, direction, message, .. } => {
                let state = match direction {
                    Direction::Up => "applied",
                    Direction::Down => "reverted",
                };
                let subject = subject(*direction, id);
                format!("{subject} failed on a server without transactions and is partially {state}: {message}")
            }
            Self::TimedOut { limit } => {
                format!("the migration exceeded its timeout of {} and was stopped", Elapsed(*limit))
            }
            Self::TransactionTooSlow { .. } => "the transaction exceeded the server's time limit \
                 (`transactionLifetimeLimitSeconds`, 60 s by default) and was rolled back"
                .to_owned(),
            Self::TransactionTooLarge { .. } => {
                "the transaction was too large for the server's cache and was rolled back".to_owned()
            }
            Self::OutsideTransactions { source } => {
                format!("MongoDB does not support this in a transaction: {}", Readable(source))
            }
            Self::TransactionAborted { attempts, source } => format!(
                "the server rolled back the transaction {}, the last time with: {}",
                plural(u64::from(*attempts), "time"),
                Readable(source)
            ),
            Self::CommitUnknown { source } => format!(
                "the connection was lost during the commit, and the outcome cannot be determined: {}",
                Readable(source)
            ),
            Self::IgnoredError { operation, source } => {
                format!("the body ignored an error of `{operation}`: {}", Readable(source))
            }
            Self::BodyChanged { position, recorded, now, same_code } => {
                body_changed(*position, recorded, now.as_deref(), *same_code)
            }
            Self::InDoubt { position, operation, found } => format!(
                "it is unknown whether operation {position}, {operation}, took effect before it was interrupted: {found}"
            ),
            Self::Panicked { message } => format!("the migration panicked: {message}"),
            Self::Refused(reason) => reason.clone(),
            Self::VerificationFailed { source } => {
                let cause = source.as_deref().map(|error| format!(": {}", in_one_line(&source_chain(error))));
                let cause = cause.unwrap_or_default();
                format!("it ran, but its `verify` function reports that the effect is missing{cause}")
            }
        }
    }
}

pub(super) fn subject(direction: Direction, id: &str) -> String {
    match direction {
        Direction::Up => format!("migration '{id}'"),
        Direction::Down => format!("reverting '{id}'"),
    }
}

/// A database name that comes from a connection string. With one of these characters, it may be the rest of a password.
fn quoted(name: &str) -> String {
    if name.contains(['@', ':', '%', '/']) { "(not shown)".to_owned() } else { format!("'{name}'") }
}

fn status(state: State) -> &'static str {
    match state {
        State::New => "has not run here",
        State::Completed => "is completed",
        State::Failed => "failed in its last run",
        State::RolledBack => "was reverted",
        State::Interrupted => "is running or was interrupted",
        State::Partial => "is partially applied",
        State::Underway => "is underway",
        State::Canceled => "was canceled",
        State::Excluded => "is excluded here by its condition",
    }
}

fn body_changed(position: usize, recorded: &str, now: Option<&str>, same_code: bool) -> String {
    let now = now.map_or_else(|| "the body now ends before it".to_owned(), |now| format!("the body now calls: {now}"));
    let same = if same_code {
        ". Its code is unchanged, so it depends on something besides the database, such as the clock, a random name, a \
         provided value or the order of a `HashMap`"
    } else {
        ""
    };
    format!("the body has changed since it partially ran: operation {position} was: {recorded}; {now}{same}")
}
