//! The admin of one database, and its three faces.

use std::fmt;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use mongodb::Client;
use mongrate::migrator::DatabaseFilter;
use mongrate::{Migrator, MigratorBuilder};
use tokio::sync::Semaphore;

use crate::authorization::Access;
use crate::mask::masked;
use crate::mounts::Mounts;
use crate::patience::Patience;
use crate::read_only;
use crate::readiness::Readiness;
use crate::refusals::Refusals;
use crate::runs::KEEP_DRY;
use crate::site::Site;
use crate::tenants::Tenants;
use crate::watch::STREAMS;

/// The environment in which access is required.
const PRODUCTION: &str = "production";

/// An admin page, an API and probes for one database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Admin(Arc<Inner>);

struct Inner {
    site: Site,
    tenants: Option<Tenants>,
    readiness: Readiness,
    access: Box<dyn Access>,
    redact: Box<dyn Fn(&str) -> String + Send + Sync>,
    title: String,
    home: Option<String>,
    read_only: bool,
    hosts: Option<Vec<String>>,
    trusted_origins: Vec<String>,
    insecure_cookies: bool,
    streams: Arc<Semaphore>,
    patience: Patience,
    keep_dry: Duration,
    refusals: Refusals,
    process: String,
    process_header: HeaderValue,
    mounts: Mounts,
}

/// Configures an [`Admin`]; returned by [`Admin::new`].
#[must_use = "nothing is served until it is built and mounted"]
pub struct AdminBuilder(Inner);

impl Admin {
    /// Starts with a migrator and a decision on access. There is no open default.
    #[expect(clippy::new_ret_no_self, reason = "a builder, as the access is required")]
    pub fn new(migrator: &Migrator, access: impl Access) -> AdminBuilder {
        let version = migrator.codebase_version().map(|version| format!(" {version}")).unwrap_or_default();
        let process = format!("{}/{}{version}", mongrate::record::host(), process::id());
        AdminBuilder(Inner {
            title: migrator.database().name().to_owned(),
            site: Site::new(migrator.clone(), Arc::new(Semaphore::new(1))),
            tenants: None,
            readiness: Readiness::default(),
            access: Box::new(access),
            redact: Box::new(masked),
            home: None,
            streams: Arc::new(Semaphore::new(STREAMS)),
            read_only: false,
            hosts: None,
            trusted_origins: Vec::new(),
            insecure_cookies: false,
            patience: Patience::default(),
            keep_dry: KEEP_DRY,
            refusals: Refusals::default(),
            process_header: HeaderValue::from_str(&process).unwrap_or(HeaderValue::from_static("unknown")),
            process,
            mounts: Mounts::default(),
        })
    }

    /// Ends the streams of events, stops the runs that were started here in good order, and waits for their end. A service with
    /// signal handlers of its own calls this before it exits; otherwise, open pages hold up a graceful shutdown for 20 seconds.
    pub async fn close(&self) {
        self.0.site.close().await;
        if let Some(tenants) = self.tenants() {
            tenants.close().await;
        }
    }

    /// One permit for each stream of events that may still be opened.
    pub(crate) fn streams(&self) -> &Arc<Semaphore> {
        &self.0.streams
    }

    pub(crate) fn site(&self) -> &Site {
        &self.0.site
    }

    pub(crate) fn tenants(&self) -> Option<&Tenants> {
        self.0.tenants.as_ref()
    }

    pub(crate) fn readiness(&self) -> &Readiness {
        &self.0.readiness
    }

    /// The text of an error for those who may only read.
    pub(crate) fn redact(&self, error: &str) -> String {
        (self.0.redact)(error)
    }

    pub(crate) fn access(&self) -> &dyn Access {
        &*self.0.access
    }

    pub(crate) fn title(&self) -> &str {
        &self.0.title
    }

    pub(crate) fn home(&self) -> Option<&str> {
        self.0.home.as_deref()
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.0.read_only
    }

    pub(crate) fn is_unprotected(&self) -> bool {
        self.access().is_unprotected()
    }

    pub(crate) fn hosts(&self) -> Option<&[String]> {
        self.0.hosts.as_deref()
    }

    pub(crate) fn trusted_origins(&self) -> &[String] {
        &self.0.trusted_origins
    }

    pub(crate) fn takes_insecure_cookies(&self) -> bool {
        self.0.insecure_cookies
    }

    /// The process that answers, such as `shop-7d9f/812`.
    pub(crate) fn process(&self) -> &str {
        &self.0.process
    }

    pub(crate) fn process_header(&self) -> &HeaderValue {
        &self.0.process_header
    }

