//! Detecting the baseline of an unmanaged database.

use std::fmt;

use super::Migrator;
use crate::error::{Error, in_one_line, source_chain};
use crate::executor::catch_panic;
use crate::migration::{Effect, Migration};

/// The verdicts of the `verify` functions about a database; returned by [`Migrator::detect`]. Its `Display` is for people.
///
/// Only [`Effect::Present`] is evidence that a migration was applied. Everything else leaves it undecided, and the
/// [`baseline`](Self::baseline) ends before the first undecided migration.
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
    assuming_undecided: bool,
}

/// The verdict about a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Recorded as applied.
    Recorded,
    /// Its `verify` function found its effect: [`Effect::Present`].
    InEffect,
    /// Its `verify` function returned [`Effect::Absent`] or false.
    NotInEffect,
    /// Its `verify` function returned [`Effect::Undecided`] or true, or it has no such function.
    Undecided,
    /// Its `verify` function failed.
    Failed {
        /// The error, in one line.
        error: String,
    },
}

impl Migrator {
    /// Calls the `verify` function of every migration that is not recorded as applied, in plan order. Mongrate itself reads once
    /// and never writes.
    pub async fn detect(&self) -> Result<Detected, Error> {
        self.clone()
            .complete(async |this| {
                let graph = this.graph()?;
                let records = this.records().await?;
                let mut verdicts = Vec::new();
                for migration in graph.order() {
                    let verdict = match migration.registration().verify {
                        _ if !records.state(migration.id()).is_pending() => Verdict::Recorded,
                        None => Verdict::Undecided,
                        Some(verify) => match catch_panic(verify(&this.0.database)).await {
                            Ok(Effect::Present) => Verdict::InEffect,
                            Ok(Effect::Absent) => Verdict::NotInEffect,
                            Ok(Effect::Undecided) => Verdict::Undecided,
                            Err(error) => Verdict::Failed { error: in_one_line(&source_chain(&*error)) },
                        },
                    };
                    verdicts.push((migration, verdict));
                }
                Ok(Detected { verdicts, assuming_undecided: false })
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

    /// Counts an undecided migration as applied if a later one is in effect and none between them is missing. Check the
    /// [`undecided`](Self::undecided) migrations first: those that were not applied would never run.
    #[must_use]
    pub fn assuming_undecided(self) -> Self {
        Self { assuming_undecided: true, ..self }
    }

    /// The baseline (qualified id): the last migration in effect before the first migration that is undecided, is not in effect
    /// or whose function failed. `None` if there is nothing to record.
    #[must_use]
    pub fn baseline(&self) -> Option<&'static str> {
        let unbroken = self.verdicts.iter().take_while(|(_, verdict)| match verdict {
            Verdict::Recorded | Verdict::InEffect => true,
            Verdict::Undecided => self.assuming_undecided,
            Verdict::NotInEffect | Verdict::Failed { .. } => false,
        });
        unbroken.filter(|(_, verdict)| *verdict == Verdict::InEffect).last().map(|(migration, _)| migration.id())
    }

    /// The undecided migrations that [`assuming_undecided`](Self::assuming_undecided) counts as applied.
    pub fn undecided(&self) -> impl Iterator<Item = Migration> {
        let before = self.verdicts[..self.end_of_evidence()].iter();
        before.filter(|(_, verdict)| *verdict == Verdict::Undecided).map(|(migration, _)| *migration)
    }

    /// Returns the index of the last migration in effect before the first that is not, or 0.
    fn end_of_evidence(&self) -> usize {
        let first_missing = self.verdicts.iter().position(|(_, verdict)| verdict.is_no());
        let before = &self.verdicts[..first_missing.unwrap_or(self.verdicts.len())];
        before.iter().rposition(|(_, verdict)| *verdict == Verdict::InEffect).unwrap_or(0)
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
        let undecided = self.undecided().next().filter(|_| !self.assuming_undecided);
        if let Some(first) = undecided {
            let (id, later) = (first.id(), self.verdicts[self.end_of_evidence()].0.id());
            writeln!(
                f,
                "'{id}' is undecided, although the later '{later}' is in effect. Check it by hand: the baseline ends before it, \
                 unless undecided migrations are assumed to be applied."
            )?;
            gap = Some(id);
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
            Self::Undecided => f.pad("undecided"),
            Self::Failed { error } => write!(f, "failed ({error})"),
        }
    }
}
