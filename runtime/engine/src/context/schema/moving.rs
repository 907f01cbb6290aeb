//! Drops and renames, which are fenced by the UUID of the collection.

use mongodb::bson::{Bson, Document, doc};

use super::command::RENAME;
use super::effect::Effect;
use super::failure::Failure;
use super::log::Done;
use super::perform::Performer;
use super::retry::Retry;
use super::seen::Settled;
use super::server::Server;
use crate::error::code;
use crate::error::codes::{API_STRICT_ERROR, COLLECTION_UUID_MISMATCH, NAMESPACE_NOT_FOUND, UNKNOWN_FIELD};

impl<S: Server> Performer<S> {
    /// Performs a drop or a rename. It is never sent again before its effect was checked, and affects no other collection of the
    /// same name.
    pub(super) async fn move_data(
        &mut self,
        effect: &Effect,
        before: &Document,
        mut in_doubt: bool,
    ) -> Result<(), Failure> {
        let mut retry = Retry::new(self.max_time);
        let mut target = before.get("to").cloned().unwrap_or(Bson::Null);
        // Without UUIDs, only a read right before the rename shows that it drops no other collection.
        in_doubt |= !self.fences && is_uuid(&target);
        loop {
            if in_doubt {
                let settled;
                (settled, target) = self.settle(effect, before).await?;
                match settled {
                    Settled::Done => {
                        self.write_barrier().await?;
                        if self.settle(effect, before).await?.0 == Settled::Done {
                            self.replay.settle(Done::Now);
                            return Ok(());
                        }
                        continue;
                    }
                    Settled::Open => {}
                    Settled::Unknown(found) => return Err(self.in_doubt(effect, found)),
                }
            }
            self.check_permit()?;
            let command = self.moving(effect, before, &target);
            let Err(error) = self.server.attempt(command, &mut retry).await else {
                self.ended(effect, Done::Now);
                return Ok(());
            };
            match code(&error) {
                Some(UNKNOWN_FIELD | API_STRICT_ERROR) if self.fences => self.fences = false,
                // The collection was replaced or is gone.
                Some(COLLECTION_UUID_MISMATCH | NAMESPACE_NOT_FOUND) => {
                    let again = self.pause(error, &mut retry).await;
                    again.map_err(|error| self.failed(effect, &error))?;
                }
                _ => self.again(error, &mut retry).await.map_err(|error| self.failed(effect, &error))?,
            }
            in_doubt = true;
        }
    }

    /// Builds the command. `target` identifies the collection that a rename replaces.
    fn moving(&self, effect: &Effect, before: &Document, target: &Bson) -> Document {
        let mut command = match effect {
            Effect::Rename { from, to, .. } => {
                let database = self.server.database();
                doc! { RENAME: format!("{database}.{from}"), "to": format!("{database}.{to}") }
            }
            other => doc! { "drop": other.on() },
        };
        let uuid = before.get("uuid").filter(|uuid| is_uuid(uuid));
        if let (true, Some(uuid), false) = (self.fences, uuid, before.contains_key("timeseries")) {
            command.insert("collectionUUID", uuid.clone());
        }
        if is_uuid(target) {
            command.insert("dropTarget", if self.fences { target.clone() } else { true.into() });
        }
        command
    }

    /// Returns whether the effect took place, and what has the new name of a rename.
    async fn settle(&self, effect: &Effect, before: &Document) -> Result<(Settled, Bson), Failure> {
        Ok(match effect {
            Effect::Rename { from, to, .. } => {
                let seen = self.read(effect, &[from, to]).await?;
                (seen.renamed(from, to, before), seen.identity(to))
            }
            other => (self.read(effect, &[other.on()]).await?.dropped(other.on(), before), Bson::Null),
        })
    }
}

fn is_uuid(value: &Bson) -> bool {
    matches!(value, Bson::Binary(_))
}
