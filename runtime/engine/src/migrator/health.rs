//! Health checks.

use std::fmt;

use super::{Finding, Migrator, Problem, Status};
use crate::error::Error;
use crate::migration::{Migration, State};
use crate::options::{Options, Policy};
use crate::plan::{Plan, Reach, Step};
use crate::record::Record;

/// Maximum number of migrations to list in a line.
const NAMED: usize = 5;

/// The health of a program's database; returned by [`Migrator::health`]. Its `Display` is one line.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// let health = migrator.health().await?;
/// println!("{health}"); // pending: 12 completed; 1 pending (003_assign_roles)
/// let http_status = if health.is_ready() { 200 } else { 503 };
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Health {
    status: HealthStatus,
    ready: bool,
    failed: Vec<Migration>,
    pending: Vec<Migration>,
    partially_applied_elsewhere: Vec<String>,
    differences: Vec<Finding>,
    details: Status,
}

/// The health of a database, from best to worst. If several apply, the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HealthStatus {
    /// Everything is applied, except for manual migrations and their dependents.
    Healthy,
    /// The database differs from what `Schema` migrations left.
    Differs,
    /// The code of an applied migration has changed since.
    Drifted,
    /// There are pending migrations for `up`.
    Pending,
    /// A process is currently migrating, so that pending migrations may soon be applied.
    Busy,
    /// The last execution of a migration failed, including manual ones, left partial changes, or failed to verify; or a migration
    /// that is not linked in may have left partial changes. This lasts until the migration succeeds, even while it runs again.
    Failed,
}

impl Health {
    /// `plan` is `None` if partial changes must be repaired before anything may run.
    fn new(
        details: Status,
        plan: Option<&Plan>,
        partially_applied_elsewhere: Vec<String>,
        differences: Vec<Finding>,
        options: &Options,
    ) -> Self {
        let failed: Vec<_> =
            details.migrations().iter().filter(|entry| has_failed(&details, entry)).map(|entry| entry.0).collect();
        let pending: Vec<_> = plan.into_iter().flatten().map(Step::migration).collect();
        let drifted = details.drifted().next().is_some();
        let status = if !failed.is_empty() || !partially_applied_elsewhere.is_empty() {
            HealthStatus::Failed
        } else if details.is_migrating() {
            HealthStatus::Busy
        } else if !pending.is_empty() {
            HealthStatus::Pending
        } else if drifted {
            HealthStatus::Drifted
        } else if !differences.is_empty() {
            HealthStatus::Differs
        } else {
            HealthStatus::Healthy
        };
        let refused = (drifted && options.drift == Policy::Error)
            || (!differences.is_empty() && options.differences == Policy::Error)
            || !partially_applied_elsewhere.is_empty();
        let ready = plan.is_some_and(Plan::is_empty) && !refused;
        Self { status, ready, failed, pending, partially_applied_elsewhere, differences, details }
    }

    /// The health as a single value.
    #[must_use]
    pub fn status(&self) -> HealthStatus {
        self.status
    }

    /// Returns whether the database is as this program expects: no pending migrations for `up`, no partial changes of another
    /// program, and no drift or differences if their [`Policy`] is `Error`.
    ///
    /// A busy database may be ready, so that older versions of the program continue to serve while a newer one migrates. A
    /// database with a failed manual migration may be ready, too.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// The failed migrations in plan order.
    #[must_use]
    pub fn failed(&self) -> &[Migration] {
        &self.failed
    }

    /// The migrations that `up` would apply, in plan order. Excludes manual migrations and their dependents.
    #[must_use]
    pub fn pending(&self) -> &[Migration] {
        &self.pending
    }

    /// Qualified ids of migrations that are not linked into this program and may have left partial changes; see
    /// [`Error::PartiallyAppliedElsewhere`]. A program is not ready if there are any.
    #[must_use]
    pub fn partially_applied_elsewhere(&self) -> &[String] {
        &self.partially_applied_elsewhere
    }

    /// The differences of the database from what `Schema` migrations left, as [`Problem::Differs`]. They are from the last
    /// comparison, which is at most a minute old.
    #[must_use]
    pub fn differences(&self) -> &[Finding] {
        &self.differences
    }

