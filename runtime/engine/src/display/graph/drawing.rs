//! The graph to draw, independent of the output format.

use std::collections::HashMap;

use crate::display::count::plural;
use crate::migration::{Migration, Source, State};

/// A note in the text of a drawing.
pub(super) const NOTE: &str =
    "Edges lead from a dependency to what depends on it. Those that follow from others are left out.";

/// The migrations in plan order, and the edges between them.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// use mongrate::display::graph::{Drawing, Svg};
///
/// let status = migrator.status().await?;
/// let drawing = Drawing::new(status.iter()).around(2, |id| id == "003_assign_roles").reduced();
/// println!("{}", Svg::new(&drawing));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Drawing {
    /// The migrations in plan order.
    pub nodes: Vec<Node>,
    /// From a dependency to its dependent, as indexes into `nodes`; the first is always smaller. Sorted by dependent.
    pub edges: Vec<(usize, usize)>,
}

/// A migration in a [`Drawing`]. Convert a migration, or a [`Standing`](crate::status::Standing) with its status.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Node {
    /// Qualified id.
    pub id: &'static str,
    /// Source of the migration.
    pub source: Source<'static>,
    /// The first paragraph of the description in one line, without control characters.
    pub summary: String,
    /// The status, as far as colors show it.
    pub class: Class,
    /// The status as a word, as in [`Standing::label`](crate::status::Standing::label). Empty without a database.
    pub word: &'static str,
    /// Whether it is only a dependency of a selected migration.
    pub is_foreign: bool,
    dependencies: &'static [&'static str],
}

/// The status of a migration, as far as colors show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// Unknown, without a database.
    Linked,
    /// Applied.
    Completed,
    /// Currently running outside a transaction.
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

    /// The class as a word, which is also its class in SVG.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Completed => "completed",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::Manual => "manual",
        }
    }

    /// A symbol for readers who see no colors.
    #[must_use]
    pub fn sign(self) -> Option<char> {
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

impl From<Migration> for Node {
    fn from(migration: Migration) -> Self {
        Self {
            id: migration.id(),
            source: migration.source(),
            summary: harmless(&migration.summary()),
            class: Class::Linked,
            word: "",
            is_foreign: false,
            dependencies: migration.dependencies(),
        }
    }
}

impl Node {
    /// A migration in this state. `is_running` means that a process is currently running it outside a transaction.
    #[must_use]
    pub fn in_state(migration: Migration, state: State, is_running: bool) -> Self {
        let class = match state {
            _ if is_running => Class::Running,
            State::Completed => Class::Completed,
            State::New | State::RolledBack if migration.is_manual() => Class::Manual,
            State::Excluded | State::Canceled => Class::Manual,
            State::Underway => Class::Running,
            State::New | State::RolledBack => Class::Pending,
            _ => Class::Failed,
        };
        let word = if is_running { "running" } else { state.label(migration.is_manual()) };
        Self { class, word, ..Self::from(migration) }
    }

    /// The id without its source.
    pub(super) fn name(&self) -> &'static str {
        self.id.rsplit_once(':').map_or(self.id, |(_, name)| name)
    }

    /// The status, if its class does not already say it: `rolled back`, `interrupted`, `partial`.
    #[must_use]
    pub fn special(&self) -> Option<&'static str> {
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
    /// Draws migrations in plan order: those of a [`Registry`](crate::plan::Registry), or of
    /// [`Status::iter`](crate::status::Status::iter) with their status.
    #[must_use]
    pub fn new<N: Into<Node>>(all: impl IntoIterator<Item = N>) -> Self {
        let (mut drawing, mut indexes) = (Self::default(), HashMap::new());
        for (index, node) in all.into_iter().map(Into::into).enumerate() {
            indexes.insert(node.id, index);
            // A dependency that is missing here is not selected.
            let from = node.dependencies.iter().filter_map(|id| indexes.get(id));
            drawing.edges.extend(from.map(|&from| (from, index)));
            drawing.nodes.push(node);
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
    #[must_use]
    pub fn legend(&self) -> Vec<(Class, String)> {
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
