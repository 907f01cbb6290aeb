//! The parts of messages that depend on what they tell of.

use std::time::Duration;

use super::{Error, Remains, in_one_line, source_chain};
use crate::display::Elapsed;
use crate::migration::{Direction, Source, State};
use crate::migrator::Tenants;
use crate::report::Report;

pub(super) fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |id| format!(" Did you mean '{id}'?"))
}

/// A name out of a connection string. With one of these signs in it, it may be the rest of a password.
pub fn quoted(name: &str) -> String {
    if name.contains(['@', ':', '%', '/']) { "which is not shown".to_owned() } else { format!("'{name}'") }
}

/// A name in one line, with escapes for what does not show.
pub(crate) fn escaped(name: &str) -> String {
    let shown = |c: char| if matches!(c, '\'' | '"') { c.to_string() } else { c.escape_debug().to_string() };
    name.chars().map(shown).collect()
}

pub(super) fn known_sources(known: &[Source<'static>]) -> String {
    if known.is_empty() {
        return "No migration is linked into this program: name each crate that declares migrations once, \
                for example `use whale_alerts as _;`."
            .to_owned();
    }
    let names: Vec<_> = known.iter().map(|source| format!("'{source}'")).collect();
    format!("There are migrations of {}.", names.join(", "))
}

pub(super) fn list(errors: &[Error]) -> String {
    format!("{} mistakes:{}", errors.len(), lines(errors.iter().map(ToString::to_string)))
}

fn lines(items: impl Iterator<Item = String>) -> String {
    items.flat_map(|item| ["\n- ".to_owned(), item]).collect()
}

pub(super) fn plural(migrations: usize) -> String {
    if migrations == 1 { "1 migration is".to_owned() } else { format!("{migrations} migrations are") }
}

pub fn so_far(state: State) -> &'static str {
    match state {
        State::New => "has not run here",
        State::Completed => "is completed",
        State::Failed => "failed when it ran last",
        State::RolledBack => "was reverted",
        State::Interrupted => "was interrupted, or is running right now",
        State::Partial => "stopped half-way on a server without transactions",
    }
}

pub(super) fn failures(tenants: &Tenants) -> String {
    lines(tenants.failed().map(|(name, error)| format!("{}: {error}", escaped(name))))
}

/// A body that is another one than the one that has run in part.
pub(super) fn changed(position: usize, recorded: &str, now: Option<&str>, same_code: bool) -> String {
    let now = now.map_or_else(|| "the body ends before it".to_owned(), |now| format!("the body now calls: {now}"));
    let same = if same_code {
        " Its code is the same, so it depends on something else than the database: on the clock, a random name, a provided value \
         or the order of a `HashMap`, say."
    } else {
        ""
    };
    format!(
        "the body has changed since it ran in part: operation {position} was: {recorded}; {now}.{same} Put the first {position} \
         back as they were, and the next run resumes behind them; or finish the migration by hand and say so with `mark_applied`; \
         or say `mark_pending`, and it starts from the top, doing again what it did"
    )
}

/// What to do about data that is half changed.
pub(super) const AFTER_HALF: &str = "Repair it; then name the migration to run it again (`.only(..)`), or say that it is applied \
     or pending (`mark_applied`, `mark_pending`)";

pub fn what(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "migration ",
        Direction::Down => "reverting ",
    }
}

pub(super) fn first(selected: bool) -> &'static str {
    if selected {
        "Take them back first, or name them as well (`.with_dependents(true)` does that for a `down`)"
    } else {
        "Not all of them belong to the selected source: take these back first, or do not restrict the registry to one source"
    }
}

pub(super) fn because(source: Option<&(dyn std::error::Error + Send + Sync + 'static)>) -> String {
    source.map_or_else(String::new, |error| format!(": {}", in_one_line(&source_chain(error))))
}

/// What a stop has left of a run: `undone` says what has become of what was under way, `free` what the lease is free for.
pub(super) fn after_stop(report: &Report, undone: &str, free: &str) -> String {
    match left_running(report) {
        Some(left) => format!("{undone}{left}"),
        None if report.is_dry_run() => DRY_RUN.to_owned(),
        None => format!("{undone}{free}"),
    }
}

/// Why the lease was not released.
pub fn left_running(report: &Report) -> Option<String> {
    let left = report.left_running();
    (!left.is_empty()).then(|| format!("the lease was not released and has to expire: {}", left.join("; ")))
}

/// What to do about a lease that somebody holds.
pub(super) fn wait_longer(take_over: Option<Duration>) -> String {
    match take_over {
        Some(wait) => format!(
            "That process is probably dead: a run that may wait takes over after {}, so give it a `lock_wait` other than zero",
            Elapsed(wait)
        ),
        None => "Wait until that has finished, or raise `lock_wait`".to_owned(),
    }
}

/// What went on outside of transactions when the lease was lost.
pub(super) fn late(report: &Report) -> String {
    let notes = report.stopped().map_or(&[][..], |stopped| &stopped.notes);
    [""].into_iter().chain(notes.iter().map(String::as_str)).collect::<Vec<_>>().join("; ")
}

pub(super) fn exhausted(shared_pool: bool) -> &'static str {
    if shared_pool {
        ". Or the migration used all connections of the client's pool, so that the heartbeat waited for one: connect with \
         `Migrator::connect`, or set `lease_client`, or a larger `maxPoolSize`"
    } else {
        ""
    }
}

/// What is left of a dry run.
const DRY_RUN: &str = "it was a dry run, so that nothing was changed or recorded";

pub(super) fn aftermath(
    report: &Report,
    direction: Direction,
    remains: Remains,
    source: &(dyn std::error::Error + Send + Sync + 'static),
) -> String {
    let left = left_running(report).map_or_else(String::new, |left| format!("; {left}"));
    format!("{}{left}", what_remains(report, direction, remains, source))
}

fn what_remains(
    report: &Report,
    direction: Direction,
    remains: Remains,
    source: &(dyn std::error::Error + Send + Sync + 'static),
) -> &'static str {
    if source.downcast_ref().is_some_and(Error::names_its_cure) {
        return "Until then it stays as it is";
    }
    if report.is_dry_run() {
        return "This was a dry run: nothing was changed or recorded";
    }
    match (direction, remains) {
        (Direction::Up, Remains::Nothing) => "It was rolled back, and runs again with the next `up`",
        (Direction::Up, Remains::Repeatable | Remains::Partial) => {
            "What it did before that is still there; it runs again from its beginning with the next `up`"
        }
        (Direction::Up, Remains::Resumable) => {
            "What it did before that is still there and on record; the next `up` resumes at the operation that did not end well"
        }
        (Direction::Up, Remains::All) => {
            "It is applied and does not run again; see what is wrong with the data, or with the function, before the \
             application goes on"
        }
        (_, Remains::Unknown) => "It took effect as a whole or not at all",
        (Direction::Down, Remains::Nothing) => "That was rolled back: the migration is still applied",
        (Direction::Down, Remains::Resumable) => {
            "What it did before that is still there and on record, so the migration is half reverted: the next `down` resumes at \
             the operation that did not end well"
        }
        (Direction::Down, Remains::Repeatable | Remains::Partial | Remains::All) => {
            "What it did before that is still there, so the migration is half reverted: run the `down` again, or let the next \
             `up` apply it again"
        }
    }
}
