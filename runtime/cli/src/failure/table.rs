//! Exit codes for the library's errors, and help that names commands.

use mongrate::display::Elapsed;
use mongrate::error::Error;
use mongrate::migration::Direction;
use mongrate::plan::Registry;
use mongrate::report::{Remains, Report};

use super::super::exit::Exit;
use super::super::invocation::migrate;

pub(super) fn exit(error: &Error) -> Exit {
    match error {
        Error::Server { .. } if error.is_temporary() => Exit::Unreachable,
        Error::Unacknowledged { interrupted: true, .. } | Error::Interrupted { .. } => Exit::Interrupted,
        Error::Unreachable { .. } | Error::HostNotFound | Error::Unacknowledged { .. } => Exit::Unreachable,
        Error::LockTimeout { .. } | Error::LeaseLost { .. } => Exit::NoLock,
        Error::Pending { .. } => Exit::Pending,
        Error::UnknownMigration { .. }
        | Error::NotSelected { .. }
        | Error::UnknownSource { .. }
        | Error::Variable { .. }
        | Error::InvalidOption { .. }
        | Error::ConnectionString { .. }
        | Error::ReservedDatabase { .. }
        | Error::DatabaseName { .. }
        | Error::PageSize { .. } => Exit::Usage,
        Error::Several { errors } => errors.iter().map(exit).reduce(Exit::and).unwrap_or(Exit::Failed),
        _ => Exit::Failed,
    }
}

pub(super) fn help(error: &Error) -> Option<String> {
    let m = migrate();
    Some(match error {
        Error::ForeignCollection { .. } => format!(
            "{}. If the changes of the migrations have been made by other means, record that next, with `{m} baseline ID`",
            other_names("ForeignCollection")
        ),
        Error::AlreadyInEffect { .. } => format!(
            "record what was applied before with `{m} baseline ID`; `{m} baseline --detect` suggests the migration. The \
             application can also report it: see docs/guide/adopting.md"
        ),
        Error::FirstUseFailed { .. } | Error::FirstUseTimedOut { .. } => format!(
            "correct the application's function for the first use, or record what was applied before with `{m} baseline ID`"
        ),
        Error::UnsuitableCollection { .. } => other_names("UnsuitableCollection"),
        Error::UnreadableRecord { .. } => "use a newer build of this application, or repair the record".to_owned(),
        Error::Drift { ids } => {
            format!("undo the change and write a new migration instead, or accept it with `{m} accept {}`", first(ids))
        }
        Error::Pending { .. } => format!("apply pending migrations with `MONGRATE_AUTO=true {m} up`"),
        Error::Required { id, .. } => format!("apply it with `{m} up {id}`"),
        Error::LockTimeout { take_over: Some(wait), .. } => format!(
            "that process is probably dead: with any `--lock-wait` other than 0, this command takes over after {}",
            Elapsed(*wait)
        ),
        Error::LockTimeout { .. } => format!(
            "wait longer with `--lock-wait 30m`. If that process is gone, its lease expires by itself, or release the lock \
             with `{m} lock release --because REASON`"
        ),
        Error::LeaseLost { .. } => {
            format!("nothing was committed after that; `{m} status` shows what is applied, and `{m} up` continues")
        }
        Error::Interrupted { report } => after_stop(
            report,
            format!("nothing had been done yet; `{m} status` shows the status of every migration"),
            format!("the lock is free; `{m} status` shows what is applied, and `{m} up` continues"),
        ),
        Error::RunTimedOut { report, .. } => after_stop(
            report,
            format!("nothing had been done yet; `{m} lock status` shows whether another process is migrating"),
            format!("the lock is free; `{m} up` continues, if need be with a longer `--timeout`"),
        ),
        Error::Unacknowledged { report, .. } if !report.is_dry_run() => format!(
            "the server cannot be reached, or it acknowledges no majority writes (too few members of the replica set are up, \
             or it is locked by `fsyncLock`). The attempt may still take effect; `{m} status` shows what is applied"
        ),
        Error::TransactionsRequired => {
            "run it as a replica set; a single node is enough: `mongod --replSet rs0`".to_owned()
        }
        Error::Failed { id, direction, report, remains, .. } => after_failure(id, *direction, *remains, report),
        Error::Partial { id, .. } => partially_applied(&m, id),
        Error::PartiallyApplied { ids } => partially_applied(&m, first(ids)),
        Error::PartiallyAppliedElsewhere { ids } => format!(
            "run `{m} up` of the program that they belong to. Without that program, repair the data and remove the records \
             with `{m} prune {}`",
            first(ids)
        ),
        Error::Irreversible { id, .. } => format!(
            "write a new migration that undoes it; or undo it by hand, and record that with `{m} mark pending {id}`"
        ),
        Error::DependentsApplied { id, selected: true, .. } => format!(
            "revert all of them with `{m} down {id} --with-dependents`; to change only the records, name all of them in \
             `{m} mark pending`"
        ),
        Error::DependentsApplied { .. } => {
            "some of them belong to a source that this application does not migrate; revert those first".to_owned()
        }
        Error::DependenciesPending { id, .. } => {
            format!("mark them as well, or everything up to this migration with `{m} baseline {id}`")
        }
        Error::NotAnOrphan { id } => format!("to run the migration again, use `{m} mark pending {id}`"),
        Error::OrphansAppliedLater { ids } => format!(
            "name the migration to revert with `{m} down ID`, or remove the records of the later ones with `{m} prune {}`",
            first(ids)
        ),
        Error::NotApplied { id } | Error::NotUnderway { id } => format!("`{m} show {id}` shows its status"),
        Error::PageSize { .. } => format!("read the next entries with `{m} history --limit 500 --skip 500`"),
        Error::UnknownMigration { id, nearest } => meant(&m, id, *nearest),
        Error::NotSelected { .. } => format!("`{m} status` lists the migrations that this application migrates"),
        Error::UnselectedDependency { dependency, .. } => {
            format!("apply '{dependency}' first, with the application that migrates its source")
        }
        Error::ManualDependency { migration, dependency } => {
            format!("name it as well: `{m} up {dependency} {migration}`")
        }
        Error::ReservedDatabase { .. } => {
            "end the connection string with /NAME?authSource=admin, which still looks up the \
             user in 'admin', or pass `--database NAME`"
                .to_owned()
        }
        Error::NotProvided { .. } => {
            "the application has to provide it: see `NotProvided` in docs/guide/operating.md".to_owned()
        }
        Error::InvalidOption { .. } => "correct it in the application or on the command line".to_owned(),
        Error::Several { errors } => {
            let mut helps: Vec<_> = errors.iter().filter_map(help).collect();
            helps.dedup();
            return Some(helps.join("\n")).filter(|help| !help.is_empty());
        }
        other => return other.help(),
    })
}

