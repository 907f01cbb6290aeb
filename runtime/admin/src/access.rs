//! Who may do what.

use std::fmt;

/// What a request may do, and who makes it.
#[derive(Clone, Debug)]
pub struct Grant(pub(crate) Decision);

#[derive(Clone, Debug)]
pub(crate) enum Decision {
    Denied,
    SignInAt(String),
    Allowed(Allowed),
}

/// A grant that is not a refusal.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    pub(crate) actor: String,
    pub(crate) level: Level,
    /// Whether several people use the same credentials, so that the actor is what they say.
    pub(crate) is_shared: bool,
    except: Vec<Action>,
}

/// A level of access. Each includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// See everything but the values that errors quote.
    Read,
    /// Apply migrations, stop runs, and make dry runs, which quote documents.
    Operate,
    /// Everything: revert, change records, release the lock.
    Repair,
}

/// An action that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// See status, history, plans and the lock.
    Look,
    /// Simulate a run. Bodies run, and the report quotes documents.
    DryRun,
    /// Apply pending migrations.
    Up,
    /// Stop a run.
    Stop,
    /// Pause, resume and tune backfills.
    Steer,
    /// Create the code of a new migration to copy.
    Draft,
    /// Revert applied migrations.
    Down,
    /// Mark migrations as applied or as pending.
    Mark,
    /// Record that a database is already at a certain state.
    Baseline,
    /// Accept changed code of applied migrations.
    Accept,
    /// Remove the records of migrations that no longer exist.
    Prune,
    /// Release the lock by force.
    Unlock,
}

impl Action {
    /// The lowest level that includes this action.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Self::Look => Level::Read,
            Self::DryRun | Self::Up | Self::Stop | Self::Steer | Self::Draft => Level::Operate,
            Self::Down | Self::Mark | Self::Baseline | Self::Accept | Self::Prune | Self::Unlock => Level::Repair,
        }
    }
}

impl Grant {
    /// Nothing: 401. The page shows its sign-in form, if [`Access::sign_in`](crate::Access::sign_in) offers one.
    #[must_use]
    pub fn denied() -> Self {
        Self(Decision::Denied)
    }

    /// Nothing yet: the page redirects to the application's own sign-in, the API answers 401. `url` may be relative to the page.
    #[must_use]
    pub fn sign_in_at(url: impl Into<String>) -> Self {
        Self(Decision::SignInAt(url.into()))
    }

    /// [`Level::Read`] for this person or program.
    #[must_use]
    pub fn read(actor: impl Into<String>) -> Self {
        Self::of(Level::Read, actor)
    }

    /// [`Level::Operate`] for this person or program.
    #[must_use]
    pub fn operate(actor: impl Into<String>) -> Self {
        Self::of(Level::Operate, actor)
    }

    /// [`Level::Repair`] for this person or program.
    #[must_use]
    pub fn repair(actor: impl Into<String>) -> Self {
        Self::of(Level::Repair, actor)
    }

    /// This level for this person or program.
    #[must_use]
    pub fn of(level: Level, actor: impl Into<String>) -> Self {
        Self(Decision::Allowed(Allowed { actor: actor.into(), level, is_shared: false, except: Vec::new() }))
    }

    /// This level for whoever uses a shared token.
    pub(crate) fn shared(level: Level, actor: impl Into<String>) -> Self {
        Self(Decision::Allowed(Allowed { actor: actor.into(), level, is_shared: true, except: Vec::new() }))
    }

    /// Takes single actions away.
    #[must_use]
    pub fn except(mut self, actions: impl IntoIterator<Item = Action>) -> Self {
        if let Decision::Allowed(allowed) = &mut self.0 {
            allowed.except.extend(actions);
        }
        self
    }
}

impl Allowed {
    pub(crate) fn may(&self, action: Action) -> bool {
        self.level >= action.level() && !self.except.contains(&action)
    }

    /// Lowers the level to at most this one.
    pub(crate) fn at_most(mut self, level: Level) -> Self {
        self.level = self.level.min(level);
        self
    }
}

impl fmt::Display for Action {
    /// In the infinitive, without "to".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Look => "see the state of migrations",
            Self::DryRun => "simulate a run",
            Self::Up => "apply migrations",
            Self::Stop => "stop a run",
            Self::Steer => "pause and tune backfills",
            Self::Draft => "create the code of a migration",
            Self::Down => "revert migrations",
            Self::Mark => "mark migrations as applied or pending",
            Self::Baseline => "record a baseline",
            Self::Accept => "accept changed code",
            Self::Prune => "remove records of former migrations",
            Self::Unlock => "release the lock by force",
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Repair => "repair",
        })
    }
}
