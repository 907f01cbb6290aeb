//! The faults, drawn from a seed.

use std::time::Duration;

use mongodb::bson::{Document, doc};

use super::arguments::Topology;
use super::random::Random;

/// A fault.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// SIGKILL to a worker.
    Kill(Victim),
    /// SIGSTOP to a worker, and SIGCONT after a time that may exceed its lease.
    Pause(Victim, Duration),
    /// SIGTERM to a worker.
    Terminate(Victim),
    /// An operator forces the lock open.
    Unlock,
    /// The application writes documents that a migration may have read or written.
    Rival,
    /// The server fails this number of the workers' commands.
    Command { times: i32, data: Document },
    /// The primary steps down, and may not be elected again for this number of seconds.
    StepDown(i32),
    /// A member is killed, and restarted after some time.
    KillMember(Member, Duration),
    /// A member is paused for some time.
    StopMember(Member, Duration),
}

/// Selects a worker.
#[derive(Clone, Copy, Debug)]
pub(super) enum Victim {
    /// The holder of the lease, or the n-th worker if there is no holder.
    Holder(usize),
    /// The n-th running worker.
    Any(usize),
}

/// Selects a member of the server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Member {
    Primary,
    /// The n-th secondary.
    Secondary(usize),
}

/// The commands that a run sends. Repeated entries fail more often.
const COMMANDS: [&str; 11] = [
    "commitTransaction",
    "commitTransaction",
    "commitTransaction",
    "findAndModify",
    "update",
    "update",
    "insert",
    "find",
    "abortTransaction",
    "createIndexes",
    "create",
];

impl Fault {
    /// Draws a fault. `lease` is the lease of the workers.
    pub(super) fn draw(random: &mut Random, topology: Topology, lease: Duration) -> Self {
        let members = match topology {
            Topology::Single => 4,
            Topology::Three => 30,
        };
        match random.within(0..=69 + members) {
            0..20 => Self::Kill(victim(random)),
            20..35 => Self::Pause(victim(random), pause(random, lease)),
            35..40 => Self::Terminate(victim(random)),
            40..44 => Self::Unlock,
            44..50 => Self::Rival,
            50..70 => fail_command(random, lease),
            _ => match (topology, random.within(0..=9)) {
                (Topology::Three, 0..4) => Self::StepDown(i32::try_from(random.within(2..=3)).unwrap_or(2)),
                (Topology::Three, 4..7) => Self::KillMember(member(random), random.millis(0..=1500)),
                (Topology::Three, _) => Self::StopMember(member(random), random.millis(200..=4000)),
                (Topology::Single, 0..5) => Self::KillMember(Member::Primary, random.millis(0..=500)),
                (Topology::Single, _) => Self::StopMember(Member::Primary, random.millis(200..=2500)),
            },
        }
    }

    /// Its name in the statistics.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Kill(_) => "workers killed",
            Self::Pause(..) => "workers paused",
            Self::Terminate(_) => "workers terminated",
            Self::Unlock => "locks forced open",
            Self::Rival => "concurrent writes",
            Self::Command { .. } => "commands failed",
            Self::StepDown(_) => "step-downs",
            Self::KillMember(Member::Primary, _) => "primaries killed",
            Self::KillMember(..) => "secondaries killed",
            Self::StopMember(Member::Primary, _) => "primaries paused",
            Self::StopMember(..) => "secondaries paused",
        }
    }
}

fn victim(random: &mut Random) -> Victim {
    let place = usize::try_from(random.within(0..=9)).unwrap_or_default();
    if random.percent(70) { Victim::Holder(place) } else { Victim::Any(place) }
}

fn member(random: &mut Random) -> Member {
    if random.percent(60) { Member::Primary } else { Member::Secondary(random.pick(&[0, 1])) }
}

/// Draws a duration that is shorter or longer than the lease.
fn pause(random: &mut Random, lease: Duration) -> Duration {
    let lease = u64::try_from(lease.as_millis()).unwrap_or(u64::MAX);
    if random.percent(35) { random.millis(50..=lease) } else { random.millis(lease..=lease * 3) }
}

fn fail_command(random: &mut Random, lease: Duration) -> Fault {
    let lease = u64::try_from(lease.as_millis()).unwrap_or(u64::MAX);
    let mut data = doc! { "failCommands": [random.pick(&COMMANDS)] };
    match random.within(0..=9) {
        0..3 => {
            data.insert("closeConnection", true);
        }
        3..6 => {
            data.insert("errorCode", random.pick(&[112, 251, 91, 189]));
            match random.within(0..=2) {
                0 => data.insert("errorLabels", vec!["TransientTransactionError"]),
                1 => data.insert("errorLabels", Vec::<String>::new()),
                // Errors that the server itself returns.
                _ => None,
            };
        }
        6..8 => {
            // Executed, but possibly not durable.
            let error = doc! { "code": random.pick(&[91, 189]), "errmsg": "chaos" };
            data.insert("writeConcernError", error);
        }
        _ => {
            let time = random.within(50..=lease * 2);
            data.extend(doc! { "blockConnection": true, "blockTimeMS": i64::try_from(time).unwrap_or(i64::MAX) });
        }
    }
    Fault::Command { times: i32::try_from(random.within(1..=4)).unwrap_or(1), data }
}
