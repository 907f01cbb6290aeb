//! A set of migrations as a plain value. The only module that uses `inventory`.

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

/// Warning for a program without linked-in migrations.
pub const NOTHING_LINKED: &str = "No migration is linked into this program. rustc does not link a crate that is \
     never named, and drops its migrations with it: name each crate that declares migrations once, for example \
     `use whale_alerts as _;`.";

/// A set of migrations. Cheap to clone.
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
/// A test checks what the compiler cannot see, `extern` dependencies in particular:
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
    /// Everything that is linked in, by source and id, so that a source is a contiguous range.
    linked: Arc<[Migration]>,
    selected: Range<usize>,
    /// The first selected source without migrations; reported when the registry is checked.
    unmatched: Option<Arc<str>>,
}

impl Registry {
    /// Collects every migration that is linked into this program.
    ///
    /// rustc does not link a crate that is never named. If only the migrations of a crate are needed, name it with
    /// `use whale_alerts as _;`.
    #[must_use]
    pub fn linked() -> Self {
        inventory::iter::<Linked>.into_iter().map(|linked| Migration::new(linked.registration())).collect()
    }

    /// Selects the migrations of one source: `system`, `module:<name>` or `plugin:<name>`.
    ///
    /// The other migrations are not run, but remain known as dependencies: a pending migration that depends on one of them is an
    /// error, unless the dependency is completed.
    ///
    /// A name without migrations is an error in [`verify`](Self::verify) and in every run, so that a typo is not mistaken for
    /// "nothing to do". A second call narrows the selection.
    ///
    /// ```
    /// let menu = mongrate::Registry::linked().source("module:menu");
    /// # assert!(menu.is_empty());
    /// ```
    #[must_use]
    pub fn source(&self, name: &str) -> Self {
        let selected = self.selected();
        let (start, end) = Source::parse(name).map_or((0, 0), |source| {
            (
                selected.partition_point(|migration| migration.source() < source),
                selected.partition_point(|migration| migration.source() <= source),
            )
        });
        let unmatched = (start == end).then(|| Arc::from(name));
        Self {
            linked: Arc::clone(&self.linked),
            selected: self.selected.start + start..self.selected.start + end,
            unmatched: self.unmatched.clone().or(unmatched),
        }
    }

    /// Returns the migration with this qualified id, if it is selected.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Migration> {
        // The first of several duplicates, which are reported elsewhere.
        let wanted = (Source::of(id), id);
        let selected = self.selected();
        let index = selected.partition_point(|migration| (migration.source(), migration.id()) < wanted);
        selected.get(index).copied().filter(|migration| migration.id() == id)
    }

    /// The number of selected migrations.
    #[must_use]
    pub fn len(&self) -> usize {
        self.selected.len()
    }

    /// Returns whether no migration is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.selected.is_empty()
    }

    /// Everything that is linked in, selected or not, by source and id.
    pub(crate) fn all(&self) -> &[Migration] {
        &self.linked
    }

    /// The selected range of [`all`](Self::all).
    pub(crate) fn selection(&self) -> Range<usize> {
        self.selected.clone()
    }

    /// The first selected source without migrations.
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
        // The location only breaks ties between duplicates, so that every build reports them in the same order.
        linked.sort_unstable_by_key(|migration| (migration.rank(), migration.location()));
        Self { selected: 0..linked.len(), linked: linked.into(), unmatched: None }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.selected().iter().map(Migration::id)).finish()
    }
}
