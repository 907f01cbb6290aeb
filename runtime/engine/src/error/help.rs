//! What to do about an error, in terms of the library.

use std::error::Error as StdError;

use super::Error;
use super::codes::{self, Class, Cure, LEGACY_NOT_PRIMARY, NOT_PRIMARY_NO_SECONDARY_OK, NOT_WRITABLE_PRIMARY};
use super::server::{class, code};
use crate::display::Elapsed;
use crate::migration::Direction;
use crate::report::{Remains, Report};

const NAMES: &str = "use other names for Mongrate's collections: \
     `Migrator::builder(db).names(Names::prefixed(\"mongrate\"))`";
const HISTORY: &str = "report it with `Migrator::builder(db).first_use(..)`, or record it once with `migrator.baseline(id)`, \
     which `migrator.detect()` can suggest";
const PARTIAL: &str = "repair the data; then run the migration again by naming it (`.only(..)`), or record its state with \
     `mark_applied` or `mark_pending`";
const SMALLER: &str = "split the migration, or take `&Database` and make the body repeatable";
const DRY_RUN: &str = "this was a dry run; nothing was changed or recorded";

impl Error {
    /// What to do about it, and the state that it left, in terms of the library. Reads well after `help: `: without a capital
    /// letter and a period. Several lines for [`Several`](Self::Several).
    #[expect(clippy::too_many_lines, reason = "a table")]
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Unreachable { source, .. } => match code(source) {
                None => "check that the server is running, and that the connection string names its host and port",
                Some(LEGACY_NOT_PRIMARY | NOT_WRITABLE_PRIMARY | NOT_PRIMARY_NO_SECONDARY_OK) => {
                    "this server is not the primary; try again in a moment. With `directConnection=true` in the connection \
                     string, the driver looks for no other server: name the primary, or use `replicaSet=NAME` instead"
                }
                Some(_) => "it is starting, electing a primary or shutting down; try again in a moment",
            },
            Self::HostNotFound => "check the host name, and that this machine can resolve it",
            Self::NotAuthorized { source, .. } => match class(source) {
                Class::Cured(Cure::Credentials) => {
                    "check the user, the password and `authSource` in the connection string"
                }
                _ => {
                    "grant the user `readWrite` and `dbAdmin` on this database, or the privileges that \
                     docs/guide/privileges.md lists for each step"
                }
            },
            Self::ConnectionString { help, .. } => help,
            Self::ReservedDatabase { .. } => {
                "name the application's database: end the connection string with /NAME?authSource=admin, or pass \
                 another name"
            }
            Self::DatabaseName { .. } => {
                "a database name has 1 to 63 bytes, and contains no white space, no control characters and none of / \\ . \" $"
            }
            Self::InvalidOption { .. } => "correct it, or leave it out to use the default",
            Self::Variable { .. } => "correct it, or unset it to use the default",
            Self::PageSize { .. } => "read the next entries with `skip`",
            Self::TransactionsRequired => {
                "run it as a replica set (a single node is enough: `mongod --replSet rs0`), or use `Transactions::Auto`"
            }
            Self::ForeignCollection { .. } => {
                return Some(format!(
                    "{NAMES}. If the changes of the migrations have been made by other means, {HISTORY}"
                ));
            }
            Self::UnsuitableCollection { .. } => NAMES,
            Self::AlreadyInEffect { .. } => {
                return Some(format!("{HISTORY}. To run everything on a test database, use `.assume_new()`"));
            }
            Self::FirstUseFailed { .. } | Self::FirstUseTimedOut { .. } => {
                "correct the function set with `.first_use(..)`; it is called again by the next `up`"
            }
            Self::UnreadableRecord { .. } => "upgrade Mongrate, or repair the record",

