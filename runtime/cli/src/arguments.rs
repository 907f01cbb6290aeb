//! Checks the arguments of a command as far as that needs no server.

use mongrate::Error;
use mongrate::migration::Source;
use mongrate::migrator::History;
use mongrate::plan::Registry;

use super::command::Command;
use super::failure::{Failure, or_on_record};
use super::mark::Mark;

/// Reports all errors at once.
pub(super) fn check(command: &Command) -> Result<(), Failure> {
    let registry = Registry::linked();
    let (linked, on_record) = ids(command);
    let not_linked = linked.into_iter().filter(|id| registry.get(id).is_none());
    let into_failure = if on_record.is_empty() { Failure::from } else { or_on_record };
    let nowhere = on_record.into_iter().filter(|id| registry.get(id).is_none() && !is_id(id));
    let mut errors: Vec<_> = not_linked.chain(nowhere).filter_map(|id| registry.find(id).err()).collect();
    if let Some(source) = source(command).filter(|source| Source::parse(source).is_none()) {
        errors.extend(registry.source(source).verify().err());
    }
    if let Command::History(history) = command
        && !(1..=History::MAX_LIMIT).contains(&history.limit)
    {
        errors.push(Error::PageSize { limit: history.limit });
    }
    Error::gather(errors).map_err(into_failure)
}

/// Returns the ids that must be linked in, and those that may only be on record.
fn ids(command: &Command) -> (Vec<&str>, Vec<&str>) {
    match command {
        Command::Up(up) => (up.ids.iter().chain(&up.to).map(String::as_str).collect(), Vec::new()),
        Command::Plan(plan) => (plan.ids.iter().chain(&plan.to).map(String::as_str).collect(), Vec::new()),
        Command::Down(down) => (down.ids.iter().chain(&down.to).map(String::as_str).collect(), Vec::new()),
        Command::Graph(graph) => (graph.ids.iter().map(String::as_str).collect(), Vec::new()),
        Command::Mark(Mark::Applied(marked) | Mark::Pending(marked)) => {
            (marked.ids.iter().map(String::as_str).collect(), Vec::new())
        }
        Command::Baseline(baseline) => (baseline.last.id.iter().map(String::as_str).collect(), Vec::new()),
        Command::Run(run) => (vec![&run.id], Vec::new()),
        Command::Accept(accept) => (vec![&accept.id], Vec::new()),
        Command::Show(show) => (Vec::new(), vec![&show.id]),
        Command::Prune(prune) => (Vec::new(), vec![&prune.id]),
        Command::History(history) => (Vec::new(), history.migration.iter().map(String::as_str).collect()),
        _ => (Vec::new(), Vec::new()),
    }
}

fn source(command: &Command) -> Option<&str> {
    match command {
        Command::History(history) => history.source.as_deref(),
        Command::Graph(graph) => graph.source.as_deref(),
        _ => None,
    }
}

/// Whether a text has the form of a qualified id, which this program need not know.
fn is_id(text: &str) -> bool {
    let (source, id) = text.rsplit_once(':').unwrap_or(("system", text));
    let digits = id.bytes().take_while(u8::is_ascii_digit).count();
    let name = id[digits..].strip_prefix(['_', '-']);
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|sign| sign.is_ascii_lowercase() || sign.is_ascii_digit() || b"_-".contains(&sign))
    };
    let is_source = match Source::parse(source) {
        Some(Source::System) => !text.contains(':'),
        Some(Source::Module(name) | Source::Plugin(name)) => is_name(name),
        None => false,
    };
    is_source && (digits == 3 || digits >= 8) && name.is_some_and(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_a_form() {
        for id in ["001_a", "20260131_a-b", "20260131120000123-a", "module:menu:001_a", "plugin:a-b:001_a"] {
            assert!(is_id(id), "{id}");
        }
        for id in
            ["", "a", "001", "001_", "001_A", "01_a", "0001_a", "001 a", "system:001_a", "menu:001_a", "module::001_a"]
        {
            assert!(!is_id(id), "{id}");
        }
    }
}
