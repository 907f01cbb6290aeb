//! The databases of tenants: which there are, how far each is, and the site of each.

mod sweep;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use mongodb::Client;
use mongrate::migration::State;
use mongrate::migrator::{DatabaseFilter, Standing};
use mongrate::{Error, Migrator, MigratorBuilder};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub(crate) use sweep::{Progress, Sweep};

use crate::problem::Problem;
use crate::site::Site;

/// The number of sites to keep.
const SITES: usize = 256;

/// The number of databases to read or to migrate at a time.
pub(crate) const CONCURRENCY: usize = 8;

/// How long reading one database may take.
const LIMIT: Duration = Duration::from_secs(2);

/// The databases of tenants.
pub(crate) struct Tenants {
    client: Client,
    filter: DatabaseFilter,
    options: Box<dyn Fn(MigratorBuilder) -> MigratorBuilder + Send + Sync>,
    sites: Mutex<Sites>,
    uses: AtomicU64,
    sweep: Sweep,
    dry_runs: Arc<Semaphore>,
}

#[derive(Default)]
struct Sites {
    /// By the name of the database, each with the number of its last use.
    kept: HashMap<String, (Site, u64)>,
    is_closed: bool,
}

/// How far a database is. `None` if it could not be read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tenant {
    pub(crate) database: String,
    #[serde(flatten)]
    pub(crate) counts: Option<Counts>,
    /// Why it could not be read.
    pub(crate) error: Option<String>,
}

/// The number of migrations in each state.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    pub(crate) completed: usize,
    /// Without those that run only when they are named.
    pub(crate) pending: usize,
    pub(crate) manual: usize,
    /// Failed, partial, or interrupted, and not running.
    pub(crate) failed: usize,
    pub(crate) drifted: usize,
    pub(crate) orphans: usize,
    pub(crate) is_running: bool,
}

/// Which databases to list.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'q> {
    /// A part of the name, in any case.
    pub(crate) search: &'q str,
    /// Those with failures, or the others.
    pub(crate) failed: Option<bool>,
    /// The name after which to begin.
    pub(crate) after: Option<&'q str>,
    pub(crate) limit: usize,
}

/// A page of databases.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    pub(crate) tenants: Vec<Tenant>,
    /// The number of databases whose name matches, on all pages.
    pub(crate) total: usize,
    pub(crate) next: Option<String>,
}

impl Tenants {
    pub(crate) fn new(
        client: Client,
        filter: DatabaseFilter,
        options: impl Fn(MigratorBuilder) -> MigratorBuilder + Send + Sync + 'static,
        dry_runs: Arc<Semaphore>,
    ) -> Self {
        let (sites, uses, sweep) = (Mutex::default(), AtomicU64::new(0), Sweep::default());
        Self { client, filter, options: Box::new(options), sites, uses, sweep, dry_runs }
    }

    /// The site of a database, which is kept for later requests.
    pub(crate) async fn site(&self, database: &str) -> Result<Site, Problem> {
        if let Some(site) = self.kept(database) {
            return Ok(site);
        }
        if !self.names().await?.contains(database) {
            let problem = Problem::not_found(format!("there is no database '{database}' among the tenants"));
            return Err(problem.help("`tenants` lists them"));
        }
        let site = Site::of_tenant(self.migrator(database)?, self.dry_runs.clone());
        self.keep(database, site).ok_or_else(|| {
            let detail = "this process is shutting down";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(5)
        })
    }

    /// A page of the databases, in the order of their names.
    pub(crate) async fn page(&self, wanted: &Wanted<'_>) -> Result<Page, Problem> {
        let search = wanted.search.to_lowercase();
        let mut names = self.names().await?;
        names.retain(|name| name.to_lowercase().contains(&search));
        let total = names.len();
        let rest = names.into_iter().filter(|name| wanted.after.is_none_or(|after| name.as_str() > after));
        let mut tenants = stream::iter(rest.map(|name| self.count(name))).buffered(CONCURRENCY);
        let mut page = Page { tenants: Vec::new(), total, next: None };
        while let Some(tenant) = tenants.next().await {
            if wanted.failed.is_some_and(|failed| failed != tenant.has_failed()) {
                continue;
            }
            if page.tenants.len() == wanted.limit {
                page.next = page.tenants.last().map(|last| last.database.clone());
                break;
            }
            page.tenants.push(tenant);
        }
        Ok(page)
    }

