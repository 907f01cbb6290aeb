//! Effects that move no data: indexes, collections, views and validators. Their commands are idempotent.

use mongodb::bson::{Document, doc};

use super::effect::Effect;
use super::failure::Failure;
use super::log::Done;
use super::perform::{Performer, VALIDATION};
use super::retry::Retry;
use super::seen::still_there;
use super::send::Answer;
use super::server::Server;
use crate::error::code;
use crate::error::codes::{INDEX_NOT_FOUND, NAMESPACE_EXISTS, NAMESPACE_NOT_FOUND, VIEW_OVER_COLLECTION};

impl<S: Server> Performer<S> {
    /// Performs an effect that moves no data. Its command is idempotent.
    pub(super) async fn define(&mut self, effect: &Effect, before: &Document) -> Result<(), Failure> {
        let mut confirmed = false;
        let done = loop {
            let Answer { done, retried } = self.send(effect, before).await?;
            if done == Done::Now || confirmed && !retried {
                break done;
            }
            // Perhaps an earlier attempt did it, and a fail-over may still undo that.
            self.write_barrier().await?;
            confirmed = true;
        };
        self.ended(effect, done);
        Ok(())
    }

    async fn send(&mut self, effect: &Effect, before: &Document) -> Result<Answer, Failure> {
        let answer = match effect {
            Effect::CreateIndexes { on, specs } => {
                let command = doc! { "createIndexes": on, "indexes": specs };
                self.send_until_answered(command, &[]).await
            }
            Effect::DropIndex { on, name } => {
                let command = doc! { "dropIndexes": on, "index": name };
                self.send_until_answered(command, &[INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND]).await
            }
            Effect::DropIndexes { on } => return self.drop_indexes(effect, on, before).await,
            Effect::CreateCollection { name, options } => {
                let mut create = doc! { "create": name };
                create.extend(options.clone());
                let asked = options.iter().filter(|(field, _)| VALIDATION.contains(&field.as_str()));
                let modify = asked.map(|(field, value)| (field.clone(), value.clone())).collect();
                return self.create(effect, create, modify).await;
            }
            Effect::CreateView { name, on, pipeline } => {
                let definition = doc! { "viewOn": on, "pipeline": pipeline.clone() };
                let mut create = doc! { "create": name };
                create.extend(definition.clone());
                return self.create(effect, create, definition).await;
            }
            Effect::Modify { on, fields } => {
                let mut command = doc! { "collMod": on };
                command.extend(fields.clone());
                self.send_until_answered(command, &[]).await
            }
            Effect::Drop { .. } | Effect::Rename { .. } => unreachable!("these move data"),
        };
        answer.map_err(|error| self.failed(effect, &error))
    }

    /// Creates a collection or a view. An existing one of the same kind gets the fields of `modify`.
    async fn create(&mut self, effect: &Effect, create: Document, modify: Document) -> Result<Answer, Failure> {
        let created = self.send_until_answered(create, &[NAMESPACE_EXISTS, VIEW_OVER_COLLECTION]).await;
        let mut answer = created.map_err(|error| self.failed(effect, &error))?;
        if answer.done == Done::Already && !modify.is_empty() {
            self.read(effect, &[effect.on()]).await?.refuse_other_kind(effect)?;
            let mut command = doc! { "collMod": effect.on() };
            command.extend(modify);
            answer = self.send_until_answered(command, &[]).await.map_err(|error| self.failed(effect, &error))?;
        }
        Ok(answer)
    }

    /// Drops the indexes that existed before. Sent late, the command drops no index that was created since, as `*` would.
    async fn drop_indexes(&mut self, effect: &Effect, on: &str, before: &Document) -> Result<Answer, Failure> {
        let mut retry = Retry::new(self.max_time);
        loop {
            let indexes = self.read_indexes(effect, on).await?;
            let names = still_there(&indexes, before);
            if names.is_empty() {
                return Ok(Answer::of(Done::Already, &retry));
            }
            let command = doc! { "dropIndexes": on, "index": names };
            let Err(error) = self.server.attempt(command, &mut retry).await else {
                return Ok(Answer::of(Done::Now, &retry));
            };
            let again = match code(&error) {
                // The server drops none of them if one is missing.
                Some(INDEX_NOT_FOUND | NAMESPACE_NOT_FOUND) => self.pause(error, &mut retry).await,
                _ => self.again(error, &mut retry).await,
            };
            again.map_err(|error| self.failed(effect, &error))?;
        }
    }
}
