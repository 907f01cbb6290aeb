//! The schedule of a round.

use std::fmt;
use std::time::Duration;

use super::arguments::Topology;
use super::fault::Fault;
use super::migrations::{ALL, KEPT};
use super::random::Random;

/// A round, determined by its seed.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The number of concurrent processes.
    pub(super) workers: usize,
    pub(super) lease: Duration,
    pub(super) phases: Vec<Phase>,
}

/// A part of a round. It ends when every worker has succeeded.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    /// The number of migrations that are applied at its end. If it is lower than before, the phase is a `down`.
    pub(super) applied: usize,
    pub(super) down: bool,
    /// Faults, each with the preceding pause.
    pub(super) faults: Vec<(Duration, Fault)>,
}

impl Plan {
    pub(super) fn draw(random: &mut Random, topology: Topology) -> Self {
        let workers = usize::try_from(random.within(3..=6)).unwrap_or(3);
        let lease = random.millis(1000..=2000);
        let up = |random: &mut Random| Phase::draw(random, topology, lease, ALL.len(), false);
        let mut phases = vec![up(random)];
        if random.percent(50) {
            let kept = random.pick(&KEPT);
            phases.push(Phase::draw(random, topology, lease, kept, true));
            phases.push(up(random));
        }
        Self { workers, lease, phases }
    }
}

impl Phase {
    fn draw(random: &mut Random, topology: Topology, lease: Duration, applied: usize, down: bool) -> Self {
        let count = random.within(8..=20);
        let faults = (0..count).map(|_| (random.millis(10..=500), Fault::draw(random, topology, lease))).collect();
        Self { applied, down, faults }
    }

    /// The migration to which a `down` reverts.
    pub(super) fn back_to(&self) -> Option<&'static str> {
        self.down.then(|| ALL[self.applied - 1])
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} workers, a lease of {:?}", self.workers, self.lease)?;
        for phase in &self.phases {
            let (direction, to) = if phase.down { ("down", phase.applied) } else { ("up", phase.applied) };
            write!(f, "\n  {direction} to {to} applied")?;
            for (pause, fault) in &phase.faults {
                write!(f, "\n    after {pause:?}: {fault:?}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_makes_the_same_plan() {
        let draw = |part| Plan::draw(&mut Random::of(1, part), Topology::Three).to_string();
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
    }

    #[test]
    fn every_fault_comes_up_some_time() {
        let plans = (0..100).map(|part| Plan::draw(&mut Random::of(1, part), Topology::Three));
        let phases = plans.flat_map(|plan| plan.phases);
        let kinds: std::collections::BTreeSet<_> =
            phases.flat_map(|phase| phase.faults).map(|(_, fault)| fault.kind()).collect();
        assert_eq!(kinds.len(), 11, "{kinds:?}");
    }
}
