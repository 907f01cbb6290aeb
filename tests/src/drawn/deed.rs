//! The actions of a migrator.

use mongrate::{Error, Migrator, Report};
use serde::{Deserialize, Serialize};

use super::Drawing;

/// A writing action with its options. Migrations are identified by index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Deed {
    /// `up`.
    Up {
        /// `only`.
        only: Option<Vec<usize>>,
        /// `continue_on_error`.
        go_on: bool,
    },
    /// `down`.
    Down {
        /// The migrations.
        target: Target,
        /// `with_dependents`.
        with_dependents: bool,
    },
    /// `mark_applied`.
    MarkApplied(Vec<usize>),
    /// `mark_pending`.
    MarkPending(Vec<usize>),
    /// `baseline`.
    Baseline(usize),
    /// `accept`.
    Accept(usize),
    /// `prune`.
    Prune(usize),
}

/// The selection of a `down`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Target {
    /// `steps`.
    Steps(usize),
    /// `batch`.
    Batch,
    /// `only`.
    Only(Vec<usize>),
    /// `to`.
    To(usize),
}

impl Deed {
    /// Runs the action.
    pub async fn perform(&self, drawing: &Drawing, migrator: &Migrator) -> Result<Report, Error> {
        let id = |place: &usize| drawing.0[*place].id.clone();
        match self {
            Self::Up { only, go_on } => {
                let up = migrator.up().continue_on_error(*go_on);
                only.iter().flatten().fold(up, |up, place| up.only(id(place))).await
            }
            Self::Down { target, with_dependents } => {
                let down = migrator.down().with_dependents(*with_dependents);
                match target {
                    Target::Steps(count) => down.steps(*count),
                    Target::Batch => down.batch(),
                    Target::Only(places) => places.iter().fold(down, |down, place| down.only(id(place))),
                    Target::To(place) => down.to(id(place)),
                }
                .await
            }
            Self::MarkApplied(places) => migrator.mark_applied(places.iter().map(id)).await,
            Self::MarkPending(places) => migrator.mark_pending(places.iter().map(id)).await,
            Self::Baseline(place) => migrator.baseline(id(place)).await,
            Self::Accept(place) => migrator.accept(id(place)).await,
            Self::Prune(place) => migrator.prune(id(place)).await,
        }
    }
}