            Self::UnknownSource { known, .. } if known.is_empty() => {
                "no migration is linked in: name each crate that declares migrations once, for example \
                 `use whale_alerts as _;`"
            }
            Self::UnknownSource { known, .. } => {
                let known: Vec<_> = known.iter().map(|source| format!("'{source}'")).collect();
                return Some(format!("the linked-in sources are {}", known.join(", ")));
            }
            Self::MissingDependency { nearest: Some(nearest), .. }
            | Self::UnknownMigration { nearest: Some(nearest), .. } => {
                return Some(format!("did you mean '{nearest}'?"));
            }
            Self::MissingDependency { .. } => "correct its `deps`, or link in the crate that declares the dependency",
            Self::UnknownMigration { .. } => {
                "check the id, and that the crate that declares the migration is linked in"
            }
            Self::DuplicateId { .. } => "give one of them another id",
            Self::Cycle { .. } => "remove one of these dependencies",
            Self::NotSelected { .. } => "select its source, or leave out the migration",
            Self::UnselectedDependency { dependency, .. } => {
                return Some(format!("apply '{dependency}' first, or do not restrict the registry to one source"));
            }
            Self::ManualDependency { dependency, .. } => {
                return Some(format!("name '{dependency}' as well to run it first"));
            }
            Self::PlanChanged { .. } => "make a new plan, and confirm that one",
            Self::Excluded { .. } => "check the environment that this program sets",
            Self::ConditionPanicked { .. } => "correct the function; if a value can be missing, let it return `false`",
            Self::NotProvided { .. } => "pass a value to `provide` of the builder, before `build` or `boot`",
            Self::Several { errors } => {
                let mut lines: Vec<_> = errors.iter().filter_map(Self::help).collect();
                lines.dedup();
                return Some(lines.join("\n")).filter(|help| !help.is_empty());
            }

            Self::Pending { .. } => "apply pending migrations before this program starts, or set MONGRATE_AUTO=true",
            Self::Required { .. } => "apply it, or wait until another process has applied it",
            Self::Drift { .. } => {
                "undo the change and write a new migration instead, or allow it with `.drift(Policy::Warn)`"
            }
            Self::Partial { .. } | Self::PartiallyApplied { .. } => PARTIAL,
            Self::PartiallyAppliedElsewhere { .. } => {
                "start the program that they belong to: there the next `up` runs a `&Database` migration again, and a `Tx` \
                 migration is named (`.only(..)`) or marked (`mark_applied`, `mark_pending`) once the data is repaired. \
                 Without that program, repair the data and remove the records with `prune`"
            }
            Self::PartiallyReverted { .. } => {
                "run its `down` again, which resumes where it stopped; or repair the data by hand and record the state with \
                 `mark_applied` or `mark_pending`"
            }
            Self::Irreversible { .. } => {
                "write a new migration that undoes it; or undo it by hand and record that with `mark_pending`"
            }
            Self::DependentsApplied { selected: true, .. } => {
                "revert or mark them first, or in the same call (for a `down`, with `.with_dependents(true)`)"
            }
            Self::DependentsApplied { .. } => {
                "some of them belong to a source that is not selected: revert those first, or do not restrict the registry \
                 to one source"
            }
            Self::DependenciesPending { .. } => "mark them as well, or apply them first",
            Self::OrphansAppliedLater { .. } => {
                "link them in, remove their records with `prune`, or name the migrations to revert with `.only(..)`"
            }
            Self::NotAnOrphan { .. } => "to run the migration again, use `mark_pending`",

            Self::LockTimeout { take_over: Some(wait), .. } => {
                return Some(format!(
                    "that process is probably dead: with any `lock_wait` other than zero, a run takes over after {}",
                    Elapsed(*wait)
                ));
            }
            Self::HolderChanged { .. } => "look at the lock again, and decide about its present holder",
            Self::LockTimeout { .. } => "wait until that process has finished, or raise `lock_wait`",
            Self::LeaseLost { report, shared_pool } => return Some(lease_lost(report, *shared_pool)),
            Self::Interrupted { report } => {
                return Some(after_stop(report, "the lock is free, and the next run continues from there"));
            }
            Self::RunTimedOut { report, .. } => {
                return Some(after_stop(report, "the lock is free, and the next `up` continues from there"));
            }
            Self::Unacknowledged { report, .. } => {
                return Some(after_stop(
                    report,
                    "the server cannot be reached, or it acknowledges no majority writes (too few members of the replica \
                     set are up, or it is locked by `fsyncLock`). The attempt may still take effect; only what \
                     the report lists as applied is certain",
                ));
            }

