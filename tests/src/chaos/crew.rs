//! The processes of a phase. Each process is replaced until one has succeeded in its place.

use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, io};

use super::fault::Victim;
use super::random::Random;
use super::tally::Tally;
use crate::{Lost, Proxy, Strike, Worker};

/// The processes.
#[derive(Debug)]
pub(super) struct Crew {
    posts: Vec<Post>,
    orders: Orders,
    random: Random,
}

/// The arguments of a process.
#[derive(Clone, Debug)]
pub(super) struct Orders {
    pub(super) uri: String,
    pub(super) database: String,
    pub(super) lease: Duration,
    pub(super) back_to: Option<&'static str>,
    /// The only member, if a proxy is to lose messages.
    pub(super) lossy: Option<u16>,
}

#[derive(Debug, Default)]
struct Post {
    worker: Option<Worker>,
    /// It was terminated or killed, so it may end without a message.
    struck: bool,
    continues: Option<Instant>,
    done: bool,
}

impl Crew {
    pub(super) fn new(size: usize, orders: Orders, random: Random) -> Self {
        Self { posts: (0..size).map(|_| Post::default()).collect(), orders, random }
    }

    /// Starts, reaps and continues processes as scheduled. An error is a finding.
    pub(super) async fn tend(&mut self, tally: &mut Tally) -> Result<(), String> {
        for post in &mut self.posts {
            if post.continues.is_some_and(|at| Instant::now() >= at) {
                post.continues = None;
                post.worker.iter().for_each(Worker::cont);
            }
            if let Some(worker) = &mut post.worker
                && let Some(status) = worker.ended()
            {
                let (pid, lines) = (worker.pid(), worker.rest().await);
                for line in &lines {
                    tally.log.note(format_args!("worker {pid} {line}"));
                }
                let said_nothing = !post.hear(&lines, tally)?;
                if said_nothing && !post.struck {
                    return Err(format!("worker {pid} ended with {status} and without a word: {lines:?}"));
                }
                post.worker = None;
            }
            if post.worker.is_none() && !post.done {
                let worker = self.orders.start(&mut self.random, tally).await;
                *post = Post {
                    worker: Some(worker.map_err(|error| format!("start a worker: {error}"))?),
                    ..Post::default()
                };
                tally.processes += 1;
                tally.log.note(format_args!("worker {} starts", post.worker.as_ref().map_or(0, Worker::pid)));
            }
        }
        Ok(())
    }

    /// Returns whether a process has succeeded at every post.
    pub(super) fn is_done(&self) -> bool {
        self.posts.iter().all(|post| post.done)
    }

    /// Kills a process. Returns its process id, or `None` if none is running.
    pub(super) fn kill(&mut self, victim: Victim, holder: Option<i64>) -> Option<u32> {
        self.strike(victim, holder, |post, worker| {
            post.struck = true;
            // There is no process left to continue.
            post.continues = None;
            worker.kill();
        })
    }

    /// Terminates a process.
    pub(super) fn terminate(&mut self, victim: Victim, holder: Option<i64>) -> Option<u32> {
        self.strike(victim, holder, |post, worker| {
            post.struck = true;
            worker.terminate();
        })
    }

    /// Pauses a process for some time.
    pub(super) fn pause(&mut self, victim: Victim, holder: Option<i64>, time: Duration) -> Option<u32> {
        self.strike(victim, holder, |post, worker| {
            worker.stop();
            post.continues = Some(Instant::now() + time);
        })
    }

    fn strike(
        &mut self,
        victim: Victim,
        holder: Option<i64>,
        blow: impl FnOnce(&mut Post, &mut Worker),
    ) -> Option<u32> {
        let running: Vec<_> = (0..self.posts.len()).filter(|place| self.posts[*place].worker.is_some()).collect();
        if running.is_empty() {
            return None;
        }
        let pid = |place: usize| self.posts[place].worker.as_ref().map(|worker| i64::from(worker.pid()));
        let any = |number: usize| running[number % running.len()];
        let place = match victim {
            Victim::Any(number) => any(number),
            Victim::Holder(number) => running
                .iter()
                .copied()
                .find(|place| holder.is_some() && pid(*place) == holder)
                .unwrap_or_else(|| any(number)),
        };
        let post = &mut self.posts[place];
        let mut worker = post.worker.take()?;
        let pid = worker.pid();
        blow(post, &mut worker);
        post.worker = Some(worker);
        Some(pid)
    }
}

impl Post {
    /// Processes the output of a process. Returns false if it did not report its end.
    fn hear(&mut self, lines: &[String], tally: &mut Tally) -> Result<bool, String> {
        let mut ended = false;
        for line in lines {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["took", how] => {
                    tally.leases += 1;
                    tally.take_overs += u64::from(how == "over");
                }
                ["ended", "ok"] => {
                    (ended, self.done) = (true, true);
                    *tally.ends.entry("Ok".to_owned()).or_default() += 1;
                }
                ["ended", "passing", variant, ..] => {
                    ended = true;
                    *tally.ends.entry(variant.trim_end_matches(':').to_owned()).or_default() += 1;
                }
                ["ended", ..] => return Err(format!("a worker {}", lines.join("\n"))),
                _ => {}
            }
        }
        Ok(ended)
    }
}

impl Orders {
    async fn start(&self, random: &mut Random, tally: &mut Tally) -> io::Result<Worker> {
        // Always drawn, so that later random numbers do not depend on the condition.
        let (lost, command) =
            (random.percent(25), random.pick(&["commitTransaction", "findAndModify", "update", "insert"]));
        let place = usize::try_from(random.within(1..=4)).unwrap_or(1);
        let what = random.pick(&[Lost::Request, Lost::Reply]);
        let uri = match self.lossy {
            Some(port) if lost => {
                tally.struck("lost messages");
                Proxy::to(port, Strike::Named(command, place..=place), what).await.uri()
            }
            _ => self.uri.clone(),
        };
        let mut program = Command::new(env::current_exe()?);
        program.arg("worker").arg(super::impatient(&uri)).arg(&self.database).arg(self.lease.as_millis().to_string());
        program.args(self.back_to);
        Ok(Worker::of(program))
    }
}
