//! The server and its faults.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::options::{Acknowledgment, CollectionOptions, ReadConcern, WriteConcern};
use mongodb::{Client, Database};
use mongrate::Migrator;
use mongrate_testkit::mongod::Mongod;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::arguments::Topology;
use super::fault::{Fault, Member};
use super::migrations::{self, ACCOUNTS, BALANCE, ITEMS};
use crate::eventually;

/// The operator's limit for a reply.
const ANSWER: Duration = Duration::from_millis(500);

/// The server of a round.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) server: Arc<Mongod>,
    pub(super) topology: Topology,
    /// A client that is exempt from faults.
    pub(super) database: Database,
    /// Held while a member is down: at most one may be.
    away: Arc<Mutex<()>>,
}

impl Site {
    pub(super) async fn open(server: Arc<Mongod>, topology: Topology, name: &str) -> Result<Self, String> {
        let client = Client::with_uri_str(super::impatient(&server.uri())).await.map_err(|error| error.to_string())?;
        Ok(Self { server, topology, database: client.database(name), away: Arc::default() })
    }

    /// Inserts the initial data.
    pub(super) async fn seed(&self) -> Result<(), mongodb::error::Error> {
        let accounts = (0..ACCOUNTS).map(|id| doc! { "_id": id, "balance": BALANCE });
        self.durable("accounts").insert_many(accounts).await?;
        self.durable("items").insert_many((0..ITEMS).map(|id| doc! { "_id": id, "up": 0, "down": 0 })).await?;
        Ok(())
    }

    /// A collection with majority reads, which no fail-over can roll back.
    pub(super) fn durable(&self, name: &str) -> mongodb::Collection<Document> {
        let concern = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
        let options = CollectionOptions::builder().read_concern(ReadConcern::majority()).write_concern(concern).build();
        self.database.collection_with_options(name, options)
    }

    /// Returns the process that holds the lease, if it can be determined.
    pub(super) async fn holder(&self) -> Option<i64> {
        let database = self.database.clone();
        let status = tokio::spawn(async move { Migrator::new(database).lock_status().await });
        timeout(ANSWER, status).await.ok()?.ok()?.ok()?.holder.map(|holder| holder.pid)
    }

    /// Injects a fault on the server. Returns its name if it took effect.
    pub(super) fn strike(&self, fault: Fault, under_way: &mut JoinSet<Option<&'static str>>) {
        let (site, kind) = (self.clone(), fault.kind());
        under_way.spawn_local(async move {
            let came_about = match fault {
                Fault::Unlock => site.unlock().await,
                Fault::Rival => site.rival().await,
                Fault::Command { times, data } => site.fail(times, data).await,
                Fault::StepDown(seconds) => site.step_down(seconds).await,
                Fault::KillMember(member, time) => site.kill(member, time).await,
                Fault::StopMember(member, time) => site.stop(member, time).await,
                Fault::Kill(_) | Fault::Pause(..) | Fault::Terminate(_) => None,
            };
            came_about.map(|()| kind)
        });
    }

    async fn unlock(&self) -> Option<()> {
        let migrator = Migrator::builder(self.database.clone()).registry(migrations::registry()).build().unwrap();
        migrator.force_unlock().by("chaos").because("it strikes").await.ok()?.map(drop)
    }

    async fn rival(&self) -> Option<()> {
        let touch = doc! { "q": {}, "u": { "$inc": { "touched": 1 } }, "multi": true };
        let update = doc! { "update": "accounts", "updates": [touch], "maxTimeMS": 2000 };
        self.database.run_command(update).await.ok().map(drop)
    }

    async fn fail(&self, times: i32, mut data: Document) -> Option<()> {
        data.insert("appName", self.database.name());
        let command = doc! { "configureFailPoint": "failCommand", "mode": { "times": times }, "data": data };
        self.database.client().database("admin").run_command(command).await.ok().map(drop)
    }

    async fn step_down(&self, seconds: i32) -> Option<()> {
        let primary = self.server.primary().await.ok()?;
        let command = doc! { "replSetStepDown": seconds, "secondaryCatchUpPeriodSecs": 1, "force": true };
        self.ask(primary, command).await
    }

    async fn kill(&self, member: Member, time: Duration) -> Option<()> {
        let _away = self.away.try_lock().ok()?;
        let member = self.member(member).await?;
        self.server.kill(member).ok()?;
        sleep(time).await;
        self.server.restart(member).await.unwrap();
        Some(())
    }

    async fn stop(&self, member: Member, time: Duration) -> Option<()> {
        let _away = self.away.try_lock().ok()?;
        let member = self.member(member).await?;
        self.server.stop(member).ok()?;
        sleep(time).await;
        self.server.cont(member).unwrap();
        Some(())
    }

    async fn member(&self, member: Member) -> Option<usize> {
        let primary = self.server.primary().await.ok()?;
        match member {
            Member::Primary => Some(primary),
            Member::Secondary(number) => (0..self.server.members().len()).filter(|index| *index != primary).nth(number),
        }
    }

    async fn ask(&self, member: usize, command: Document) -> Option<()> {
        let client = Client::with_uri_str(super::impatient(&self.server.members()[member].uri())).await.ok()?;
        let answer = client.database("admin").run_command(command).await;
        client.shutdown().immediate(true).await;
        answer.ok().map(drop)
    }

    /// Removes all faults, and waits until the server accepts writes. Every member is already running.
    pub(super) async fn heal(&self) {
        for member in 0..self.server.members().len() {
            eventually("a member without faults", async || {
                let off = doc! { "configureFailPoint": "failCommand", "mode": "off" };
                self.ask(member, off).await
            })
            .await;
        }
        // On every member, because an index build waits for all of them.
        let members = u32::try_from(self.server.members().len()).unwrap_or(u32::MAX);
        let everywhere = WriteConcern::builder().w(Acknowledgment::Nodes(members)).w_timeout(ANSWER).build();
        let pulse = self.durable("pulse");
        eventually("a write on every member", async || {
            let beat = doc! { "$inc": { "beats": 1 } };
            let written = pulse.update_one(doc! { "_id": 1 }, beat).upsert(true);
            written.write_concern(everywhere.clone()).await.ok()
        })
        .await;
    }

    /// Shuts the client down. Otherwise it would disconnect while its runtime ends.
    pub(super) async fn close(self) {
        self.database.client().clone().shutdown().immediate(true).await;
    }
}