    /// The status of every migration, and the holder of the lease.
    #[must_use]
    pub fn details(&self) -> &Status {
        &self.details
    }
}

impl Migrator {
    /// Checks the health of the database, for endpoints like `/health` and `/ready`. Reads twice, and twice more while a
    /// migration that is not linked in is running outside transactions or was interrupted. Never writes.
    ///
    /// At most once a minute, a migrator and its clones also compare the database with what `Schema` migrations left, like
    /// [`validate`](Self::validate), so keep a migrator for health checks. A difference is a warning, and the program stays
    /// ready, unless [`MigratorBuilder::differences`](crate::MigratorBuilder::differences) is configured otherwise.
    pub async fn health(&self) -> Result<Health, Error> {
        self.clone().complete(async |this| this.read_health().await).await
    }

    async fn read_health(self) -> Result<Health, Error> {
        let graph = self.graph()?;
        let (records, sighting) = if self.0.compared.is_due() {
            let (records, attached) = self.all_records().await?;
            if let Err(error) = self.differences(&graph, &records, &attached).await {
                // Retried in a minute. It does not make the service unhealthy.
                tracing::warn!(error = %error.redacted(), "could not compare the database with what migrations left");
            }
            (records, self.0.lock.lease_document().await?)
        } else {
            self.read_state().await?
        };
        let plan = match Plan::up(&graph, &Reach::All, |id| records.state(id)) {
            Err(Error::PartiallyApplied { .. }) => None,
            plan => Some(plan?),
        };
        let elsewhere = self.partially_applied_elsewhere(&graph, &records).await?;
        let differences = self.0.compared.differences();
        let differences = differences.iter().filter(|difference| !difference.is_notice).map(Finding::from).collect();
        let status = Status::new(&graph, &records, sighting);
        Ok(Health::new(status, plan.as_ref(), elsewhere, differences, &self.0.options))
    }
}

fn has_failed(details: &Status, (migration, record): &(Migration, Option<Record>)) -> bool {
    record.as_ref().is_some_and(|record| match details.state(migration.id()).unwrap_or(record.state()) {
        State::Failed => true,
        State::Partial => !details.is_running(record),
        State::Completed => record.verification_failed,
        _ => false,
    })
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, failed, pending, partially_applied_elsewhere, differences, details, .. } = self;
        write!(f, "{status}: {} completed", details.completed().count())?;
        let drifted: Vec<_> = details.drifted().map(|(migration, _)| migration).collect();
        let elsewhere: Vec<_> = partially_applied_elsewhere.iter().map(String::as_str).collect();
        let lists = [(failed, "failed"), (pending, "pending"), (&drifted, "changed since")];
        let lists = lists.map(|(list, label)| (list.iter().map(Migration::id).collect(), label));
        for (list, label) in lists.into_iter().chain([(elsewhere, "not linked in and partial")]) {
            if !list.is_empty() {
                write!(f, "; {} {label} ({})", list.len(), named(&list))?;
            }
        }
        if !differences.is_empty() {
            let noun = if differences.len() == 1 { "difference" } else { "differences" };
            let first: Vec<_> = differences.iter().take(NAMED).map(difference).collect();
            let more = differences.len().saturating_sub(NAMED);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            write!(f, "; {} {noun} from what migrations left ({}{more})", differences.len(), first.join(", "))?;
        }
        match details.holder() {
            Some(holder) if holder.expired => write!(f, "; held by {holder}"),
            Some(holder) => write!(f, "; being migrated by {holder}"),
            None => Ok(()),
        }
    }
}

fn difference(finding: &Finding) -> String {
    match &finding.problem {
        Problem::Differs { object, .. } => format!("{}: {object}", finding.id),
        problem => format!("{}: {problem}", finding.id),
    }
}

fn named(ids: &[&str]) -> String {
    let more = ids.len().saturating_sub(NAMED);
    let named = ids[..ids.len() - more].join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Differs => "differs",
            Self::Drifted => "drifted",
            Self::Pending => "pending",
            Self::Busy => "busy",
            Self::Failed => "failed",
        })
    }
}
