//! The entries of the menu.

use super::situation::{Listed, Situation};

/// An entry of the menu.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) label: String,
    pub(super) action: Action,
}

/// The action of an entry.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    /// Runs the command with these arguments.
    Command(&'static [&'static str]),
    /// Runs this command with one of these ids.
    WithOneOf(&'static str, Vec<Listed>),
    /// Runs the command with these arguments and a reason.
    WithReason(&'static [&'static str]),
    /// Ends the shell.
    Quit,
}

/// Builds the menu. The first entries change nothing, in case a key is pressed too often.
pub(super) fn entries(situation: &Situation) -> Vec<Entry> {
    let mut entries = vec![entry("Status", Action::Command(&["status"]))];
    if situation.runnable > 0 {
        entries.push(entry("Dry run of all pending migrations", Action::Command(&["up", "--dry-run"])));
        entries.push(entry(format!("Apply all pending migrations ({})", situation.runnable), Action::Command(&["up"])));
    }
    if !situation.pending.is_empty() {
        entries.push(entry("Apply one migration ...", Action::WithOneOf("run", situation.pending.clone())));
    }
    if let Some(last) = situation.last {
        entries.push(entry(format!("Revert the last migration ({last})"), Action::Command(&["down"])));
    }
    if situation.batch > 1 {
        entries
            .push(entry(format!("Revert the last batch ({})", situation.batch), Action::Command(&["down", "--batch"])));
    }
    if !situation.all.is_empty() {
        entries.push(entry("Show a migration ...", Action::WithOneOf("show", situation.all.clone())));
    }
    entries.push(entry("History", Action::Command(&["history"])));
    entries.push(entry("Validate", Action::Command(&["validate"])));
    if let Some(holder) = &situation.holder {
        let label = format!("Release the lock of process {} on {}", holder.pid, holder.host);
        entries.push(entry(label, Action::WithReason(&["lock", "release"])));
    }
    entries.push(entry("Quit", Action::Quit));
    entries
}

fn entry(label: impl Into<String>, action: Action) -> Entry {
    Entry { label: label.into(), action }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Cli;
    use crate::fixtures::holder;

    fn labels(situation: &Situation) -> Vec<String> {
        entries(situation).into_iter().map(|entry| entry.label).collect()
    }

    fn listed(ids: &[&'static str]) -> Vec<Listed> {
        ids.iter().map(|id| (*id, "What it does.".to_owned())).collect()
    }

    fn everything() -> Situation {
        Situation {
            all: listed(&["001_a", "002_b", "003_c"]),
            pending: listed(&["003_c"]),
            runnable: 1,
            last: Some("002_b"),
            batch: 2,
            holder: Some(holder(12)),
            ..Situation::default()
        }
    }

    #[test]
    fn the_menu_offers_what_can_be_done() {
        assert_eq!(
            labels(&everything()),
            [
                "Status",
                "Dry run of all pending migrations",
                "Apply all pending migrations (1)",
                "Apply one migration ...",
                "Revert the last migration (002_b)",
                "Revert the last batch (2)",
                "Show a migration ...",
                "History",
                "Validate",
                "Release the lock of process 12 on host-a",
                "Quit",
            ]
        );
    }

    #[test]
    fn the_menu_offers_nothing_else() {
        assert_eq!(labels(&Situation::default()), ["Status", "History", "Validate", "Quit"]);
        let only_manual_ones =
            Situation { pending: listed(&["004_d"]), all: listed(&["004_d"]), ..Situation::default() };
        assert_eq!(
            labels(&only_manual_ones),
            ["Status", "Apply one migration ...", "Show a migration ...", "History", "Validate", "Quit"]
        );
        // The last batch is the last one.
        let one_applied = Situation { last: Some("001_a"), batch: 1, ..Situation::default() };
        assert!(!labels(&one_applied).iter().any(|label| label.contains("batch")));
    }

    #[test]
    fn every_entry_is_a_command() {
        for Entry { label, action } in entries(&everything()) {
            let mut arguments = vec!["migrate"];
            match &action {
                Action::Command(words) => arguments.extend(*words),
                Action::WithOneOf(command, of) => arguments.extend([*command, of[0].0]),
                Action::WithReason(words) => arguments.extend(words.iter().copied().chain(["--because", "it hangs"])),
                Action::Quit => continue,
            }
            assert!(Cli::try_parse_from(&arguments).is_ok(), "{label}: {arguments:?}");
        }
    }
}
