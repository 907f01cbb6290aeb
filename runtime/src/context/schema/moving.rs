//! Drops and renames: the calls that move data, fenced by the collection's UUID.

use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};

use super::Schema;
use super::effect::Effect;
use super::log::{Done, Entry};
use super::look::Settled;
use super::send::Patience;
use super::stuck::Stuck;
use crate::error::code;
use crate::error::codes::{API_STRICT_ERROR, COLLECTION_UUID_MISMATCH, NAMESPACE_NOT_FOUND, UNKNOWN_FIELD};

impl Schema {
    /// A drop or a rename, which is never made again without looking, and which meets no other collection than its own.
    pub(super) async fn move_data(&mut self, entry: &Entry, mut in_doubt: bool) -> Result<(), Stuck> {
        let Entry { effect, before, .. } = entry;
        let mut patience = Patience::new(self.max_time);
        loop {
            if in_doubt {
                match self.is_settled(entry).await? {
                    Settled::Done => {
                        self.course.settle(Done::Now);
                        if self.is_confirmed(entry).await? {
                            return Ok(());
                        }
                        continue;
                    }
                    Settled::Open => {}
                    Settled::Unknown(found) => return Err(self.in_doubt(effect, found)),
                }
            }
            self.may_go_on()?;
            let (at, command) = self.moving(effect, before);
            let Err(error) = self.attempt(&at, command, &mut patience).await else {
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

    fn moving(&self, effect: &Effect, before: &Document) -> (Database, Document) {
        let (at, mut command) = match effect {
            Effect::Rename { from, to } => {
                let database = self.database.name();
                let command =
                    doc! { "renameCollection": format!("{database}.{from}"), "to": format!("{database}.{to}") };
                (self.database.client().database("admin"), command)
            }
            other => (self.database.clone(), doc! { "drop": other.on() }),
        };
        let uuid = before.get("uuid").filter(|uuid| matches!(uuid, Bson::Binary(_)));
        if let (true, Some(uuid), false) = (self.fences, uuid, before.contains_key("timeseries")) {
            command.insert("collectionUUID", uuid.clone());
        }
        (at, command)
    }
}
