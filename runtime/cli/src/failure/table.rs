//! The library's errors in the words of the command line: which command to give, and not which method to call.

use super::super::exit::Exit;
use super::super::migrate;
use super::Failure;
use mongrate::display::Elapsed;
use mongrate::error::{Error, NotReached, Readable, left_running, quoted, so_far, source_chain, what};
use mongrate::migration::Direction;
use mongrate::plan::Registry;
use mongrate::report::{Remains, Report};

/// The error's causes, of which the outermost is the message itself.
/// It has only waited.
fn has_not_begun(report: &Report) -> bool {
    report.is_empty() && report.not_run().is_empty()
}

pub(super) fn causes(error: &Error) -> Vec<String> {
    match error {
        Error::Failed { source, .. } | Error::Partial { source, .. } => source_chain(&**source),
        other => source_chain(other).split_off(1),
    }
}

/// Exit code, code, message, place in the code, help.
#[expect(clippy::too_many_lines, reason = "a table: an error, and how it is told")]
pub(super) fn told(error: &Error) -> Failure {
    let m = migrate();
    let failed = |code, message: String| Failure::new(Exit::Failed, code, message);
    match error {
        Error::Unreachable { doing, source } => {
            Failure::new(Exit::Unreachable, "unreachable", NotReached(doing, source).to_string())
                .help(in_passing(Error::try_again(source)))
        }
        Error::NotAuthorized { doing, source } => {
            failed("not-authorized", format!("MongoDB refused to {doing}: {}", Readable(source))).help(in_passing(Error::let_in(source)))
        }
        Error::Server { doing, source } => {
            let exit = if error.is_not_now() { Exit::Unreachable } else { Exit::Failed };
            Failure::new(exit, "server", format!("could not {doing}: {}", Readable(source)))
        }
        Error::ForeignCollection { collection, example, made_by } => failed(
            "foreign-collection",
            format!("the collection '{collection}' holds documents that are not Mongrate's (for example `_id: {example}`{made_by})"),
        )
        .help(
            "it was left untouched. If this is the right database, the application has to give Mongrate's collections other \
             names: see `ForeignCollection` in docs/guide/operating.md",
        ),
        Error::UnsuitableCollection { collection, kind } => failed(
            "unsuitable-collection",
            format!("'{collection}' is {kind}, in which Mongrate cannot keep anything"),
        )
        .help(
            "it was left untouched. If this is the right database, the application has to give Mongrate's collections other \
             names: see `UnsuitableCollection` in docs/guide/operating.md",
        ),
        Error::UnreadableRecord { id, reason } => {
            failed("unreadable-record", format!("the record of '{id}' cannot be read by this version of Mongrate: {reason}"))
                .about(id)
                .help("it was left untouched; use a newer build of this application, or repair the record")
        }
        Error::Drift { ids } => {
            failed("drift", format!("applied migrations have changed since they ran: {}", ids.join(", ")))
                .about(first(ids))
                .help(format!("undo the change and write a new migration instead, or `{m} accept {}`", first(ids)))
        }
        Error::Pending { ids } => {
            let message = format!("{} pending: {}", are(ids.len()), ids.join(", "));
            Failure::new(Exit::Pending, "pending", message)
                .help(format!("`MONGRATE_AUTO=true {m} up` applies what is pending"))
        }
        Error::Required { id, state } => {
            failed("required", format!("migration '{id}' is needed, but {}", so_far(*state))).about(id).help(format!("`{m} up {id}` applies it"))
        }
        Error::LockTimeout { holder, waited, take_over } => {
            let message = format!("gave up after {}: this database is being migrated by {holder}", Elapsed(*waited));
            Failure::new(Exit::NoLock, "lock-timeout", message).help(match take_over {
                Some(wait) => format!(
                    "that process is probably dead: with any `--lock-wait` but 0, this one takes over after {}", Elapsed(*wait)
                ),
                None => format!(
                    "wait longer with `--lock-wait 30m`; if that process is gone, its lease ends by itself, or `{m} lock \
                     release --because REASON` takes it away"
                ),
            })
        }
        Error::LeaseLost { .. } => Failure::new(
            Exit::NoLock,
            "lease-lost",
            "the lock was lost: this process was paused or cut off from the server for too long, or somebody took the lock away",
        )
        .help(format!("nothing was committed after that; `{m} status` tells what is applied, and `{m} up` goes on")),
        Error::Interrupted { report } => Failure::new(Exit::Interrupted, "interrupted", "the run was told to stop").help(if report.is_dry_run() {
            DRY_RUN.to_owned()
        } else if has_not_begun(report) {
            format!("it had not begun to do anything; `{m} status` tells where everything stands")
        } else if let Some(left) = left_running(report) {
            still_held(&m, &left)
        } else {
            format!("what was under way was not completed, and the lock is free; `{m} status` tells what is applied, and `{m} up` goes on")
        }),
        Error::RunTimedOut { limit, report } => {
            failed("run-timed-out", format!("the run took longer than its time limit of {} and was stopped", Elapsed(*limit))).help(
                if report.is_dry_run() {
                    DRY_RUN.to_owned()
                } else if has_not_begun(report) {
                    format!("it had not begun to do anything; `{m} lock status` tells whether another process is migrating")
                } else if let Some(left) = left_running(report) {
                    still_held(&m, &left)
                } else {
                    format!("the lock is free; `{m} status` tells what is applied, and `{m} up` goes on, with a longer `--timeout` perhaps")
                },
            )
        }
        Error::Unacknowledged { reason, doing, interrupted, report } => Failure::new(
            if *interrupted { Exit::Interrupted } else { Exit::Unreachable },
            "unacknowledged",
            format!("{reason}, but MongoDB has not answered the attempt to {doing}"),
        )
        .help(if report.is_dry_run() {
            DRY_RUN.to_owned()
        } else {
            format!(
                "it acknowledges no majority writes (too few members of the replica set are up, or it is locked by \
                 `fsyncLock`), or cannot be reached; that attempt may still take effect. `{m} status` tells what is applied"
            )
        }),
        Error::TransactionsRequired => failed(
            "transactions-required",
            "this server has no transactions (it is a standalone mongod), and the application requires them".to_owned(),
        )
        .help("run it as a replica set; a single node will do: `mongod --replSet rs0`"),
        Error::Failed { id, direction, message, report, remains, .. } => {
            failed("failed", format!("{}'{id}' failed: {message}", what(*direction))).about(id).help(after(&m, id, *direction, *remains, report))
        }
        Error::Partial { id, direction, message, .. } => failed(
            "partial",
            format!("{}'{id}' failed half-way on a server without transactions, so the data may be half changed: {message}", what(*direction)),
        )
        .about(id)
        .help(partially_applied(&m, id)),
        Error::PartiallyApplied { ids } => failed(
            "partially-applied",
            format!("half-way through on a server without transactions, so the data may be half changed: {}", ids.join(", ")),
        )
        .about(first(ids))
        .help(partially_applied(&m, first(ids))),
        Error::PartiallyAppliedElsewhere { ids } => failed(
            "partially-applied-elsewhere",
            format!("not linked into this program, and the data may be half changed: {}", ids.join(", ")),
        )
        .help(format!(
            "start the program that they belong to, where `{m} up` goes on or says what to do; without it, repair the data and \
             remove the records: `{m} prune {}`",
            first(ids)
        )),
        Error::Irreversible { id, reason } => {
            failed("irreversible", format!("'{id}' cannot be reverted: {}", reason.unwrap_or("it has no `down`")))
                .about(id)
                .help(format!("write a new migration that undoes it; or undo it by hand, and say so with `{m} mark pending {id}`"))
        }
        Error::DependentsApplied { id, dependents, selected } => failed(
            "dependents-applied",
            format!("'{id}' cannot be taken back while these depend on it and are applied: {}", dependents.join(", ")),
        )
        .about(id)
        .help(if *selected {
            format!(
                "`{m} down {id} --with-dependents` reverts all of them; to change only what is on record, name all of them in \
                 `{m} mark pending`"
            )
        } else {
            "not all of them belong to the sources that this application migrates here: take those back first".to_owned()
        }),
        Error::DependenciesPending { id, dependencies } => failed(
            "dependencies-pending",
            format!("'{id}' cannot be marked as applied while these, on which it depends, are pending: {}", dependencies.join(", ")),
        )
        .about(id)
        .help(format!("mark them as well, or all up to there: `{m} baseline {id}`")),
        Error::NotAnOrphan { id } => {
            failed("not-an-orphan", format!("'{id}' is linked into this program, so its record is no orphan and stays"))
                .about(id)
                .help(format!("to have it run again: `{m} mark pending {id}`"))
        }
        Error::OrphansAppliedLater { ids } => failed(
            "orphans-applied-later",
            format!(
                "these were applied later, but are not linked into this program, so that they cannot be reverted first: {}",
                ids.join(", ")
            ),
        )
        .help(format!(
            "name what is to be reverted: `{m} down ID`; or remove their records: `{m} prune {}`", first(ids)
        )),
        Error::NotApplied { id } => {
            failed("not-applied", format!("'{id}' is not applied")).about(id).help(format!("`{m} show {id}` tells where it stands"))
        }
        Error::PageSize { limit } => Failure::usage(format!("a page of the history has 1 to 500 entries, not {limit}"))
            .help(format!("the next ones are there with `{m} history --limit 500 --skip 500`")),
        Error::UnknownMigration { id, nearest } => {
            let message = format!("no migration '{id}' is linked into this program");
            Failure::new(Exit::Usage, "unknown-migration", message).help(meant(&m, id, *nearest))
        }
        Error::NotSelected { id } => {
            let message = format!("'{id}' is of a source that this application does not migrate here");
            Failure::new(Exit::Usage, "not-selected", message).about(id).help(format!("`{m} status` lists those that it does"))
        }
        Error::UnknownSource { name, known } => {
            let known: Vec<_> = known.iter().map(|source| format!("'{source}'")).collect();
            Failure::new(Exit::Usage, "unknown-source", format!("no migration of source '{name}' is linked into this program"))
                .help(format!("there are migrations of these: {}", known.join(", ")))
        }
        Error::UnselectedDependency { migration, dependency } => failed(
            "unselected-dependency",
            format!("'{migration}' depends on '{dependency}', which is not completed and of a source that this application does not migrate here"),
        )
        .about(migration)
        .help(format!("apply '{dependency}' first, with the application that does")),
        Error::ManualDependency { migration, dependency } => {
            failed("manual-dependency", format!("'{migration}' depends on '{dependency}', which is manual and not completed"))
                .about(dependency)
                .help(format!("name it as well: `{m} up {dependency} {migration}`"))
        }
        Error::Cycle { path } => failed("cycle", format!("migrations depend on each other in a circle: {}", path.join(" -> ")))
            .about(path.first().copied().unwrap_or_default())
            .help("remove one of these dependencies"),
        Error::MissingDependency { migration, dependency, nearest } => {
            failed("missing-dependency", format!("'{migration}' depends on '{dependency}', which is not linked into this program"))
                .about(migration)
                .help(match nearest {
                    Some(nearest) => format!("did you mean '{nearest}'?"),
                    None => "correct its `deps`, or link in the crate that declares it".to_owned(),
                })
        }
        Error::DuplicateId { id, first, second } => failed(
            "duplicate-id",
            format!("two migrations have the id '{id}': {}:{} and {}:{}", first.0, first.1, second.0, second.1),
        )
        .help("give one of them another id"),
        Error::Several { errors } => several(errors),
        Error::Variable { name, value, accepted } => {
            Failure::new(Exit::Usage, "variable", format!("the environment variable {name} is '{value}', but takes {accepted}"))
                .help("correct it, or unset it to have the default")
        }
        Error::ConnectionString { problem, help } => {
            Failure::usage(format!("the connection string {problem}")).help(in_passing(help))
        }
        Error::ReservedDatabase { name } => {
            Failure::usage(format!("the database '{name}' is the server's own and is not migrated")).help(
                "end the connection string with /NAME?authSource=admin, which keeps looking the user up in 'admin', or pass \
                 `--database NAME`",
            )
        }
        Error::DatabaseName { name, problem } => {
            Failure::usage(format!("the name of the database, {}, {problem}", quoted(name))).help(in_passing(Error::DATABASE_NAME))
        }
        Error::HostNotFound => {
            Failure::new(Exit::Unreachable, "unreachable", "cannot reach MongoDB: its name was not found")
                .help(in_passing(Error::HOST_NOT_FOUND))
        }
        Error::InvalidOption { option, value, accepted } => {
            Failure::new(Exit::Usage, "invalid-option", format!("the option `{option}` is {value}, but takes {accepted}"))
                .help("correct it in the application, or on the command line")
        }
        // The error of a body, which comes as the source of another one; or of many databases, of which a command knows one.
        _ => failed("server", in_passing(&error.to_string())),
    }
}

