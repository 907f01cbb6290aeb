//! Validation of records and database against the linked-in migrations.

use std::collections::HashMap;
use std::fmt;

use super::{Migrator, Status};
use crate::context::Difference;
use crate::display::plural;
use crate::error::Error;
use crate::migration::{Direction, Kind, Migration, State};
use crate::record::{Record, is_of_a_pre_release};

/// The findings of [`Migrator::validate`]. Its `Display` is for people.
///
/// A pending migration is not a finding by itself; see [`Status::pending`].
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// let validation = migrator.validate().await?;
/// println!("{validation}");
/// assert!(validation.is_valid());
/// # Ok(()) }
/// ```
#[must_use = "it may hold findings"]
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    findings: Vec<Finding>,
    notices: Vec<Finding>,
    checked: usize,
}

/// A problem of a migration.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// Qualified id of the migration.
    pub id: String,
    /// The problem.
    pub problem: Problem,
}

/// The kind of a [`Finding`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// Pending, although dependents are applied: it was written or marked as pending after them.
    Missing {
        /// Qualified ids of the applied dependents.
        needed_by: Vec<String>,
    },
    /// Applied, but its code has changed since.
    Modified {
        /// The recorded checksum.
        recorded: String,
        /// The checksum of the code.
        linked: String,
        /// The functions that it relies on (`relies_on`), which the checksum does not include.
        relies_on: Vec<String>,
    },
    /// Recorded, but not linked into this program.
    Orphan,
    /// Started outside a transaction but not ended, and no process is running it.
    Interrupted,
    /// Its last execution, up or down, failed.
    Failed {
        /// The recorded error.
        error: String,
        /// Whether it is still applied, because its `down` failed and was rolled back.
        applied: bool,
    },
    /// The `down` of a `Schema` migration failed or was interrupted, and no process is running it.
    PartiallyReverted,
    /// Its body failed or was interrupted on a server without transactions, so its changes may be partial.
    PartiallyApplied,
    /// Applied, but the algorithm of its recorded checksum is unknown to this version of Mongrate.
    Unverifiable {
        /// The recorded checksum.
        recorded: String,
    },
    /// Applied, but its `verify` function failed or did not find its effect.
    VerificationFailed {
        /// The recorded error.
        error: String,
    },
    /// The database differs from what the migration left: an index, a validator, a view or a collection was changed by hand, or
    /// by a late command of a run that had lost its lease.
    Differs {
        /// The object, such as `index 'email_1' of 'users'`, `validator of 'orders'` or `collection 'orders'`.
        object: String,
        /// The object as the migration left it, or `none`.
        expected: String,
        /// The object in the database, or `none`.
        found: String,
    },
}

impl Migrator {
    /// Validates the records and the database against the linked-in migrations. Never writes.
    ///
    /// The records store the collections, views, indexes and options that `Schema` migrations left, including migrations that
    /// were reverted or are not linked into this program. These are compared with the database, as the latest migration left
    /// them. Objects that the application created itself are ignored.
    ///
    /// Reads twice. If `Schema` migrations left anything, lists the collections, and the indexes of each collection with expected
    /// indexes.
    pub async fn validate(&self) -> Result<Validation, Error> {
        self.clone()
            .complete(async |this| {
                let graph = this.graph()?;
                let (records, attached) = this.all_records().await?;
                let sighting = this.0.lock.lease_document().await?;
                let differences = this.differences(&graph, &records, &attached).await?;
                Ok(Validation::new(&Status::new(&graph, &records, sighting), &differences))
            })
            .await
    }
}

impl Validation {
    fn new(status: &Status, differences: &[Difference]) -> Self {
        let (notices, differences): (Vec<_>, Vec<_>) = differences.iter().partition(|difference| difference.is_notice);
        let mut by_id: HashMap<_, Vec<_>> = HashMap::new();
        for difference in differences {
            by_id.entry(difference.id.as_str()).or_default().push(Finding::from(difference));
        }
        let mut findings = Vec::new();
        let mut missing = missing(status);
        for (migration, record) in status.migrations() {
            let problem = missing.remove(migration.id()).map(|needed_by| Problem::Missing { needed_by });
            findings.extend(problem.map(|problem| Finding { id: migration.id().to_owned(), problem }));
            let record = record.as_ref().filter(|record| !status.is_running(record));
            findings.extend(
                record
                    .into_iter()
                    .flat_map(|record| problems(*migration, record))
                    .map(|problem| Finding { id: migration.id().to_owned(), problem }),
            );
            findings.extend(by_id.remove(migration.id()).unwrap_or_default());
        }
        for record in status.orphans() {
            findings.push(Finding { id: record.id.clone(), problem: Problem::Orphan });
            findings.extend(by_id.remove(record.id.as_str()).unwrap_or_default());
        }
        let notices = notices.into_iter().map(Finding::from).collect();
        Self { findings, notices, checked: status.migrations().len() }
    }

