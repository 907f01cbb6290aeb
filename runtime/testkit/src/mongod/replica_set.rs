//! Members that know each other: initiating a replica set, and finding it again after its ports changed.

use mongodb::Client;
use mongodb::bson::{Array, Bson, Document, doc};
use tracing::debug;

use super::connect::{self, Deadline};
use super::error::{Asked, Error};
use super::member::Member;

pub(super) const NAME: &str = "rs0";

/// Makes the members one replica set, and waits until it has a primary and every other member follows. The last one may be
/// an arbiter.
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
    match stored.find_one(doc! {}).await.asked("show its replica set's configuration")? {
        None => {
            let command = doc! { "replSetInitiate": config(members, arbiter, 1) };
            admin.run_command(command).await.asked("initiate a replica set")?;
        }
        Some(stored) if hosts(&stored) == members.iter().map(Member::host).collect::<Vec<_>>() => {}
        // A kept folder, on other ports than before: nobody recognises itself in it, so nobody could agree to anything.
        Some(stored) => {
            debug!("the members' ports have changed: configuring the replica set anew");
            let version = stored.get_i32("version").unwrap_or(1) + 1;
            let command = doc! { "replSetReconfig": config(members, arbiter, version), "force": true };
            deadline
                .until("mongod to accept its members' new ports", first, async || {
                    // A server answers before it has read its own configuration, and hangs up on everybody when it then does
                    // not find itself in it.
                    Ok(connect::command(client, command.clone()).await.and_then(Result::ok))
                })
                .await?;
        }
    }
    deadline
        .until("a primary, and the other members to follow it", first, async || {
            let mut primaries = 0;
            for client in clients {
                match connect::hello(client).await.as_ref().map(Role::of) {
                    Some(Role::Primary) => primaries += 1,
                    Some(Role::Secondary | Role::Arbiter) => {}
                    _ => return Ok(None),
                }
            }
            Ok((primaries == 1).then_some(()))
        })
        .await
}

/// What a member is to the others, by its own word.
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

/// The settings make a fail-over take one second instead of ten.
fn config(members: &[Member], arbiter: bool, version: i32) -> Document {
    let last = members.len() - 1;
    let member = |(id, member): (usize, &Member)| {
        let arbiter = arbiter && id == last;
        let priority = i32::from(!arbiter);
        // A number of members fits.
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