const DRY_RUN: &str = "it was a dry run: nothing was changed or recorded";

/// What to do when something may still run at the server.
fn still_held(m: &str, left: &str) -> String {
    format!("{left}. `{m} lock status` shows until when; `{m} up` goes on after that")
}

/// What to do after a migration has failed.
fn after(m: &str, id: &str, direction: Direction, remains: Remains, report: &Report) -> String {
    if report.is_dry_run() {
        return format!("{DRY_RUN}; in earnest it would fail, too");
    }
    if let Some(left) = left_running(report) {
        return still_held(m, &left);
    }
    // A manual one runs only when it is named.
    let manual = Registry::linked().get(id).is_some_and(|migration| migration.is_manual());
    let again = if manual { format!("`{m} run {id}`") } else { format!("`{m} up`") };
    match (direction, remains) {
        (Direction::Up, Remains::Nothing) => format!("it was rolled back; correct the cause and give {again} again"),
        (Direction::Up, Remains::Resumable) => format!(
            "what it did before that is still there and on record; correct the cause, and {again} resumes at the operation that did not \
             end well"
        ),
        (Direction::Up, Remains::All) => format!(
            "it is applied and does not run again; see what is wrong with the data, or with its `verify` function. `{m} accept \
             {id}` accepts it as it is"
        ),
        (_, Remains::Unknown) => format!("it took effect as a whole or not at all; `{m} status` tells which"),
        (Direction::Up, _) => {
            format!(
                "what it did before that is still there; correct the cause, and {again} runs it again from its beginning"
            )
        }
        (Direction::Down, Remains::Nothing) => {
            format!("that was rolled back, so it is still applied; correct the cause and give `{m} down {id}` again")
        }
        (Direction::Down, Remains::Resumable) => format!(
            "what that did is still there and on record, so it is half reverted; correct the cause, and `{m} down {id}` resumes at the \
             operation that did not end well"
        ),
        (Direction::Down, _) => format!(
            "what that did is still there, so it is half reverted: `{m} down {id}` reverts it again, {again} applies it again"
        ),
    }
}

