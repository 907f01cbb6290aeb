//! The statistics of a round and of a whole run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// The statistics.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) rounds: u64,
    pub(super) faults: BTreeMap<&'static str, u64>,
    pub(super) processes: u64,
    /// The number of leases that were taken, and of take-overs among them.
    pub(super) leases: u64,
    pub(super) take_overs: u64,
    /// The results of runs that were not killed.
    pub(super) ends: BTreeMap<String, u64>,
    /// The number of effects that were counted and must exist exactly once each.
    pub(super) effects: u64,
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    /// The time until every process of a phase had succeeded.
    pub(super) longest_phase: Duration,
    /// The events of this round, with their times.
    pub(super) log: Log,
}

/// A log with times since its start.
#[derive(Clone, Debug)]
pub(super) struct Log {
    began: Instant,
    lines: Vec<String>,
}

impl Log {
    pub(super) fn note(&mut self, what: impl fmt::Display) {
        self.lines.push(format!("{:8.3} {what}", self.began.elapsed().as_secs_f64()));
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { began: Instant::now(), lines: Vec::new() }
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.rounds += other.rounds;
        for (kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        self.processes += other.processes;
        self.leases += other.leases;
        self.take_overs += other.take_overs;
        for (end, count) in &other.ends {
            *self.ends.entry(end.clone()).or_default() += count;
        }
        self.effects += other.effects;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.longest_phase = self.longest_phase.max(other.longest_phase);
    }

    /// Compares a count with the expected count.
    pub(super) fn compare(&mut self, expected: u64, found: u64) -> bool {
        self.effects += expected;
        self.lost += expected.saturating_sub(found);
        self.duplicated += found.saturating_sub(expected);
        expected == found
    }

    pub(super) fn struck(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
        self.log.note(kind);
    }

    pub(super) fn faults(&self) -> u64 {
        self.faults.values().sum()
    }
}

/// Formats the statistics as a Markdown table.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, count: u64| writeln!(f, "| {name} | {count} |");
        row("rounds", self.rounds)?;
        row("processes started", self.processes)?;
        row("faults", self.faults())?;
        for (kind, count) in &self.faults {
            row(&format!("– {kind}"), *count)?;
        }
        row("leases taken", self.leases)?;
        row("– taken over", self.take_overs)?;
        for (end, count) in &self.ends {
            row(&format!("runs that ended with {end}"), *count)?;
        }
        row("effects counted", self.effects)?;
        row("– lost", self.lost)?;
        row("– duplicated", self.duplicated)?;
        row("longest phase, in seconds", self.longest_phase.as_secs())
    }
}
