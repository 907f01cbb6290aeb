//! The condition that excludes a migration from a database.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::provided::Provided;

/// What a `when` function can decide on.
///
/// ```
/// use mongrate::migration::Conditions;
/// use mongrate::{Tx, migration};
///
/// pub struct Region(pub &'static str);
///
/// /// Consent is recorded only in the EU.
/// #[migration(id = "001_consent", when = is_in_the_eu)]
/// async fn consent(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
///     tx.kv().set("consent", true).await
/// }
///
/// fn is_in_the_eu(conditions: &Conditions) -> bool {
///     conditions.provided::<Region>().is_some_and(|region| region.0 == "eu")
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Conditions {
    pub(crate) environment: Option<String>,
    pub(crate) provided: Provided,
}

impl Conditions {
    /// The [`environment`](crate::MigratorBuilder::environment) of the migrator, if it has one.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// The value that the application [provides](crate::MigratorBuilder::provide) for this type, if any.
    #[must_use]
    pub fn provided<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.provided.get()
    }
}

/// `only_in = [..]` and `when = path`.
#[derive(Clone, Copy, Debug)]
pub struct Condition {
    /// The environments, or none for all.
    pub only_in: &'static [&'static str],
    /// The function, with its path as written.
    pub when: Option<(&'static str, When)>,
}

/// The function of `when = path`: whether the migration belongs to a database under these conditions.
pub type When = fn(&Conditions) -> bool;

impl Condition {
    /// Returns whether the migration belongs to a database under these conditions.
    pub(crate) fn holds(&self, conditions: &Conditions) -> bool {
        let is_here = |environment: &str| self.only_in.contains(&environment);
        let is_here = self.only_in.is_empty() || conditions.environment().is_some_and(is_here);
        is_here && self.when.is_none_or(|(_, when)| when(conditions))
    }
}

/// `only in dev, test and when is_in_the_eu`.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.only_in.is_empty() {
            write!(f, "only in {}", self.only_in.join(", "))?;
        }
        if let Some((name, _)) = self.when {
            write!(f, "{}when {name}", if self.only_in.is_empty() { "" } else { " and " })?;
        }
        Ok(())
    }
}
