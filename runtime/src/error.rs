//! What can go wrong, as sentences that say what to do next.

use crate::migration::Source;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Migrations depend on each other in a circle. Found by [`Registry::verify`](crate::Registry::verify).
    #[error(
        "Circular dependency detected: {}. Remove one of these dependencies to break the cycle.",
        .path.join(" -> ")
    )]
    Cycle {
        /// Qualified ids, each depending on the next; the first one is the smallest and is repeated at the end.
        path: Vec<&'static str>,
    },

    /// A dependency that is not linked in. Found by [`Registry::verify`](crate::Registry::verify).
    #[error(
        "Migration '{migration}' depends on '{dependency}', but that migration was not found. \
         Ensure the dependency exists or remove it from its deps.{}",
        did_you_mean(.nearest.as_deref())
    )]
    MissingDependency {
        /// Qualified id of the migration that names the dependency.
        migration: &'static str,
        /// The qualified id that was not found.
        dependency: &'static str,
        /// The linked-in qualified id that was probably meant.
        nearest: Option<&'static str>,
    },

    /// Two linked-in migrations have the same qualified id. Found by [`Registry::verify`](crate::Registry::verify).
    #[error(
        "Two migrations have the id '{id}': {}:{} and {}:{}. Give one of them another id.",
        .first.0, .first.1, .second.0, .second.1
    )]
    DuplicateId {
        /// The qualified id.
        id: &'static str,
        /// File and line of one of the functions.
        first: (&'static str, u32),
        /// File and line of the other.
        second: (&'static str, u32),
    },

    /// [`Registry::source`](crate::Registry::source) named a source that none of the migrations belongs to.
    #[error(
        "No linked-in migration belongs to source '{name}'. {}",
        known_sources(.known)
    )]
    UnknownSource {
        /// The source as it was named.
        name: String,
        /// The sources that were there to choose from.
        known: Vec<Source<'static>>,
    },

    /// Several mistakes in one set of linked-in migrations, each of them to be corrected on its own.
    #[error("{}", list(.errors))]
    Several {
        /// Two errors or more, in the order: source, duplicates, missing dependencies, cycles.
        errors: Vec<Error>,
    },

    /// A migration was named that is not linked in.
    #[error(
        "Migration '{id}' was not found among the linked-in migrations. \
         Check its id, and that the crate that declares it is linked in.{}",
        did_you_mean(.nearest.as_deref())
    )]
    UnknownMigration {
        /// The id as it was given.
        id: String,
        /// The linked-in qualified id that was probably meant.
        nearest: Option<&'static str>,
    },

    /// A migration was named that is linked in, but does not belong to the selected source.
    #[error(
        "Migration '{id}' does not belong to the selected source. Select its source, or leave it out."
    )]
    NotSelected {
        /// Its qualified id.
        id: &'static str,
    },

    /// A pending migration depends on one of a source that is not selected, and that one is not completed.
    #[error(
        "Migration '{migration}' depends on '{dependency}', which is not completed and does not belong to the \
         selected source. Apply '{dependency}' first, or do not restrict the registry to one source."
    )]
    UnselectedDependency {
        /// Qualified id of the pending migration.
        migration: &'static str,
        /// Qualified id of what it depends on, directly or through others.
        dependency: &'static str,
    },

    /// A migration was named whose dependency is manual and not completed, and was not named with it.
    #[error(
        "Migration '{migration}' depends on '{dependency}', which is manual and not completed. \
         Name '{dependency}' as well to run it first."
    )]
    ManualDependency {
        /// Qualified id of the migration that cannot run.
        migration: &'static str,
        /// Qualified id of the manual migration it depends on, directly or through others.
        dependency: &'static str,
    },
}

impl Error {
    /// Nothing, the only error, or all of them.
    pub(crate) fn gather(mut errors: Vec<Self>) -> Result<(), Self> {
        match errors.len() {
            0 | 1 => errors.pop().map_or(Ok(()), Err),
            _ => Err(Self::Several { errors }),
        }
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |id| format!(" Did you mean '{id}'?"))
}

fn known_sources(known: &[Source<'static>]) -> String {
    if known.is_empty() {
        return "No migration is linked into this program: name each crate that declares migrations once, \
                for example `use whale_alerts as _;`."
            .to_owned();
    }
    let names: Vec<_> = known.iter().map(|source| format!("'{source}'")).collect();
    format!("There are migrations of {}.", names.join(", "))
}

fn list(errors: &[Error]) -> String {
    let mut text = format!("{} mistakes:", errors.len());
    for error in errors {
        text.push_str("\n- ");
        text.push_str(&error.to_string());
    }
    text
}
