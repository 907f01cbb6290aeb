//! One call of a body: skipped if the log has it, settled if it is in doubt, and otherwise carried out between its intent and
//! its result.

use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error as DriverError;
use tokio::sync::oneshot;

use super::ask::Ask;
use super::check::Found;
use super::course::Next;
use super::effect::Effect;
use super::log::{Done, Entry, Log};
use super::look::{Seen, Settled, ThereKind};
use super::send::Patience;
use super::stuck::Stuck;
use super::{INDEX_NOT_FOUND, NAMESPACE_EXISTS, NAMESPACE_NOT_FOUND, Schema};
use crate::Error;
use crate::context::operation::Counts;
use crate::error::code;

/// Server codes, from its `error_codes.yml`. A server before 6.0 has a code of its own for a view over something else.
const VIEW_OVER_COLLECTION: i32 = 17399;
const UNKNOWN_FIELD: i32 = 40415;
const API_STRICT_ERROR: i32 = 323;
const COLLECTION_UUID_MISMATCH: i32 = 361;

/// What `create` and `collMod` have in common.
const VALIDATION: [&str; 3] = ["validator", "validationLevel", "validationAction"];

impl Schema {
    pub(super) async fn perform(&mut self, effect: Effect) -> Result<(), Error> {
        if let Some(stuck) = &self.stuck {
            return Err(stuck.clone().into());
        }
        self.enter()?;
        let dropped = DriverError::custom("it was dropped before the server had answered".to_owned());
        // What holds if this future is never polled again.
        self.stuck = Some(Stuck::Server { doing: effect.described(), source: dropped });
        self.activity.begin(effect.kind());
        let result = self.carry_out(&effect).await;
        self.activity.end();
        match result {
            Ok(()) => self.stuck = None,
            Err(stuck) => {
                self.stuck = Some(stuck.clone());
                return Err(stuck.into());
            }
        }
        Ok(())
    }

    async fn carry_out(&mut self, effect: &Effect) -> Result<(), Stuck> {
        match self.course.next(effect)? {
            Next::Done => return Ok(()),
            Next::InDoubt(entry, true) => return self.resume(effect, &entry).await,
            Next::InDoubt(entry, false) => self.replace(effect, &entry).await?,
            Next::New => {}
        }
        let Some(before) = self.before(effect).await? else {
            return self.course.add(effect, Document::new(), Some(Done::Already));
        };
        self.course.add(effect, before.clone(), None)?;
        self.store().await?;
        self.may_go_on()?;
        match effect {
            Effect::Drop { .. } | Effect::Rename { .. } => self.move_data(effect, &before, false).await,
            _ => self.shape(effect).await,
        }
    }

    /// Ends what an earlier execution, or an earlier attempt, has begun.
    async fn resume(&mut self, effect: &Effect, entry: &Entry) -> Result<(), Stuck> {
        match effect {
            Effect::Drop { .. } | Effect::Rename { .. } => self.move_data(effect, &entry.before, true).await,
            _ => self.shape(effect).await,
        }
    }

    /// The body has another call in the place of the one in doubt.
    async fn replace(&mut self, effect: &Effect, entry: &Entry) -> Result<(), Stuck> {
        match self.is_settled(entry).await? {
            Settled::Open => self.course.forget(),
            Settled::Done => return Err(self.course.has_changed(Some(effect))),
            Settled::Unknown(found) => return Err(self.in_doubt(&entry.effect, found)),
        }
        Ok(())
    }

    /// What the log says about an effect that is not to be had, if anything. The database has what is done, so nothing is
    /// projected.
    pub(super) async fn rehearse(&mut self, effect: &Effect) -> Result<Option<Found>, Error> {
        let done = Found { notes: vec!["done by the interrupted run".to_owned()], ..Found::default() };
        let (entry, same) = match self.course.next(effect)? {
            Next::New => return Ok(None),
            Next::Done => return Ok(Some(done)),
            Next::InDoubt(entry, same) => (entry, same),
        };
        match self.is_settled(&entry).await? {
            Settled::Open => {
                self.course.forget();
                Ok(None)
            }
            Settled::Done if same => {
                self.course.settle(Done::Now);
                Ok(Some(done))
            }
            Settled::Done => Err(self.course.has_changed(Some(effect)).into()),
            Settled::Unknown(found) => {
                self.course.settle(Done::Now);
                let notes = vec![format!("it is not known whether the interrupted run has done it: {found}")];
                Ok(Some(Found { notes, in_doubt: true, ..Found::default() }))
            }
        }
    }

