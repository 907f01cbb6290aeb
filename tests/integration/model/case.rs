//! Random graphs and random sequences of actions.

use std::collections::BTreeSet;
use std::fmt;

use mongrate_tests::drawn::{Deed, Drawing, Drawn, PLUGIN, ROOM, Runs, Target};
use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};

/// A graph and a sequence of actions.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) drawing: Drawing,
    pub(super) actions: Vec<Action>,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Do(Doing),
    /// The code of this one changes.
    Change(usize),
    /// The lock is released by force.
    Unlock,
}

/// A deed and its circumstances.
#[derive(Clone, Debug)]
pub(super) struct Doing {
    pub(super) deed: Deed,
    /// What the program that does it lacks: all that depends on these, too.
    pub(super) without: BTreeSet<usize>,
    /// Whether drift is an error.
    pub(super) strict: bool,
    pub(super) how: How,
}

/// The circumstances of an action.
#[derive(Clone, Debug)]
pub(super) enum How {
    Alone,
    /// With the n-th of its steps failing, modulo their number.
    Failing {
        step: usize,
        panic: bool,
    },
    /// By a process that is killed before it sends its n-th command.
    Killed(u32),
    /// By two migrators at the same time.
    Twice,
}

pub(super) fn random() -> impl Strategy<Value = Case> {
    (vec(drawn(), 1..=ROOM), vec(action(), 1..=15)).prop_map(|(drawn, actions)| {
        let drawing = drawing(&drawn);
        let actions = actions.into_iter().map(|action| action.among(&drawing)).collect();
        Case { drawing, actions }
    })
}

/// A migration before it has its place, so that it can be left out when a case shrinks.
#[derive(Clone, Debug)]
struct Loose {
    /// Decides the number in its id, which says nothing about its dependencies.
    number: u16,
    source: &'static str,
    up: Runs,
    down: Option<Runs>,
    manual: bool,
    dependencies: Vec<Index>,
}

fn drawn() -> impl Strategy<Value = Loose> {
    let sources = select(&["", "module:a:", "plugin:p:"][..]);
    let dependencies = vec(any::<Index>(), 0..3);
    (any::<u16>(), sources, runs(), option::weighted(0.85, runs()), weighted(0.12), dependencies).prop_map(
        |(number, source, up, down, manual, dependencies)| Loose { number, source, up, down, manual, dependencies },
    )
}

fn runs() -> impl Strategy<Value = Runs> {
    prop_oneof![3 => Just(Runs::Tx), 1 => Just(Runs::Schema), 1 => Just(Runs::Raw)]
}

fn drawing(loose: &[Loose]) -> Drawing {
    let mut numbers: Vec<_> = loose.iter().enumerate().map(|(place, loose)| (loose.number, place)).collect();
    numbers.sort_unstable();
    let number = |place| numbers.iter().position(|&(_, other)| other == place).unwrap_or_default();
    let place = |(place, loose): (usize, &Loose)| {
        // A plugin's migration does not get the raw handle.
        let confined = |runs| if loose.source.starts_with(PLUGIN) && runs == Runs::Raw { Runs::Schema } else { runs };
        Drawn {
            id: format!("{}{:03}_x", loose.source, number(place)),
            dependencies: loose.dependencies.iter().filter(|_| place > 0).map(|index| index.index(place)).collect(),
            up: confined(loose.up),
            down: loose.down.map(confined),
            manual: loose.manual,
            version: 0,
        }
    };
    Drawing(loose.iter().enumerate().map(place).collect())
}

/// An action before it is known among how many migrations.
#[derive(Clone, Debug)]
enum Vague {
    Do { direction: Direction, places: Vec<Index>, flag: bool, lacks: Option<Index>, strict: bool, how: How },
    Change(Index),
    Unlock,
}

#[derive(Clone, Copy, Debug)]
enum Direction {
    Up,
    UpOnly,
    DownSteps(usize),
    DownBatch,
    DownOnly,
    DownTo,
    MarkApplied,
    MarkPending,
    Baseline,
    Accept,
    Prune,
}

fn action() -> impl Strategy<Value = Vague> {
    let direction = prop_oneof![
        6 => Just(Direction::Up),
        3 => Just(Direction::UpOnly),
        3 => (0..4_usize).prop_map(Direction::DownSteps),
        2 => Just(Direction::DownBatch),
        3 => Just(Direction::DownOnly),
        2 => Just(Direction::DownTo),
        2 => Just(Direction::MarkApplied),
        2 => Just(Direction::MarkPending),
        1 => Just(Direction::Baseline),
        1 => Just(Direction::Accept),
        2 => Just(Direction::Prune),
    ];
    let how = prop_oneof![
        6 => Just(How::Alone),
        3 => (0..ROOM, any::<bool>()).prop_map(|(step, panic)| How::Failing { step, panic }),
        // The first ones come before there is anything to find.
        2 => prop_oneof![1 => 1..12_u32, 4 => 12..50_u32].prop_map(How::Killed),
        2 => Just(How::Twice),
    ];
    let lacks = option::weighted(0.15, any::<Index>());
    let deed = (direction, vec(any::<Index>(), 1..4), any::<bool>(), lacks, weighted(0.1), how).prop_map(
        |(direction, places, flag, lacks, strict, how)| Vague::Do { direction, places, flag, lacks, strict, how },
    );
    prop_oneof![
        20 => deed,
        1 => any::<Index>().prop_map(Vague::Change),
        1 => Just(Vague::Unlock),
    ]
}

impl Vague {
    fn among(self, drawing: &Drawing) -> Action {
        let count = drawing.0.len();
        let (direction, places, flag, lacks, strict, how) = match self {
            Self::Do { direction, places, flag, lacks, strict, how } => (direction, places, flag, lacks, strict, how),
            Self::Change(place) => return Action::Change(place.index(count)),
            Self::Unlock => return Action::Unlock,
        };
        let places: Vec<_> = places.into_iter().map(|place| place.index(count)).collect();
        let down = |target| Deed::Down { target, with_dependents: flag };
        let first = places[0];
        let deed = match direction {
            Direction::Up => Deed::Up { only: None, go_on: flag },
            Direction::UpOnly => Deed::Up { only: Some(places), go_on: flag },
            Direction::DownSteps(count) => down(Target::Steps(count)),
            Direction::DownBatch => down(Target::Batch),
            Direction::DownOnly => down(Target::Only(places)),
            Direction::DownTo => down(Target::To(first)),
            Direction::MarkApplied => Deed::MarkApplied(places),
            Direction::MarkPending => Deed::MarkPending(places),
            Direction::Baseline => Deed::Baseline(first),
            Direction::Accept => Deed::Accept(first),
            Direction::Prune => Deed::Prune(first),
        };
        let lacks = match (direction, lacks) {
            // Mostly of what is not linked in.
            (Direction::Prune, None) => Some(first),
            (_, lacks) => lacks.map(|place| place.index(count)),
        };
        // Not passed to the process that is killed.
        let strict = strict && !matches!(how, How::Killed(_));
        Action::Do(Doing {
            deed,
            without: lacks.map_or_else(BTreeSet::new, |place| with_dependents(drawing, place)),
            strict,
            how,
        })
    }
}

/// What a program lacks that lacks this one.
fn with_dependents(drawing: &Drawing, place: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::from([place]);
    for (other, drawn) in drawing.0.iter().enumerate() {
        if !found.is_disjoint(&drawn.dependencies) {
            found.insert(other);
        }
    }
    found
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "migrations\n{:?}actions\n", self.drawing)?;
        for (number, action) in self.actions.iter().enumerate() {
            writeln!(f, "  {}. {action:?}", number + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
