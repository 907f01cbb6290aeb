//! Initiates a replica set, and reconfigures it after its ports have changed.

use mongodb::Client;
use mongodb::bson::{Array, Bson, Document, doc};
use tracing::debug;

use super::connect::{self, Deadline};
use super::error::{Asked, Error};
use super::member::Member;

pub(super) const NAME: &str = "rs0";

/// Forms a replica set and waits until it has a primary and all other members follow. With `arbiter`, the last member
/// is an arbiter.
pub(super) async fn form(
    members: &[Member],
    clients: &[Client],
    arbiter: bool,
    deadline: Deadline,
) -> Result<(), Error> {
    let (Some(first), Some(client)) = (members.first(), clients.first()) else {
        return Ok(());
    };
    let admin = client.database("admin");
    let stored = client.database("local").collection::<Document>("system.replset");
    match stored.find_one(doc! {}).await.asked("read the configuration of the replica set")? {
        None => {
            let command = doc! { "replSetInitiate": config(members, arbiter, 1) };
            admin.run_command(command).await.asked("initiate the replica set")?;
        }
        Some(stored) if hosts(&stored) == members.iter().map(Member::host).collect::<Vec<_>>() => {}
        // The data folder was kept, but the ports have changed. No member finds itself in the configuration, so there
        // can be no election.
        Some(stored) => {
            debug!("the members' ports have changed: reconfiguring the replica set");
            let version = stored.get_i32("version").unwrap_or(1) + 1;
            let command = doc! { "replSetReconfig": config(members, arbiter, version), "force": true };
            deadline
                .until(
                    "mongod to accept its members' new ports",
                    || first.closing_lines(),
                    async || {
                        // mongod answers before it has read its configuration. If it then does not find itself there, it
                        // closes all connections.
                        Ok(connect::command(client, command.clone()).await.and_then(Result::ok))
                    },
                )
                .await?;
        }
    }
    deadline
        .until(
            "a primary, and the other members to follow it",
            || first.closing_lines(),
            async || {
                let mut primaries = 0;
                for client in clients {
                    match connect::hello(client).await.as_ref().map(Role::of) {
                        Some(Role::Primary) => primaries += 1,
                        Some(Role::Secondary | Role::Arbiter) => {}
                        _ => return Ok(None),
                    }
                }
                Ok((primaries == 1).then_some(()))
            },
        )
        .await
}

/// The role of a member, from its reply to `hello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Primary,
    Secondary,
    Arbiter,
    Neither,
}

impl Role {
    pub(super) fn of(hello: &Document) -> Self {
        if hello.get_bool("isWritablePrimary").unwrap_or(false) {
            Self::Primary
        } else if hello.get_bool("secondary").unwrap_or(false) {
            Self::Secondary
        } else if hello.get_bool("arbiterOnly").unwrap_or(false) {
            Self::Arbiter
        } else {
            Self::Neither
        }
    }
}

/// Builds the configuration. Its settings shorten a fail-over from ten seconds to one.
fn config(members: &[Member], arbiter: bool, version: i32) -> Document {
    let last = members.len() - 1;
    let member = |(id, member): (usize, &Member)| {
        let arbiter = arbiter && id == last;
        let priority = i32::from(!arbiter);
        // A replica set has at most 50 members.
        let id = i32::try_from(id).unwrap_or(i32::MAX);
        Bson::from(doc! { "_id": id, "host": member.host(), "arbiterOnly": arbiter, "priority": priority })
    };
    let members: Array = members.iter().enumerate().map(member).collect();
    doc! {
        "_id": NAME,
        "version": version,
        "members": members,
        "settings": { "electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 200 },
    }
}

fn hosts(config: &Document) -> Vec<String> {
    let host = |member: &Bson| member.as_document()?.get_str("host").ok().map(str::to_owned);
    let members = config.get_array("members");
    members.map(|members| members.iter().filter_map(host).collect()).unwrap_or_default()
}