    /// That the body has come to the end of its log.
    pub(crate) async fn finish(&mut self) -> Result<(), Error> {
        if let Some(stuck) = self.stuck.take() {
            return Err(stuck.ignored());
        }
        let Some(entry) = self.course.missing().cloned() else { return Ok(()) };
        if entry.result.is_none() {
            match self.is_settled(&entry).await? {
                Settled::Open => {
                    self.course.forget();
                    return Ok(());
                }
                Settled::Unknown(found) => return Err(self.in_doubt(&entry.effect, found).into()),
                Settled::Done => {}
            }
        }
        Err(self.course.has_changed(None).into())
    }

    /// Whether a log says, or the database shows, that a body has had an effect.
    pub(crate) async fn has_effects(&self, log: &Log) -> Result<bool, Error> {
        let Some(entry) = log.in_doubt().filter(|_| log.done() == 0) else { return Ok(log.done() > 0) };
        Ok(self.is_settled(entry).await? != Settled::Open)
    }

    fn in_doubt(&self, effect: &Effect, found: String) -> Stuck {
        Stuck::InDoubt { position: self.course.position(), operation: effect.described(), found }
    }

    /// What is there before an effect; `None` when there is nothing to do.
    async fn before(&mut self, effect: &Effect) -> Result<Option<Document>, Stuck> {
        Ok(match effect {
            Effect::CreateIndex { .. } | Effect::DropIndex { .. } | Effect::Modify { .. } => Some(Document::new()),
            Effect::CreateCollection { name, options } => {
                let seen = self.see(effect, &[name]).await?;
                let there = seen.get(name);
                let has = |field: &&str| options.get(field) == there.and_then(|there| there.options.get(field));
                let asked = VALIDATION.iter().filter(|field| options.contains_key(**field));
                let nothing = there.is_some() && { asked }.all(has);
                (!nothing).then(|| doc! { "uuid": seen.identity(name) })
            }
            Effect::CreateView { name, on, pipeline } => {
                let seen = self.see(effect, &[name]).await?;
                let there = seen.get(name).filter(|there| there.kind == ThereKind::View);
                let view = doc! { "viewOn": on, "pipeline": pipeline.clone() };
                let same =
                    there.is_some_and(|there| view.iter().all(|(key, value)| there.options.get(key) == Some(value)));
                (!same).then(|| doc! { "uuid": seen.identity(name) })
            }
            Effect::Drop { name } => {
                let seen = self.see(effect, &[name]).await?;
                seen.get(name).map(|there| match there.kind {
                    ThereKind::View => doc! { "view": there.options.clone() },
                    ThereKind::Collection => seen.identified(name),
                    ThereKind::TimeSeries => {
                        let mut before = seen.identified(name);
                        before.insert("timeseries", true);
                        before
                    }
                })
            }
            Effect::Rename { from, to } => {
                let seen = self.see(effect, &[from, to]).await?;
                let refused = |why: String| Err(Stuck::Refused(format!("could not {}: {why}", effect.described())));
                match (seen.get(from), seen.get(to)) {
                    (None, Some(_)) => None,
                    (None, None) => {
                        return refused(format!("neither '{from}' nor '{to}' is there (code {NAMESPACE_NOT_FOUND})"));
                    }
                    (Some(_), Some(_)) => {
                        return refused(format!("'{to}' exists already (code {NAMESPACE_EXISTS})"));
                    }
                    (Some(there), None) if there.kind != ThereKind::Collection => {
                        return refused("the server renames neither views nor time series (code 166)".to_owned());
                    }
                    (Some(_), None) => {
                        let mut before = seen.identified(from);
                        before.insert("to", Bson::Null);
                        Some(before)
                    }
                }
            }
        })
    }

