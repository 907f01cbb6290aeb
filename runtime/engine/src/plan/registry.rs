//! The migrations that a migrator works on, as a plain value. The only module that knows `inventory`.

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::migration::registration::{NodeRef, Registration};
use crate::migration::{Migration, Source};

/// A linked-in migration, as collected by `inventory`.
pub struct Linked(NodeRef);

inventory::collect!(Linked);

impl Linked {
    /// Lists the migration at this place in the graph.
    #[must_use]
    pub const fn new(node: NodeRef) -> Self {
        Self(node)
    }

    /// The migration.
    #[must_use]
    pub fn registration(&self) -> &'static Registration {
        self.0.get()
    }
}

/// The warning for an application in which no migration is linked in.
pub const NOTHING_LINKED: &str = "No migration is linked into this program. rustc does not link a crate that is \
     never named, and drops its migrations with it: name each crate that declares migrations once, for example \
     `use whale_alerts as _;`.";

/// A set of migrations, as a plain value: cheap to clone, the same however it was put together.
///
/// ```
/// use mongrate::Registry;
///
/// let registry = Registry::linked();
/// for migration in &registry {
///     println!("{} depends on {:?}", migration.id(), migration.dependencies());
/// }
/// ```
///
/// One test keeps in order what the compiler cannot see, `extern` dependencies above all:
///
/// ```
/// #[test]
/// fn migrations_fit_together() -> Result<(), mongrate::Error> {
///     mongrate::Registry::linked().verify()
/// }
/// ```
#[expect(clippy::test_attr_in_doctest, reason = "it is the test that users write")]
#[derive(Clone)]
pub struct Registry {
    /// All that is linked in, by source and id. A source is one stretch of it.
    linked: Arc<[Migration]>,
    selected: Range<usize>,
    /// A source that was asked for and is not there; reported by whatever checks the registry.
    unmatched: Option<Arc<str>>,
}

impl Registry {
    /// Every migration that is linked into this program.
    ///
    /// rustc does not link a crate that is never named. A crate of which only the migrations are wanted is named with
    /// `use whale_alerts as _;`.
    #[must_use]
    pub fn linked() -> Self {
        inventory::iter::<Linked>.into_iter().map(|linked| Migration::new(linked.registration())).collect()
    }

    /// Only the migrations of one source: `system`, `module:<name>` or `plugin:<name>`.
    ///
    /// The others stay known as dependencies. They are not run, so that a pending migration which depends on one of
    /// them is an error unless that one is completed already.
    ///
    /// A name to which nothing belongs selects nothing and is an error in [`verify`](Self::verify) and in every run,
    /// so that a slip of the pen does not pass for "nothing to do". A second call narrows the first.
    ///
    /// ```
    /// let menu = mongrate::Registry::linked().source("module:menu");
    /// # assert!(menu.is_empty());
    /// ```
    #[must_use]
    pub fn source(&self, name: &str) -> Self {
        let among = self.selected();
        let (start, end) = Source::parse(name).map_or((0, 0), |source| {
            (
                among.partition_point(|migration| migration.source() < source),
                among.partition_point(|migration| migration.source() <= source),
            )
        });
        let unmatched = (start == end).then(|| Arc::from(name));
        Self {
            linked: Arc::clone(&self.linked),
            selected: self.selected.start + start..self.selected.start + end,
            unmatched: self.unmatched.clone().or(unmatched),
        }
    }

    /// The migration with this qualified id, if it is selected.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Migration> {
        // The first one of several, which is reported with the others as a duplicate.
        let wanted = (Source::of(id), id);
        let among = self.selected();
        let place = among.partition_point(|migration| (migration.source(), migration.id()) < wanted);
        among.get(place).copied().filter(|migration| migration.id() == id)
    }

    /// How many migrations are selected.
    #[must_use]
    pub fn len(&self) -> usize {
        self.selected.len()
    }

    /// Whether no migration is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.selected.is_empty()
    }

    /// All that is linked in, selected or not, by source and id.
    pub(crate) fn all(&self) -> &[Migration] {
        &self.linked
    }

    /// Which stretch of [`all`](Self::all) is selected.
    pub(crate) fn selection(&self) -> Range<usize> {
        self.selected.clone()
    }

    /// The source that was asked for and has no migration.
    pub(crate) fn unmatched(&self) -> Option<&str> {
        self.unmatched.as_deref()
    }

    fn selected(&self) -> &[Migration] {
        &self.linked[self.selected.clone()]
    }
}

impl FromIterator<Migration> for Registry {
    fn from_iter<I: IntoIterator<Item = Migration>>(migrations: I) -> Self {
        let mut linked: Vec<_> = migrations.into_iter().collect();
        // The place is only a tie-break between duplicates, so that they are reported alike in every build.
        linked.sort_unstable_by_key(|migration| (migration.rank(), migration.location()));
        Self { selected: 0..linked.len(), linked: linked.into(), unmatched: None }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.selected().iter().map(Migration::id)).finish()
    }
}
