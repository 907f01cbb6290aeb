//! Detecting the baseline of an unmanaged database.

use std::fmt;

use super::Migrator;
use crate::error::{Error, in_one_line, source_chain};
use crate::executor::catch_panic;
use crate::migration::Migration;

/// The verdicts of the `verify` functions about a database; returned by [`Migrator::detect`]. Its `Display` is for people.
///
/// ```no_run
/// # async fn example(migrator: mongrate::Migrator) -> Result<(), mongrate::Error> {
/// // A database that was changed by hand for years: detect its baseline, review it, then record it.
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

/// The verdict about a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Recorded as applied.
    Recorded,
    /// Its `verify` function returned true.
    InEffect,
    /// Its `verify` function returned false.
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
    /// Calls the `verify` function of every migration that is not recorded as applied, in plan order. Mongrate itself reads once
    /// and never writes.
    ///
    /// On an empty database, a check such as "no user lacks a role" is vacuously true.
    pub async fn detect(&self) -> Result<Detected, Error> {
        self.clone()
            .complete(async |this| {
                let graph = this.graph()?;
                let records = this.0.tracker.records().await?;
                let mut verdicts = Vec::new();
                for migration in graph.order() {
                    let verdict = match migration.registration().verify {
                        _ if !records.state(migration.id()).is_pending() => Verdict::Recorded,
                        None => Verdict::Unknown,
                        Some(verify) => match catch_panic(verify(&this.0.database)).await {
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
    /// The verdict about each migration, in plan order.
    #[must_use]
    pub fn verdicts(&self) -> &[(Migration, Verdict)] {
        &self.verdicts
    }

    /// The baseline (qualified id): the last migration in effect before the first migration that is not in effect or whose
    /// function failed. A migration without a `verify` function counts as in effect if a later one is. `None` if there is
    /// nothing to record.
    #[must_use]
    pub fn baseline(&self) -> Option<&'static str> {
        let unbroken = self.verdicts.iter().take_while(|(_, verdict)| !verdict.is_no());
        unbroken.filter(|(_, verdict)| *verdict == Verdict::InEffect).last().map(|(migration, _)| migration.id())
    }

    /// The migrations that are in effect although an earlier one in plan order is not. They mean that the database has diverged
    /// from the migrations.
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
                writeln!(f, "'{id}' is in effect, but the earlier '{before}' {is_not}. Check it by hand.")?;
                gap = Some(before);
            }
        }
        match (self.baseline(), gap) {
            (Some(id), _) => write!(f, "The baseline is '{id}'."),
            (None, Some(gap)) => {
                write!(f, "There is no baseline: nothing before '{gap}' is in effect but not recorded.")
            }
            (None, None) => f.write_str("Nothing is in effect but not recorded."),
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
