//! Selecting databases.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use mongodb::Client;

use crate::error::Error;
use crate::migrator::connection::name::is_reserved;

/// A filter of the databases to migrate. Never selects `admin`, `config` and `local`, which are the server's own.
///
/// ```
/// use mongrate::migrator::DatabaseFilter;
///
/// let tenants = DatabaseFilter::prefix("tenant_");
/// let new = DatabaseFilter::named(["tenant_ana", "tenant_bob"]);
/// let european = DatabaseFilter::matching(|name| name.ends_with("_eu"));
/// ```
#[derive(Clone)]
pub struct DatabaseFilter(Kind);

#[derive(Clone)]
enum Kind {
    Named(BTreeSet<String>),
    Prefix(String),
    Matching(Arc<dyn Fn(&str) -> bool + Send + Sync>),
    All,
}

impl DatabaseFilter {
    /// Selects these databases, whether they exist or not. The server's databases are not listed.
    #[must_use]
    pub fn named<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self(Kind::Named(names.into_iter().map(Into::into).collect()))
    }

    /// Selects the existing databases whose names start with a prefix. An empty prefix is an error; use [`all`](Self::all).
    #[must_use]
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self(Kind::Prefix(prefix.into()))
    }

    /// Selects the existing databases whose names match a predicate.
    #[must_use]
    pub fn matching(matches: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Kind::Matching(Arc::new(matches)))
    }

    /// Selects all existing databases.
    #[must_use]
    pub fn all() -> Self {
        Self(Kind::All)
    }

    /// Returns the names of the selected databases, in order. Lists the databases of the server, unless the filter names them.
    pub async fn select(&self, client: &Client) -> Result<BTreeSet<String>, Error> {
        match &self.0 {
            Kind::Named(names) => {
                let reserved = names.iter().find(|name| is_reserved(name));
                reserved.map_or_else(|| Ok(names.clone()), |name| Err(Error::ReservedDatabase { name: name.clone() }))
            }
            Kind::Prefix(prefix) if prefix.is_empty() => Err(Error::Refused(EMPTY_PREFIX.to_owned())),
            Kind::Prefix(prefix) => existing(client, |name| name.starts_with(prefix)).await,
            Kind::Matching(matches) => existing(client, matches.as_ref()).await,
            Kind::All => existing(client, |_| true).await,
        }
    }
}

const EMPTY_PREFIX: &str = "`DatabaseFilter::prefix(\"\")` would match every database of the server. Pass the beginning of your \
     tenants' names, or use `DatabaseFilter::all()`";

async fn existing(client: &Client, wanted: impl Fn(&str) -> bool) -> Result<BTreeSet<String>, Error> {
    let names = client.list_database_names().await.map_err(|error| Error::server("list the databases", error))?;
    let wanted = names.into_iter().filter(|name| !is_reserved(name) && wanted(name));
    Ok(wanted.collect())
}

impl fmt::Debug for DatabaseFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Named(names) => f.debug_tuple("Named").field(names).finish(),
            Kind::Prefix(prefix) => f.debug_tuple("Prefix").field(prefix).finish(),
            Kind::Matching(_) => f.write_str("Matching(..)"),
            Kind::All => f.write_str("All"),
        }
    }
}