/// Where the guide has what to do about a collection of the same name.
fn other_names(row: &str) -> String {
    format!(
        "if this is the right database, configure other names for Mongrate's collections in the application: see `{row}` in \
         docs/guide/operating.md"
    )
}

const DRY_RUN: &str = "this was a dry run; nothing was changed or recorded";

fn after_stop(report: &Report, before_begin: String, state: String) -> String {
    if report.is_dry_run() {
        DRY_RUN.to_owned()
    } else if let Some(left) = still_running(report) {
        left
    } else if report.is_empty() && report.not_run().is_empty() {
        before_begin
    } else {
        state
    }
}

fn still_running(report: &Report) -> Option<String> {
    let (m, left) = (migrate(), report.left_running());
    (!left.is_empty()).then(|| {
        format!(
            "the lock was not released and has to expire: {}. `{m} lock status` shows when; `{m} up` continues after that",
            left.join("; ")
        )
    })
}

fn after_failure(id: &str, direction: Direction, remains: Remains, report: &Report) -> String {
    if report.is_dry_run() {
        return format!("{DRY_RUN}. A real run would fail, too");
    }
    if let Some(left) = still_running(report) {
        return left;
    }
    let m = migrate();
    // A manual migration runs only if it is named.
    let manual = Registry::linked().get(id).is_some_and(|migration| migration.is_manual());
    let up = if manual { format!("`{m} run {id}`") } else { format!("`{m} up`") };
    match (direction, remains) {
        (Direction::Up, Remains::Nothing) => format!("this attempt changed nothing; fix the cause and run {up} again"),
        (Direction::Up, Remains::Resumable) => {
            format!("what it did so far remains and is recorded; fix the cause, and {up} resumes where it stopped")
        }
        (Direction::Up, Remains::All) => format!(
            "it is applied and does not run again: check the data, or the `verify` function, or accept it with `{m} accept {id}`"
        ),
        (_, Remains::Unknown) => format!("it took effect completely or not at all; `{m} status` shows which"),
        (Direction::Up, _) => {
            format!("its changes so far remain; fix the cause, and {up} runs it again from the beginning")
        }
        (Direction::Down, Remains::Nothing) => {
            format!("nothing is reverted; fix the cause and run `{m} down {id}` again")
        }
        (Direction::Down, Remains::Resumable) => format!(
            "what it did so far remains and is recorded, so the migration is partially reverted; fix the cause, and \
             `{m} down {id}` resumes where it stopped"
        ),
        (Direction::Down, _) => format!(
            "its changes so far remain, so the migration is partially reverted: `{m} down {id}` reverts it again, and {up} \
             applies it again"
        ),
    }
}

/// What to do about a partially applied migration.
pub(in super::super) fn partially_applied(m: &str, id: &str) -> String {
    format!(
        "repair the data; then run it again with `{m} up {id}`, or record its state with `{m} mark applied {id}` (or `pending`)"
    )
}

/// Maximum number of proposed ids.
const PROPOSED: usize = 3;

/// Proposes ids for one that is not linked in: those that contain it, or else the nearest.
fn meant(m: &str, id: &str, nearest: Option<&str>) -> String {
    let linked = Registry::linked();
    let contains = |known: &&'static str| !id.is_empty() && known.contains(id);
    let containing: Vec<_> = linked.iter().map(|migration| migration.id()).filter(contains).take(PROPOSED).collect();
    match (containing.as_slice(), nearest) {
        ([], None) => format!("`{m} status` lists all; an id is written in full, like module:menu:001_init"),
        ([], Some(nearest)) => format!("did you mean '{nearest}'? `{m} status` lists all"),
        (meant, _) => format!("did you mean '{}'? `{m} status` lists all", meant.join("' or '")),
    }
}

fn first(ids: &[String]) -> &str {
    ids.first().map_or("ID", String::as_str)
}
