//! Whether what is on record, what is linked in and what is in the database fit together.

use std::collections::HashMap;
use std::fmt;

use super::{Migrator, Status};
use crate::context::Difference;
use crate::display::plural;
use crate::error::Error;
use crate::migration::{Direction, Kind, Migration, State};
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
    notices: Vec<Finding>,
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
    /// The `down` of a `Schema` migration has failed or was interrupted, and nobody is running it.
    PartiallyReverted,
    /// Its body failed or was interrupted half-way on a server without transactions.
    PartiallyApplied,
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
    /// The database is not as it has left it: somebody has changed an index, a validator, a view or a collection by hand, or a
    /// command of a run that had lost its lease has arrived late.
    Differs {
        /// `index 'email_1' of 'users'`, `validator of 'orders'`, `collection 'orders'`.
        object: String,
        /// What the migration has left, or `none`.
        expected: String,
        /// What is there, or `none`.
        found: String,
    },
}

impl Migrator {
    /// Whether what is on record, what is linked in and what is in the database fit together. No writes.
    ///
    /// What `Schema` migrations have left is stored with their records, also of those that were reverted or are not linked into
    /// this program, and is compared with the database: the indexes, collections, views and options that they have touched, and
    /// nothing that the application has made by itself. What a later migration has changed counts as that one has left it.
    ///
    /// Two reads; a third that lists collections, and one for each collection with expected indexes, if anything was left.
    pub async fn validate(&self) -> Result<Validation, Error> {
        self.clone()
            .whole(async |this| {
                let graph = this.graph()?;
                let (records, attached) = this.0.tracker.all().await?;
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
        let mut holes = holes(status);
        for (migration, record) in status.migrations() {
            let missing = holes.remove(migration.id()).map(|needed_by| Problem::Missing { needed_by });
            findings.extend(missing.map(|problem| Finding { id: migration.id().to_owned(), problem }));
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
        let checked = plural(self.checked as u64, "migration");
        match self.findings.len() {
            0 => format!("{checked} checked, nothing is wrong."),
            found => format!("{checked} checked, {}.", plural(found as u64, "finding")),
        }
    }

    /// What was found, in plan order, orphans last.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Differences that are probably as they should be: a collection that was dropped and is there again, an index that is still
    /// being built, and whatever a later `&Database` migration may have changed. They do not make it invalid.
    #[must_use]
    pub fn notices(&self) -> &[Finding] {
        &self.notices
    }
}

/// The holes, pending below something that is applied: by id, what is applied and depends on it directly.
fn holes(status: &Status) -> HashMap<&'static str, Vec<String>> {
    let mut holes: HashMap<_, Vec<_>> = status.pending().map(|migration| (migration.id(), Vec::new())).collect();
    for (needing, _) in status.completed() {
        for dependency in needing.dependencies() {
            if let Some(needed_by) = holes.get_mut(dependency) {
                needed_by.push(needing.id().to_owned());
            }
        }
    }
    holes.retain(|_, needed_by| !needed_by.is_empty());
    holes
}

fn problems(migration: Migration, record: &Record) -> Vec<Problem> {
    let error = || record.error.clone().unwrap_or_default();
    let mut problems = Vec::new();
    let partially_reverted = record.direction == Direction::Down && record.kind == Some(Kind::Schema);
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
        for notice in &self.notices {
            writeln!(f, "notice: {}: {}", notice.id, notice.problem.what())?;
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
    #[must_use]
    pub fn what(&self) -> String {
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
            Self::PartiallyReverted => "half reverted: its `down` has failed or was interrupted".to_owned(),
            Self::Failed { error, applied: false } => format!("failed: {error}"),
            Self::Failed { error, applied: true } => format!("failed to be reverted, and is still applied: {error}"),
            Self::PartiallyApplied => {
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
            Self::Differs { object, expected, found } => {
                format!("differs from what it left: {object}: expected {expected}, found {found}")
            }
        }
    }

    /// Which method to call; empty where the error on record has to be read first.
    fn cure(&self) -> &'static str {
        match self {
            Self::Missing { .. } => ". The next `up` runs it; if it is applied, say so with `mark_applied`",
            Self::Modified { .. } => ". Undo the change and write a new migration instead, or `accept` it",
            Self::Orphan => ". `prune` removes the record",
            Self::Interrupted => ". The next `up` runs it again",
            Self::PartiallyReverted => ". Run its `down` again, which resumes where it stopped",
            Self::PartiallyApplied => ". Repair it; then name it to run it again, or mark it as applied or pending",
            Self::Unverifiable { .. } => ". `accept` it if it is known to be unchanged",
            Self::Differs { .. } => ". Make it as it was, write a migration that changes it, or `accept` what is there",
            Self::Failed { .. } | Self::VerificationFailed { .. } => "",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.what(), self.cure())
    }
}