    /// Ends the streams and runs of all databases, and refuses new ones.
    pub(crate) async fn close(&self) {
        let sites = {
            let mut sites = self.sites();
            sites.is_closed = true;
            std::mem::take(&mut sites.kept)
        };
        join_all(sites.values().map(|(site, _)| site.close())).await;
    }

    /// The newest `up` in all databases that this process has started.
    pub(crate) fn sweep(&self) -> &Sweep {
        &self.sweep
    }

    /// The names of all databases.
    pub(crate) async fn names(&self) -> Result<BTreeSet<String>, Problem> {
        let (filter, client) = (self.filter.clone(), self.client.clone());
        // The driver's futures must not be dropped midway.
        let listing = tokio::spawn(async move { filter.select(&client).await }).await;
        let listing = listing.map_err(|error| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("listing the databases ended: {error}"))
        })?;
        Ok(listing?)
    }

    fn migrator(&self, database: &str) -> Result<Migrator, Error> {
        (self.options)(Migrator::builder(self.client.database(database))).build()
    }

    async fn count(&self, database: String) -> Tenant {
        let status = async { self.migrator(&database)?.status().await };
        let (counts, error) = match timeout(LIMIT, status).await {
            Ok(Ok(status)) => {
                let orphans = status.orphans().len();
                let counts = Counts { orphans, is_running: status.is_migrating(), ..Counts::default() };
                (Some(status.iter().fold(counts, Counts::with)), None)
            }
            Ok(Err(error)) => (None, Some(error.message())),
            Err(_) => (None, Some(format!("no answer within {} seconds", LIMIT.as_secs()))),
        };
        Tenant { database, counts, error }
    }

    fn kept(&self, database: &str) -> Option<Site> {
        let mut sites = self.sites();
        let (site, used) = sites.kept.get_mut(database)?;
        *used = self.uses.fetch_add(1, Ordering::Relaxed);
        Some(site.clone())
    }

    /// Keeps a site instead of the idle one that was not used for longest. Of two requests at once, both get the first site. `None`
    /// after [`close`](Self::close).
    fn keep(&self, database: &str, site: Site) -> Option<Site> {
        let mut sites = self.sites();
        if sites.is_closed {
            return None;
        }
        let sites = &mut sites.kept;
        if sites.len() >= SITES && !sites.contains_key(database) {
            let idle = sites.iter().filter(|(_, (site, _))| site.is_idle()).min_by_key(|(_, (_, used))| *used);
            if let Some(name) = idle.map(|(name, _)| name.clone()) {
                sites.remove(&name);
            }
        }
        let used = self.uses.fetch_add(1, Ordering::Relaxed);
        Some(sites.entry(database.to_owned()).or_insert((site, used)).0.clone())
    }

    fn sites(&self) -> MutexGuard<'_, Sites> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tenant {
    /// Returns whether a person should look at it.
    pub(crate) fn has_failed(&self) -> bool {
        self.counts.as_ref().is_none_or(|counts| counts.failed > 0)
    }
}

impl Counts {
    fn with(mut self, standing: Standing<'_>) -> Self {
        let has_failed = matches!(standing.state, State::Failed | State::Partial | State::Interrupted);
        self.failed += usize::from(has_failed && !standing.is_running);
        self.drifted += usize::from(standing.has_drifted());
        match standing.state {
            State::Completed => self.completed += 1,
            State::Excluded | State::Underway => {}
            _ if standing.runs_only_by_name() => self.manual += 1,
            _ => self.pending += 1,
        }
        self
    }
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").field("filter", &self.filter).finish_non_exhaustive()
    }
}
