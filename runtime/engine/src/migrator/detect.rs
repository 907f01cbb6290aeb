//! Where an unmanaged database stands.

use std::fmt;

use super::Migrator;
use crate::error::{Error, in_one_line, source_chain};
use crate::executor::caught;
use crate::migration::Migration;

/// What the `verify` functions say about a database. Its `Display` is for people.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// // A database that was changed by hand for years: find out where it stands, look at that, then say so.
/// let detected = migrator.detect().await?;
/// println!("{detected}");
/// if let Some(id) = detected.baseline() {
///     migrator.baseline(id).by("ana").because("first use of Mongrate").await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Detected {
    verdicts: Vec<(Migration, Verdict)>,
}

/// What is known about one migration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is on record as applied.
    Recorded,
    /// Its `verify` function says that it has had its effect.
    InEffect,
    /// Its `verify` function says that it has not.
    NotInEffect,
    /// It has no `verify` function.
    Unknown,
    /// Its `verify` function failed.
    Failed {
        /// The error, in one line.
        error: String,
    },
}

impl Migrator {
    /// Asks the `verify` function of every migration that is not on record as applied, in plan order. Mongrate itself reads once and
    /// writes nothing.
    ///
    /// On an empty database, a function like "no user is without a role" says yes: there is nothing to say no.
    pub async fn detect(&self) -> Result<Detected, Error> {
        self.clone()
            .whole(async |this| {
                let graph = this.graph()?;
                let records = this.0.tracker.records().await?;
                let mut verdicts = Vec::new();
                for migration in graph.order() {
                    let verdict = match migration.registration().verify {
                        _ if !records.state(migration.id()).is_pending() => Verdict::Recorded,
                        None => Verdict::Unknown,
                        Some(verify) => match caught(verify(&this.0.database)).await {
                            Ok(true) => Verdict::InEffect,
                            Ok(false) => Verdict::NotInEffect,
                            Err(error) => Verdict::Failed { error: in_one_line(&source_chain(&*error)) },
                        },
                    };
                    verdicts.push((migration, verdict));
                }
                Ok(Detected { verdicts })
            })
            .await
    }
}

impl Detected {
    /// Every migration in plan order, with what is known about it.
    #[must_use]
    pub fn verdicts(&self) -> &[(Migration, Verdict)] {
        &self.verdicts
    }

    /// The migration (qualified id) at which the database stands: the last one in effect before the first that is not, or whose
    /// function failed. What has no `verify` function counts as in effect if something after it is. `None` when nothing
    /// needs to be said.
    #[must_use]
    pub fn baseline(&self) -> Option<&'static str> {
        let unbroken = self.verdicts.iter().take_while(|(_, verdict)| !verdict.is_no());
        unbroken.filter(|(_, verdict)| *verdict == Verdict::InEffect).last().map(|(migration, _)| migration.id())
    }

    /// What is in effect although something before it in plan order is not: the database went another way than the migrations.
    pub fn contradictions(&self) -> impl Iterator<Item = Migration> {
        let after = self.verdicts.iter().skip_while(|(_, verdict)| !verdict.is_no());
        after.filter(|(_, verdict)| *verdict == Verdict::InEffect).map(|(migration, _)| *migration)
    }
}

impl Verdict {
    fn is_no(&self) -> bool {
        matches!(self, Self::NotInEffect | Self::Failed { .. })
    }
}

impl fmt::Display for Detected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (migration, verdict) in &self.verdicts {
            writeln!(f, "{verdict:<13} {}", migration.id())?;
        }
        let mut gap = None;
        if let Some((first, verdict)) = self.verdicts.iter().find(|(_, verdict)| verdict.is_no()) {
            let is_not = if *verdict == Verdict::NotInEffect { "is not" } else { "could not be verified" };
            for migration in self.contradictions() {
                let (id, before) = (migration.id(), first.id());
                writeln!(f, "'{id}' is in effect although '{before}' before it {is_not}: look at it by hand.")?;
                gap = Some(before);
            }
        }
        match (self.baseline(), gap) {
            (Some(id), _) => write!(f, "The database stands at '{id}'."),
            (None, Some(gap)) => {
                write!(f, "There is no baseline: nothing before '{gap}' is in effect that is not on record.")
            }
            (None, None) => f.write_str("Nothing is in effect that is not on record."),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recorded => f.pad("recorded"),
            Self::InEffect => f.pad("in effect"),
            Self::NotInEffect => f.pad("not in effect"),
            Self::Unknown => f.pad("unknown"),
            Self::Failed { error } => write!(f, "failed ({error})"),
        }
    }
}