    /// Returns whether there are no findings.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.findings.is_empty()
    }

    /// The number of linked-in migrations that were checked.
    #[must_use]
    pub fn checked(&self) -> usize {
        self.checked
    }

    /// The last line of its `Display`, with the numbers of checked migrations and of findings.
    #[must_use]
    pub fn summary(&self) -> String {
        let checked = plural(self.checked as u64, "migration");
        match self.findings.len() {
            0 => format!("{checked} checked, no findings."),
            found => format!("{checked} checked, {}.", plural(found as u64, "finding")),
        }
    }

    /// The findings in plan order, orphans last.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Differences that are probably intended: a collection that was dropped and created again, an index that is still being
    /// built, and anything that a later `&Database` migration may have changed. They are not findings.
    #[must_use]
    pub fn notices(&self) -> &[Finding] {
        &self.notices
    }
}

/// Finds the pending migrations with applied dependents, and maps their ids to those of their direct applied dependents.
fn missing(status: &Status) -> HashMap<&'static str, Vec<String>> {
    let mut missing: HashMap<_, Vec<_>> = status.pending().map(|migration| (migration.id(), Vec::new())).collect();
    for (dependent, _) in status.completed() {
        for dependency in dependent.dependencies() {
            if let Some(needed_by) = missing.get_mut(dependency) {
                needed_by.push(dependent.id().to_owned());
            }
        }
    }
    missing.retain(|_, needed_by| !needed_by.is_empty());
    missing
}

fn problems(migration: Migration, record: &Record) -> Vec<Problem> {
    let error = || record.error.clone().unwrap_or_default();
    let mut problems = Vec::new();
    let partially_reverted =
        record.direction == Direction::Down && matches!(record.kind, Some(Kind::Schema | Kind::Backfill));
    match record.state() {
        State::Interrupted | State::Failed if partially_reverted => problems.push(Problem::PartiallyReverted),
        State::Partial => problems.push(Problem::PartiallyApplied),
        State::Interrupted => problems.push(Problem::Interrupted),
        State::Failed => problems.push(Problem::Failed { error: error(), applied: false }),
        State::Completed => {
            if record.drifted_from(migration) {
                problems.push(Problem::Modified {
                    recorded: record.checksum.clone(),
                    linked: migration.checksum().to_owned(),
                    relies_on: migration.relies_on().iter().map(|&path| path.to_owned()).collect(),
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
        State::New | State::RolledBack | State::Underway | State::Canceled | State::Excluded => {}
    }
    problems
}

impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        for notice in &self.notices {
            writeln!(f, "notice: {}: {}", notice.id, notice.problem.description())?;
        }
        f.write_str(&self.summary())
    }
}

impl Problem {
    /// Returns whether the next `up` fixes the problem by running the migration.
    #[must_use]
    pub fn is_fixed_by_up(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Interrupted | Self::Failed { applied: false, .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.problem)
    }
}

impl Problem {
    /// Describes the problem, without the next step.
    #[must_use]
    pub fn description(&self) -> String {
        match self {
            Self::Missing { needed_by } => {
                format!("missing: it is pending, but these applied migrations depend on it: {}", needed_by.join(", "))
            }
            Self::Modified { recorded, linked, relies_on } => {
                let relied_on =
                    format!("; it also relies on these functions, which are not compared: {}", relies_on.join(", "));
                let relied_on = if relies_on.is_empty() { "" } else { &relied_on };
                format!("modified: it has changed since it was applied ({recorded} is now {linked}){relied_on}")
            }
            Self::Orphan => {
                "orphan: it is recorded, but not linked into this program (removed, renamed, or part of another build)"
                    .to_owned()
            }
            Self::Interrupted => "interrupted: it was started outside a transaction and has not ended".to_owned(),
            Self::PartiallyReverted => "partially reverted: its `down` failed or was interrupted".to_owned(),
            Self::Failed { error, applied: false } => format!("failed: {error}"),
            Self::Failed { error, applied: true } => format!("failed to revert, and is still applied: {error}"),
            Self::PartiallyApplied => {
                "partial: it failed or was interrupted on a server without transactions, so its changes may be partial"
                    .to_owned()
            }
            Self::Unverifiable { recorded } => {
                let version = if is_of_a_pre_release(recorded) { "a pre-release" } else { "another version" };
                format!(
                    "unverifiable: its recorded checksum ({recorded}) was computed by {version} of Mongrate and cannot \
                     be compared"
                )
            }
            Self::VerificationFailed { error } => format!("not verified: {error}"),
            Self::Differs { object, expected, found } => {
                format!("differs from what the migration left: {object}: expected {expected}, found {found}")
            }
        }
    }

    /// The next step for a person; empty if the recorded error determines it.
    fn help(&self) -> &'static str {
        match self {
            Self::Missing { .. } => ". The next `up` runs it. If it was applied by hand, use `mark_applied`",
            Self::Modified { .. } => ". Undo the change and write a new migration instead, or `accept` the change",
            Self::Orphan => ". `prune` removes the record",
            Self::Interrupted => ". The next `up` runs it again",
            Self::PartiallyReverted => ". Run its `down` again, which resumes where it stopped",
            Self::PartiallyApplied => {
                ". Repair the data. Then run the migration by name, or mark it as applied or pending"
            }
            Self::Unverifiable { .. } => ". `accept` it if you know that it is unchanged",
            Self::Differs { .. } => ". Restore it, write a migration that changes it, or `accept` it",
            Self::Failed { .. } | Self::VerificationFailed { .. } => "",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.description(), self.help())
    }
}