    pub(crate) fn mounts(&self) -> &Mounts {
        &self.0.mounts
    }

    /// Whether anybody could do everything in production.
    pub(crate) fn is_open_in_production(&self) -> bool {
        self.is_unprotected() && self.site().migrator().environment() == Some(PRODUCTION)
    }

    pub(crate) fn patience(&self) -> Patience {
        self.0.patience
    }

    /// How long the report of a dry run is kept.
    pub(crate) fn keep_dry(&self) -> Duration {
        self.0.keep_dry
    }

    /// Logs that credentials were refused.
    pub(crate) fn note_refusal(&self) {
        self.0.refusals.note();
    }
}

impl AdminBuilder {
    /// The name of the application in the header of the page. Default: the name of the database.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.0.title = title.into();
        self
    }

    /// Where "Back to the application" leads. Default: no such link.
    pub fn home(mut self, url: impl Into<String>) -> Self {
        self.0.home = Some(url.into());
        self
    }

    /// Serves the databases of tenants, too: the API below `tenants/{database}/`, the page with `?database=`. The filter decides
    /// which databases there are; each gets a migrator with these options.
    ///
    /// ```no_run
    /// # fn example(client: mongodb::Client, migrator: mongrate::Migrator, tokens: mongrate_admin::Tokens) {
    /// use mongrate::migrator::DatabaseFilter;
    /// use mongrate_admin::Admin;
    ///
    /// let tenants = DatabaseFilter::prefix("tenant_");
    /// let admin = Admin::new(&migrator, tokens).tenants(client, tenants, |builder| builder.environment("production")).build();
    /// # let _ = admin;
    /// # }
    /// ```
    pub fn tenants(
        mut self,
        client: Client,
        filter: DatabaseFilter,
        options: impl Fn(MigratorBuilder) -> MigratorBuilder + Send + Sync + 'static,
    ) -> Self {
        self.0.tenants = Some(Tenants::new(client, filter, options, self.0.site.runs().dry_runs().clone()));
        self
    }

    /// Sets what those who may only read see of an error. Default: its first line, without the values that the server quotes in
    /// errors about duplicate keys and about documents that failed validation. Credentials in addresses are hidden from
    /// everybody.
    pub fn redact(mut self, redact: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.0.redact = Box::new(redact);
        self
    }

    /// Lowers every grant to at most [`Level::Read`](crate::Level::Read). The environment variable `MONGRATE_HTTP_READ_ONLY=true`
    /// does the same.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.0.read_only = read_only;
        self
    }

    /// The values of the header `Host` to answer, with or without a port; all others get 421. Default: any.
    pub fn hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.0.hosts = Some(hosts.into_iter().map(Into::into).collect());
        self
    }

    /// An origin whose forms are accepted, such as `http://ops.example.com`: for a proxy that changes `Host` and serves plain
    /// HTTP, where browsers send nothing else to go by.
    pub fn trusted_origin(mut self, origin: impl Into<String>) -> Self {
        self.0.trusted_origins.push(origin.into());
        self
    }

    /// Lets people sign in over plain HTTP, where anybody on the network can read the cookie and use it for 12 hours. Logged as a
    /// warning. Not needed on localhost, behind a proxy that serves HTTPS, or for tokens in headers.
    pub fn insecure_cookies(mut self) -> Self {
        self.0.insecure_cookies = true;
        self
    }

    /// Sets the limits for reading a body and for answering, for tests.
    #[doc(hidden)]
    pub fn patience(mut self, body: Duration, answer: Duration) -> Self {
        self.0.patience = Patience { body, read: answer, write: answer };
        self
    }

    /// Sets how long the report of a dry run is kept, for tests.
    #[doc(hidden)]
    pub fn keep_dry(mut self, limit: Duration) -> Self {
        self.0.keep_dry = limit;
        self
    }

    /// Builds it. Mount its faces next.
    #[must_use = "it has to be mounted"]
    pub fn build(mut self) -> Admin {
        self.0.read_only |= read_only::is_configured();
        if self.0.insecure_cookies {
            tracing::warn!("the admin page accepts sign-ins over plain HTTP; serve it over HTTPS instead");
        }
        let admin = Admin(Arc::new(self.0));
        if admin.is_open_in_production() {
            tracing::error!(
                "the admin is open to everybody in production, so that it answers nothing; configure tokens"
            );
        } else if admin.is_unprotected() {
            tracing::warn!(
                "the admin is open to everybody on this machine; configure tokens before others can reach it"
            );
        }
        admin
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("title", &self.title).field("site", &self.site).finish_non_exhaustive()
    }
}

impl fmt::Debug for AdminBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