    /// An effect that holds no data: the server makes the same command exact, however often it is carried out.
    async fn shape(&mut self, effect: &Effect) -> Result<(), Stuck> {
        let done = match effect {
            Effect::CreateIndex { on, spec } => {
                let command = doc! { "createIndexes": on, "indexes": [spec.clone()] };
                self.insist(command, &[]).await
            }
            Effect::DropIndex { on, name } => {
                let command = doc! { "dropIndexes": on, "index": name };
                self.insist(command, &[INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND]).await
            }
            Effect::CreateCollection { name, options } => {
                let mut create = doc! { "create": name };
                create.extend(options.clone());
                let asked = options.iter().filter(|(field, _)| VALIDATION.contains(&field.as_str()));
                let modify = asked.map(|(field, value)| (field.clone(), value.clone())).collect();
                self.create(name, create, modify).await
            }
            Effect::CreateView { name, on, pipeline } => {
                let definition = doc! { "viewOn": on, "pipeline": pipeline.clone() };
                let mut create = doc! { "create": name };
                create.extend(definition.clone());
                self.create(name, create, definition).await
            }
            Effect::Modify { on, fields } => {
                let mut command = doc! { "collMod": on };
                command.extend(fields.clone());
                self.insist(command, &[]).await
            }
            Effect::Drop { .. } | Effect::Rename { .. } => unreachable!("these move data"),
        };
        match done {
            Ok(done) => self.ended(effect, done),
            Err(error) => return Err(self.failed(effect, &error)),
        }
        Ok(())
    }

    /// What is there already gets the fields of `modify`.
    async fn create(&mut self, name: &str, create: Document, modify: Document) -> mongodb::error::Result<Done> {
        let created = self.insist(create, &[NAMESPACE_EXISTS, VIEW_OVER_COLLECTION]).await?;
        if created == Done::Now || modify.is_empty() {
            return Ok(created);
        }
        let mut command = doc! { "collMod": name };
        command.extend(modify);
        self.insist(command, &[]).await
    }

    /// A drop or a rename, which is never made again without looking, and which meets no other collection than its own.
    async fn move_data(&mut self, effect: &Effect, before: &Document, mut in_doubt: bool) -> Result<(), Stuck> {
        let mut patience = Patience::new(self.max_time);
        loop {
            if in_doubt {
                match self.settle(effect, before).await? {
                    Settled::Done => {
                        self.course.settle(Done::Now);
                        // What a look has shown can be undone by a fail-over, until a later write has reached a majority.
                        self.store().await?;
                        if self.settle(effect, before).await? == Settled::Done {
                            return Ok(());
                        }
                        self.course.doubt();
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

    async fn settle(&self, effect: &Effect, before: &Document) -> Result<Settled, Stuck> {
        Ok(match effect {
            Effect::Rename { from, to } => self.see(effect, &[from, to]).await?.renamed(from, to, before),
            other => self.see(effect, &[other.on()]).await?.dropped(other.on(), before),
        })
    }

    /// Looks, whatever fail-overs come between.
    async fn see(&self, effect: &Effect, names: &[&str]) -> Result<Seen, Stuck> {
        let mut patience = Patience::new(self.max_time);
        loop {
            match self.look(names).await {
                Ok(seen) => return Ok(seen),
                Err(error) => self.again(error, &mut patience).await.map_err(|error| self.failed(effect, &error))?,
            }
        }
    }

    async fn is_settled(&self, entry: &Entry) -> Result<Settled, Stuck> {
        let mut patience = Patience::new(self.max_time);
        loop {
            match self.is_in_effect(entry).await {
                Ok(settled) => return Ok(settled),
                Err(error) => {
                    let again = self.again(error, &mut patience).await;
                    again.map_err(|error| self.failed(&entry.effect, &error))?;
                }
            }
        }
    }

    fn ended(&mut self, effect: &Effect, done: Done) {
        self.course.settle(done);
        if done == Done::Now {
            self.journal.succeeded(effect.kind(), effect.on(), Counts::default(), Vec::new());
        }
    }

    fn failed(&self, effect: &Effect, error: &DriverError) -> Stuck {
        self.journal.failed(effect.kind(), effect.on(), error);
        Stuck::Server { doing: self.doing(effect.kind(), effect.on(), error), source: error.clone() }
    }

    fn may_go_on(&self) -> Result<(), Stuck> {
        self.permit.check().map_err(|reason| Stuck::Refused(format!("not started, because {reason}")))
    }

    /// Stores what the record lacks of the log.
    async fn store(&mut self) -> Result<(), Stuck> {
        let refused = || Stuck::Refused("not started, because the log of the migration could not be stored".to_owned());
        let Some(update) = self.course.update() else { return Ok(()) };
        let session = self.session.take().ok_or_else(refused)?;
        let (answer, answered) = oneshot::channel();
        let Some(asking) = &self.asking else { return Err(refused()) };
        asking.send(Ask { session, update, answer }).await.map_err(|_| refused())?;
        let (session, stored) = answered.await.map_err(|_| refused())?;
        self.session = Some(session);
        if !stored {
            return Err(refused());
        }
        self.course.stored();
        Ok(())
    }
}
