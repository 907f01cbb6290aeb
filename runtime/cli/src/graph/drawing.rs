//! The graph to draw, independent of the output format.

use std::collections::HashMap;

use mongrate::display::plural;
use mongrate::migration::{Migration, Source, State};
use mongrate::migrator::{Standing, Status};
use mongrate::plan::Registry;

/// A note in the text of a drawing.
pub(super) const NOTE: &str =
    "Edges lead from a dependency to what depends on it. Those that follow from others are left out.";

/// The migrations in plan order, and the edges between them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Drawing {
    pub(super) nodes: Vec<Node>,
    /// From a dependency to its dependent, as indexes into `nodes`; the first is always smaller. Sorted by dependent.
    pub(super) edges: Vec<(usize, usize)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) id: &'static str,
    pub(super) source: Source<'static>,
    pub(super) summary: String,
    pub(super) class: Class,
    /// The status, in the words of `status`; empty without a database.
    pub(super) word: &'static str,
    /// Not selected itself, but a dependency of a selected migration.
    pub(super) is_foreign: bool,
}

/// The status of a migration, as far as colors show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Without a database.
    Linked,
    Completed,
    Running,
    /// Failed, interrupted or partial: needs attention.
    Failed,
    /// Never run, or reverted.
    Pending,
    /// Pending, but runs only if it is named.
    Manual,
}

impl Class {
    pub(super) const ALL: [Self; 6] =
        [Self::Linked, Self::Completed, Self::Running, Self::Failed, Self::Pending, Self::Manual];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Completed => "completed",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::Manual => "manual",
        }
    }

    /// For readers who see no colors.
    pub(super) fn sign(self) -> Option<char> {
        match self {
            Self::Linked => None,
            Self::Completed => Some('✓'),
            Self::Running => Some('▸'),
            Self::Failed => Some('✗'),
            Self::Pending => Some('·'),
            Self::Manual => Some('◦'),
        }
    }
}

impl Node {
    fn linked(migration: Migration) -> Self {
        let (id, source) = (migration.id(), migration.source());
        Self { id, source, summary: harmless(&migration.summary()), class: Class::Linked, word: "", is_foreign: false }
    }

    fn standing(standing: &Standing<'_>) -> Self {
        let class = match standing.state {
            _ if standing.is_running => Class::Running,
            State::Completed => Class::Completed,
            State::New | State::RolledBack if standing.migration.is_manual() => Class::Manual,
            State::New | State::RolledBack => Class::Pending,
            _ => Class::Failed,
        };
        Self { class, word: standing.label(), ..Self::linked(standing.migration) }
    }

    /// The id without its source.
    pub(super) fn name(&self) -> &'static str {
        self.id.rsplit_once(':').map_or(self.id, |(_, name)| name)
    }

    /// The status, if its class does not already say it: `rolled back`, `interrupted`, `partial`.
    pub(super) fn special(&self) -> Option<&'static str> {
        Some(self.word).filter(|word| !word.is_empty() && *word != self.class.word())
    }

    /// The label, with the symbol of its class.
    pub(super) fn label(&self, name: &str) -> String {
        self.class.sign().map_or_else(|| name.to_owned(), |sign| format!("{sign} {name}"))
    }

    /// One line with everything: `002_assign_roles (completed): Every user has a role.`
    pub(super) fn described(&self) -> String {
        let word = if self.word.is_empty() { String::new() } else { format!(" ({})", self.word) };
        let summary = if self.summary.is_empty() { String::new() } else { format!(": {}", self.summary) };
        format!("{}{word}{summary}", self.id)
    }
}

impl Drawing {
    /// The linked-in migrations without their status.
    pub(super) fn offline(registry: &Registry) -> Self {
        Self::new(registry.iter().map(|migration| (migration, Node::linked(migration))))
    }

    pub(super) fn of(status: &Status) -> Self {
        Self::new(status.iter().map(|standing| (standing.migration, Node::standing(&standing))))
    }

    fn new(all: impl Iterator<Item = (Migration, Node)>) -> Self {
        let (mut drawing, mut indexes) = (Self::default(), HashMap::new());
        for (index, (migration, node)) in all.enumerate() {
            indexes.insert(node.id, index);
            drawing.nodes.push(node);
            // A dependency that is missing here is not selected.
            let from = migration.dependencies().iter().filter_map(|id| indexes.get(id));
            drawing.edges.extend(from.map(|&from| (from, index)));
        }
        drawing
    }

    /// The direct dependencies of each node.
    pub(super) fn dependencies(&self) -> Vec<Vec<usize>> {
        let mut dependencies = vec![Vec::new(); self.nodes.len()];
        for &(from, to) in &self.edges {
            dependencies[to].push(from);
        }
        dependencies
    }

    /// The legend of the colors, with the number of nodes of each: `✓ 4 completed`.
    pub(super) fn legend(&self) -> Vec<(Class, String)> {
        let count = |class| self.nodes.iter().filter(|node| node.class == class).count();
        let linked = plural(count(Class::Linked) as u64, "migration");
        let known = Class::ALL.into_iter().filter_map(|class| {
            let sign = class.sign()?;
            Some((class, format!("{sign} {} {}", count(class), class.word()))).filter(|_| count(class) > 0)
        });
        let known: Vec<_> = known.collect();
        if known.is_empty() { vec![(Class::Linked, linked)] } else { known }
    }

    /// The nodes by source, each with its index.
    pub(super) fn by_source(&self) -> Vec<(Source<'static>, Vec<(usize, &Node)>)> {
        let mut sources: Vec<_> = self.nodes.iter().map(|node| node.source).collect();
        sources.sort_unstable();
        sources.dedup();
        let mut groups: Vec<_> = sources.into_iter().map(|source| (source, Vec::new())).collect();
        for (index, node) in self.nodes.iter().enumerate() {
            if let Ok(group) = groups.binary_search_by_key(&node.source, |(source, _)| *source) {
                groups[group].1.push((index, node));
            }
        }
        groups
    }
}

/// A text without control characters, which is also valid in XML.
fn harmless(text: &str) -> String {
    text.replace(char::is_whitespace, " ")
        .replace(|sign: char| sign.is_control() || "\u{fffe}\u{ffff}".contains(sign), "\u{fffd}")
}
