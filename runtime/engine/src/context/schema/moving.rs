//! Drops and renames: the calls that move data, fenced by the collection's UUID.

use mongodb::bson::{Bson, Document, doc};

use super::command::RENAME;
use super::effect::Effect;
use super::log::Done;
use super::patience::Patience;
use super::perform::Performer;
use super::seen::Settled;
use super::server::Server;
use super::stuck::Stuck;
use crate::error::code;
use crate::error::codes::{API_STRICT_ERROR, COLLECTION_UUID_MISMATCH, NAMESPACE_NOT_FOUND, UNKNOWN_FIELD};

impl<S: Server> Performer<S> {
    /// A drop or a rename, which is never made again without looking, and which meets no other collection than its own.
    pub(super) async fn move_data(
        &mut self,
        effect: &Effect,
        before: &Document,
        mut in_doubt: bool,
    ) -> Result<(), Stuck> {
        let mut patience = Patience::new(self.max_time);
        loop {
            if in_doubt {
                match self.settle(effect, before).await? {
                    Settled::Done => {
                        self.anchor().await?;
                        if self.settle(effect, before).await? == Settled::Done {
                            self.course.settle(Done::Now);
                            return Ok(());
                        }
                        continue;
                    }
                    Settled::Open => {}
                    Settled::Unknown(found) => return Err(self.in_doubt(effect, found)),
                }
            }
            self.may_go_on()?;
            let command = self.moving(effect, before);
            let Err(error) = self.server.attempt(command, &mut patience).await else {
                self.ended(effect, Done::Now);
                return Ok(());
            };
            match code(&error) {
                Some(UNKNOWN_FIELD | API_STRICT_ERROR) if self.fences => self.fences = false,
                // It is another collection by now, or none.
                Some(COLLECTION_UUID_MISMATCH | NAMESPACE_NOT_FOUND) => {
                    let again = self.pause(error, &mut patience).await;
                    again.map_err(|error| self.failed(effect, &error))?;
                }
                _ => self.again(error, &mut patience).await.map_err(|error| self.failed(effect, &error))?,
            }
            in_doubt = true;
        }
    }

    fn moving(&self, effect: &Effect, before: &Document) -> Document {
        let mut command = match effect {
            Effect::Rename { from, to } => {
                let database = self.server.database();
                doc! { RENAME: format!("{database}.{from}"), "to": format!("{database}.{to}") }
            }
            other => doc! { "drop": other.on() },
        };
        let uuid = before.get("uuid").filter(|uuid| matches!(uuid, Bson::Binary(_)));
        if let (true, Some(uuid), false) = (self.fences, uuid, before.contains_key("timeseries")) {
            command.insert("collectionUUID", uuid.clone());
        }
        command
    }

    async fn settle(&self, effect: &Effect, before: &Document) -> Result<Settled, Stuck> {
        Ok(match effect {
            Effect::Rename { from, to } => self.see(effect, &[from, to]).await?.renamed(from, to, before),
            other => self.see(effect, &[other.on()]).await?.dropped(other.on(), before),
        })
    }
}
