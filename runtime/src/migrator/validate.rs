//! Whether what is on record and what is linked in fit together.

use std::fmt;

use super::{Migrator, Status};
use crate::Error;
use crate::grouped::counted;
use crate::migration::{Migration, State};
use crate::record::{Record, is_of_a_pre_release};

/// What [`Migrator::validate`] found. Its `Display` is for people.
///
/// What is merely pending is no finding: see [`Status::pending`].
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// let validation = migrator.validate().await?;
/// println!("{validation}");
/// assert!(validation.is_valid());
/// # Ok(()) }
/// ```
#[must_use = "the verdict is in here"]
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    findings: Vec<Finding>,
    checked: usize,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// Qualified id of the migration.
    pub id: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a migration.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// It is pending, but others that depend on it are applied: it was written or marked as pending after them.
    Missing {
        /// Qualified ids of those.
        needed_by: Vec<String>,
    },
    /// It is applied, and its code has changed since.
    Modified {
        /// The checksum on record.
        recorded: String,
        /// The checksum of the code.
        linked: String,
        /// What its author says it relies on (`covers`), which the checksum does not cover.
        covers: Vec<String>,
    },
    /// It is on record, but not linked into this program.
    Orphan,
    /// It was started outside a transaction and has not ended, and nobody is running it.
    Interrupted,
    /// Its last execution, up or down, failed.
    Failed {
        /// The error on record.
        error: String,
        /// Whether it is applied all the same: it was its `down` that failed, and was rolled back.
        applied: bool,
    },
    /// Its body failed or was interrupted half-way on a server without transactions.
    HalfChanged,
    /// It is applied, but its checksum on record was made by an algorithm that this version of Mongrate does not know.
    Unverifiable {
        /// The checksum on record.
        recorded: String,
    },
    /// It is applied, but its `verify` function said that it did not have its effect.
    VerificationFailed {
        /// The error on record.
        error: String,
    },
}

impl Migrator {
    /// Whether what is on record and what is linked in fit together. Two reads, no writes.
    pub async fn validate(&self) -> Result<Validation, Error> {
        self.clone()
            .whole(async |this| {
                let status = this.clone().read_status().await?;
                Ok(Validation::new(&status))
            })
            .await
    }
}

impl Validation {
    fn new(status: &Status) -> Self {
        let mut findings = Vec::new();
        for (migration, record) in status.migrations() {
            findings.extend(missing(*migration, record.as_ref(), status));
            let record = record.as_ref().filter(|record| !status.is_running(record));
            findings.extend(
                record
                    .into_iter()
                    .flat_map(|record| problems(*migration, record))
                    .map(|problem| Finding { id: migration.id().to_owned(), problem }),
            );
        }
        let orphans = status.orphans().iter();
        findings.extend(orphans.map(|record| Finding { id: record.id.clone(), problem: Problem::Orphan }));
        Self { findings, checked: status.migrations().len() }
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.findings.is_empty()
    }

    /// How many linked-in migrations were looked at.
    #[must_use]
    pub fn checked(&self) -> usize {
        self.checked
    }

    /// The last line of its `Display`: how many were checked, and how many findings there are.
    #[must_use]
    pub fn summary(&self) -> String {
        let checked = counted(self.checked as u64, "migration");
        match self.findings.len() {
            0 => format!("{checked} checked, nothing is wrong."),
            found => format!("{checked} checked, {}.", counted(found as u64, "finding")),
        }
    }

    /// What was found, in plan order, orphans last.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

/// A hole: pending below something that is applied.
fn missing(migration: Migration, record: Option<&Record>, status: &Status) -> Option<Finding> {
    let state = record.map_or(State::New, Record::state);
    let depends = |other: &Migration| other.dependencies().contains(&migration.id());
    let needed_by = status.completed().map(|(other, _)| other).filter(depends);
    let needed_by: Vec<_> = needed_by.map(|other| other.id().to_owned()).collect();
    let hole = state.is_pending() && !needed_by.is_empty();
    hole.then(|| Finding { id: migration.id().to_owned(), problem: Problem::Missing { needed_by } })
}

fn problems(migration: Migration, record: &Record) -> Vec<Problem> {
    let error = || record.error.clone().unwrap_or_default();
    let mut problems = Vec::new();
    match record.state() {
        State::Partial => problems.push(Problem::HalfChanged),
        State::Interrupted => problems.push(Problem::Interrupted),
        State::Failed => problems.push(Problem::Failed { error: error(), applied: false }),
        State::Completed => {
            if record.drifted_from(migration) {
                problems.push(Problem::Modified {
                    recorded: record.checksum.clone(),
                    linked: migration.checksum().to_owned(),
                    covers: migration.covers().iter().map(|&path| path.to_owned()).collect(),
                });
            } else if record.checksum != migration.checksum() {
                problems.push(Problem::Unverifiable { recorded: record.checksum.clone() });
            }
            if record.verification_failed {
                problems.push(Problem::VerificationFailed { error: error() });
            } else if record.error.is_some() {
                // A `down` that was rolled back.
                problems.push(Problem::Failed { error: error(), applied: true });
            }
        }
        State::New | State::RolledBack => {}
    }
    problems
}

impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        f.write_str(&self.summary())
    }
}

impl Problem {
    /// Whether the next `up` sees to it, because it runs the migration (again).
    #[must_use]
    pub fn is_cured_by_up(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Interrupted | Self::Failed { applied: false, .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.problem)
    }
}

impl Problem {
    /// What is wrong, without what to do about it.
    pub(crate) fn what(&self) -> String {
        match self {
            Self::Missing { needed_by } => {
                format!("missing: it is pending, but needed by what is applied: {}", needed_by.join(", "))
            }
            Self::Modified { recorded, linked, covers } => {
                let relied_on = format!("; not compared, but relied on: {}", covers.join(", "));
                let relied_on = if covers.is_empty() { "" } else { &relied_on };
                format!("modified: it has changed since it was applied ({recorded} is now {linked}){relied_on}")
            }
            Self::Orphan => {
                "orphan: it is on record, but not linked into this program (removed, renamed, or of another \
                 build)"
                    .to_owned()
            }
            Self::Interrupted => "interrupted: it was started outside a transaction and has not ended".to_owned(),
            Self::Failed { error, applied: false } => format!("failed: {error}"),
            Self::Failed { error, applied: true } => format!("failed to be reverted, and is still applied: {error}"),
            Self::HalfChanged => {
                "half-way: it failed or was interrupted on a server without transactions, so the data may be \
                 half changed"
                    .to_owned()
            }
            Self::Unverifiable { recorded } => {
                let version = if is_of_a_pre_release(recorded) { "a pre-release" } else { "another version" };
                format!(
                    "unverifiable: its checksum on record ({recorded}) was made by {version} of Mongrate and cannot be \
                     compared"
                )
            }
            Self::VerificationFailed { error } => format!("not verified: {error}"),
        }
    }

    /// Which method to call; empty where the error on record has to be read first.
    fn cure(&self) -> &'static str {
        match self {
            Self::Missing { .. } => ". The next `up` runs it; if it is applied, say so with `mark_applied`",
            Self::Modified { .. } => ". Undo the change and write a new migration instead, or `accept` it",
            Self::Orphan => ". `prune` removes the record",
            Self::Interrupted => ". The next `up` runs it again",
            Self::HalfChanged => ". Repair it; then name it to run it again, or mark it as applied or pending",
            Self::Unverifiable { .. } => ". `accept` it if it is known to be unchanged",
            Self::Failed { .. } | Self::VerificationFailed { .. } => "",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.what(), self.cure())
    }
}
