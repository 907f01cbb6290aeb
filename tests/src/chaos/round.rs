//! Runs a round: several processes migrate a new database under faults, and the effects are counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mongrate_testkit::mongod::Mongod;
use tokio::task::{JoinSet, spawn_local};
use tokio::time::sleep;

use super::arguments::Topology;
use super::check::{self, Expected};
use super::crew::{Crew, Orders};
use super::fault::{Fault, Victim};
use super::plan::{Phase, Plan};
use super::random::Random;
use super::site::Site;
use super::tally::Tally;

/// The limit for success: the faults start within ten seconds, the longest takes six, and a take-over takes two leases.
/// A transaction that is never aborted would lock its documents for 60 to 90 seconds.
const LONGEST_PHASE: Duration = Duration::from_secs(60);

/// Polling interval for the processes.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The result of a round.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) tally: Tally,
    pub(super) findings: Vec<String>,
    /// The stored state, if there are findings.
    pub(super) dump: String,
}

/// Runs a round.
pub(super) async fn run(server: Arc<Mongod>, topology: Topology, seed: u64, number: u64, plan: &Plan) -> Outcome {
    let mut outcome =
        Outcome { tally: Tally { rounds: 1, ..Tally::default() }, findings: Vec::new(), dump: String::new() };
    let name = format!("chaos_{seed}_{number}");
    let site = match Site::open(server, topology, &name).await {
        Ok(site) => site,
        Err(error) => {
            outcome.findings.push(error);
            return outcome;
        }
    };
    if let Err(finding) = phases(&site, plan, Random::of(seed, !number), &mut outcome).await {
        outcome.findings.push(finding);
    }
    if outcome.findings.is_empty() {
        // A failure here only leaves a database behind.
        let _ = site.database.drop().await;
    } else {
        outcome.dump = check::dump(&site).await;
    }
    site.close().await;
    outcome
}

async fn phases(site: &Site, plan: &Plan, mut random: Random, outcome: &mut Outcome) -> Result<(), String> {
    // Left over from an earlier round with the same number.
    site.database.drop().await.map_err(|error| error.to_string())?;
    site.seed().await.map_err(|error| error.to_string())?;
    let mut expected = Expected::default();
    for (number, phase) in plan.phases.iter().enumerate() {
        let random = Random::of(random.next(), number as u64);
        let result = migrate(site, plan, phase, random, &mut outcome.tally).await;
        outcome.tally.log.note("the phase is over");
        site.heal().await;
        result?;
        expected.after(phase);
        outcome.findings.extend(check::check(site, &expected, plan.lease, &mut outcome.tally).await);
        if !outcome.findings.is_empty() {
            return Ok(());
        }
    }
    can_be_written(site).await
}

/// Several attempts, for busy machines. An abandoned transaction lasts much longer.
async fn can_be_written(site: &Site) -> Result<(), String> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let site = site.clone();
        match spawn_local(async move { check::can_be_written(&site).await }).await {
            Ok(()) => return Ok(()),
            Err(error) if attempts == 5 => return Err(error.to_string()),
            Err(_) => {}
        }
    }
}

/// Runs a phase until every process has succeeded and every fault has ended.
async fn migrate(site: &Site, plan: &Plan, phase: &Phase, random: Random, tally: &mut Tally) -> Result<(), String> {
    let orders = Orders {
        uri: site.server.uri(),
        database: site.database.name().to_owned(),
        lease: plan.lease,
        back_to: phase.back_to(),
        lossy: (site.topology == Topology::Single).then(|| site.server.members()[0].port()),
    };
    let mut crew = Crew::new(plan.workers, orders, random);
    let mut under_way = JoinSet::new();
    let (began, mut last) = (Instant::now(), Instant::now());
    let mut faults = phase.faults.iter().peekable();
    let result = loop {
        if let Err(finding) = crew.tend(tally).await {
            break Err(finding);
        }
        if crew.is_done() {
            break Ok(());
        }
        if began.elapsed() > LONGEST_PHASE {
            break Err(format!("locked out: not done after {LONGEST_PHASE:?}: {crew:?}"));
        }
        if let Some((_, fault)) = faults.next_if(|(pause, _)| last.elapsed() >= *pause) {
            last = Instant::now();
            strike(site, &mut crew, fault, &mut under_way, tally).await;
        }
        while let Some(ended) = under_way.try_join_next() {
            ended.map_err(|error| error.to_string())?.into_iter().for_each(|kind| tally.struck(kind));
        }
        sleep(LOOK_EVERY).await;
    };
    tally.longest_phase = tally.longest_phase.max(began.elapsed());
    drop(crew);
    while let Some(ended) = under_way.join_next().await {
        ended.map_err(|error| error.to_string())?.into_iter().for_each(|kind| tally.struck(kind));
    }
    result
}

async fn strike(
    site: &Site,
    crew: &mut Crew,
    fault: &Fault,
    under_way: &mut JoinSet<Option<&'static str>>,
    tally: &mut Tally,
) {
    let holder = match fault {
        Fault::Kill(Victim::Holder(_)) | Fault::Pause(Victim::Holder(_), _) | Fault::Terminate(Victim::Holder(_)) => {
            site.holder().await
        }
        _ => None,
    };
    let hit = match fault {
        Fault::Kill(victim) => crew.kill(*victim, holder),
        Fault::Pause(victim, time) => crew.pause(*victim, holder, *time),
        Fault::Terminate(victim) => crew.terminate(*victim, holder),
        other => {
            site.strike(other.clone(), under_way);
            None
        }
    };
    if let Some(pid) = hit {
        tally.struck(fault.kind());
        tally.log.note(format_args!("worker {pid}: {fault:?}"));
    }
}