            Self::Failed { report, direction, remains, source, .. } => {
                return after_failure(report, *direction, *remains, &**source);
            }
            Self::TransactionTooSlow { .. } | Self::TransactionTooLarge { .. } => SMALLER,
            Self::OutsideTransactions { .. } => {
                "do it in a migration of its own that takes `&Database` and is repeatable, or `Schema` for indexes and \
                 collections"
            }
            Self::TransactionAborted { source, .. } if code(source) == Some(codes::WRITE_CONFLICT) => {
                "if nothing else writes the same documents, the transaction may be too large for the server's cache: \
                 split the migration"
            }
            Self::CommitUnknown { .. } => "the next run reads the record and continues from there",
            Self::IgnoredError { .. } => {
                "return the error with `?`, or avoid it: one failed operation ends the whole migration"
            }
            Self::BodyChanged { position, .. } => {
                return Some(format!(
                    "restore the body up to operation {position}, and the next run resumes after it; or finish the migration by \
                     hand and use `mark_applied`; or use `mark_pending`, and it starts over, repeating what it did"
                ));
            }
            Self::InDoubt { .. } => {
                "nothing was changed. Inspect the database; then finish the migration by hand and use `mark_applied`, or \
                 undo it by hand and use `mark_pending`"
            }
            Self::NotUnderway { .. } => "`backfills` lists those that there are",
            Self::Server { .. }
            | Self::NotApplied { .. }
            | Self::TimedOut { .. }
            | Self::TransactionAborted { .. }
            | Self::Panicked { .. }
            | Self::Refused(_)
            | Self::VerificationFailed { .. } => return None,
        };
        Some(help.to_owned())
    }
}

fn lease_lost(report: &Report, shared_pool: bool) -> String {
    // What went on outside of transactions.
    let notes = report.stopped().map_or(&[][..], |stopped| &stopped.notes);
    let state = ["nothing was committed after that"].into_iter().chain(notes.iter().map(String::as_str));
    let pool = if shared_pool {
        ". If the body used the client's whole pool, its heartbeats waited for a connection: connect with \
         `Migrator::connect`, or set `lease_client` or a larger `maxPoolSize`"
    } else {
        ""
    };
    format!("{}. Another process continues, or the next boot does{pool}", state.collect::<Vec<_>>().join("; "))
}

fn after_stop(report: &Report, state: &str) -> String {
    match still_running(report) {
        Some(left) => left,
        None if report.is_dry_run() => DRY_RUN.to_owned(),
        None => state.to_owned(),
    }
}

/// Why the lock was not released.
fn still_running(report: &Report) -> Option<String> {
    let left = report.left_running();
    (!left.is_empty()).then(|| format!("the lease was not released and has to expire: {}", left.join("; ")))
}

fn after_failure(
    report: &Report,
    direction: Direction,
    remains: Remains,
    source: &(dyn StdError + 'static),
) -> Option<String> {
    // The help of these is a part of the message.
    let is_explained = matches!(
        source.downcast_ref(),
        Some(Error::BodyChanged { .. } | Error::InDoubt { .. } | Error::PartiallyReverted { .. })
    );
    let state =
        (!is_explained).then(|| if report.is_dry_run() { DRY_RUN } else { state(direction, remains) }.to_owned());
    let parts: Vec<_> = state.into_iter().chain(still_running(report)).collect();
    Some(parts.join("; ")).filter(|help| !help.is_empty())
}

fn state(direction: Direction, remains: Remains) -> &'static str {
    match (direction, remains) {
        (Direction::Up, Remains::Nothing) => "this attempt changed nothing; the next `up` tries again",
        (Direction::Up, Remains::Repeatable | Remains::Partial) => {
            "its changes so far remain; the next `up` runs it again from the beginning"
        }
        (Direction::Up, Remains::Resumable) => {
            "what it did so far remains and is recorded; the next `up` resumes where it stopped"
        }
        (Direction::Up, Remains::All) => {
            "it is applied and does not run again: check the data, or the `verify` function, before the application \
             continues"
        }
        (_, Remains::Unknown) => "it took effect completely or not at all",
        (Direction::Down, Remains::Nothing) => "nothing is reverted",
        (Direction::Down, Remains::Resumable) => {
            "what it did so far remains and is recorded, so the migration is partially reverted; the next `down` resumes \
             where it stopped"
        }
        (Direction::Down, Remains::Repeatable | Remains::Partial | Remains::All) => {
            "its changes so far remain, so the migration is partially reverted: run the `down` again, or let the next `up` \
             apply it again"
        }
    }
}
