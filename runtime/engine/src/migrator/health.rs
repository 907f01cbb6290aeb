//! Whether a program and its database fit together.

use std::fmt;

use super::{Finding, Migrator, Problem, Status};
use crate::error::Error;
use crate::migration::{Migration, State};
use crate::options::{Options, Policy};
use crate::plan::{Plan, Reach, Step};
use crate::record::Record;

/// How many migrations a line names.
const NAMED: usize = 5;

/// Whether this program and its database fit together, in one word and with the lists behind it. Its `Display` is one
/// line.
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

/// The health of a database in one word, from the best to the worst. Of several that hold it is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HealthStatus {
    /// Everything is applied, but for what is manual and what waits for that.
    Healthy,
    /// The database is not as `Schema` migrations have left it.
    Differs,
    /// An applied migration has changed in the code since.
    Drifted,
    /// An `up` has something to do.
    Pending,
    /// A process is migrating right now, so that what is pending may soon be applied.
    Busy,
    /// A migration failed when it ran last, be it a manual one, is half-way on a server without transactions, or is applied
    /// without the effect that it verifies; or one that is not linked in may have left data half changed. That stays so until it has succeeded, also while it runs again.
    Failed,
}

impl Health {
    /// `plan` is `None` when nothing may run before somebody has looked at the data.
    fn new(
        details: Status,
        plan: Option<&Plan>,
        partially_applied_elsewhere: Vec<String>,
        differences: Vec<Finding>,
        options: &Options,
    ) -> Self {
        let failed: Vec<_> =
            details.migrations().iter().filter(|one| has_failed(&details, one)).map(|one| one.0).collect();
        let pending: Vec<_> = plan.into_iter().flatten().map(Step::migration).collect();
        let drifted = details.drifted().next().is_some();
        let status = if !failed.is_empty() || !partially_applied_elsewhere.is_empty() {
            HealthStatus::Failed
        } else if details.holder().is_some_and(|holder| !holder.expired) {
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

    /// The verdict.
    #[must_use]
    pub fn status(&self) -> HealthStatus {
        self.status
    }

    /// Whether this program finds the database that it expects: nothing that an `up` would apply, no data that another
    /// program may have left half changed, and no drift or differences if these are errors by [`Policy`].
    ///
    /// A busy database may be ready: while a newer version of the program migrates, the older ones go on to serve. So may
    /// one in which a manual migration failed.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// What has failed, in plan order.
    #[must_use]
    pub fn failed(&self) -> &[Migration] {
        &self.failed
    }

    /// What an `up` would apply, in order: not what is manual, nor what waits for that.
    #[must_use]
    pub fn pending(&self) -> &[Migration] {
        &self.pending
    }

    /// Qualified ids of migrations that are not linked into this program and may have left data half changed: see
    /// [`Error::PartiallyAppliedElsewhere`]. While there are any, a program is not ready.
    #[must_use]
    pub fn partially_applied_elsewhere(&self) -> &[String] {
        &self.partially_applied_elsewhere
    }

    /// What is not as `Schema` migrations have left it, by the last comparison, which is at most a minute old:
    /// [`Problem::Differs`](crate::migrator::validate::Problem::Differs) with the migration that has left it.
    #[must_use]
    pub fn differences(&self) -> &[Finding] {
        &self.differences
    }

    /// Where every migration stands, what has drifted, and who is migrating.
    #[must_use]
    pub fn details(&self) -> &Status {
        &self.details
    }
}

impl Migrator {
    /// Whether this program and its database fit together: for `/health` and `/ready`. Two reads, no writes; two more
    /// while a migration that is not linked in is running outside transactions, or was interrupted.
    ///
    /// At most once a minute, a migrator and its clones also compare the database with what `Schema` migrations have left, as
    /// [`validate`](Self::validate) does, so keep one migrator for this. A difference is a warning and the program stays ready,
    /// unless [`MigratorBuilder::differences`](crate::migrator::builder::MigratorBuilder::differences) says otherwise.
    pub async fn health(&self) -> Result<Health, Error> {
        self.clone().whole(async |this| this.read_health().await).await
    }

    async fn read_health(self) -> Result<Health, Error> {
        let graph = self.graph()?;
        let (records, sighting) = if self.0.compared.is_due() {
            let (records, attached) = self.0.tracker.all().await?;
            if let Err(error) = self.differences(&graph, &records, &attached).await {
                // The next try is in a minute; a service is not less healthy for it.
                tracing::warn!(error = %error.redacted(), "could not compare the database with what migrations have left");
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
        let differences = self.0.compared.found();
        let differences = differences.iter().filter(|difference| !difference.is_notice).map(Finding::from).collect();
        let status = Status::new(&graph, &records, sighting);
        Ok(Health::new(status, plan.as_ref(), elsewhere, differences, &self.0.options))
    }
}

fn has_failed(details: &Status, (_, record): &(Migration, Option<Record>)) -> bool {
    record.as_ref().is_some_and(|record| match record.state() {
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
        let lists = lists.map(|(list, what)| (list.iter().map(Migration::id).collect(), what));
        for (list, what) in lists.into_iter().chain([(elsewhere, "not linked in and half changed")]) {
            if !list.is_empty() {
                write!(f, "; {} {what} ({})", list.len(), named(&list))?;
            }
        }
        if !differences.is_empty() {
            let what = if differences.len() == 1 { "difference" } else { "differences" };
            let first: Vec<_> = differences.iter().take(NAMED).map(difference).collect();
            let more = differences.len().saturating_sub(NAMED);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            write!(f, "; {} {what} from what migrations left ({}{more})", differences.len(), first.join(", "))?;
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