/// What to do about data that is half changed.
pub(in super::super) fn partially_applied(m: &str, id: &str) -> String {
    format!(
        "repair the data; then `{m} up {id}` runs it again, or `{m} mark applied {id}` (or `pending`) says how it is now"
    )
}

fn several(errors: &[Error]) -> Failure {
    let told: Vec<Failure> = errors.iter().map(told).collect();
    let exit = told.iter().map(|failure| failure.exit).reduce(Exit::and).unwrap_or(Exit::Failed);
    let lines: Vec<_> = told.iter().map(|failure| format!("\n  {}", failure.message)).collect();
    let mut helps: Vec<&str> = told.iter().filter_map(|failure| failure.help.as_deref()).collect();
    helps.dedup();
    let help = helps.join("\n");
    Failure::new(exit, "several", format!("{} mistakes:{}", lines.len(), lines.concat())).help(help)
}

/// The most ids that are proposed.
const PROPOSED: usize = 3;

/// What somebody may have meant by an id that is not there: the nearest one, or those that it is a part of.
fn meant(m: &str, id: &str, nearest: Option<&str>) -> String {
    let whole = |known: &&'static str| !id.is_empty() && known.contains(id);
    let all = Registry::linked();
    let mut meant: Vec<_> = all.iter().map(|migration| migration.id()).filter(whole).collect();
    if let (Some(nearest), true) = (nearest, meant.is_empty()) {
        return format!("did you mean '{nearest}'? `{m} status` lists all");
    }
    meant.truncate(PROPOSED);
    match meant.as_slice() {
        [] => format!("`{m} status` lists all; an id is written in full, like module:menu:001_init"),
        meant => format!("did you mean '{}'? `{m} status` lists all", meant.join("' or '")),
    }
}

fn first(ids: &[String]) -> &str {
    ids.first().map_or("ID", String::as_str)
}

fn are(migrations: usize) -> String {
    if migrations == 1 { "1 migration is".to_owned() } else { format!("{migrations} migrations are") }
}

/// As it reads after `error: ` or `help: `.
fn in_passing(sentence: &str) -> String {
    let mut characters = sentence.trim_end_matches('.').chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
