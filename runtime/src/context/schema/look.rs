//! What is under the names of an effect, and what that says about an effect that is in doubt.

use std::collections::HashMap;

use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;

use super::effect::Effect;
use super::log::Entry;
use super::perform::Performer;
use super::server::Server;
use super::{first_batch, limited};
use crate::error::code;

/// Server codes, from its `error_codes.yml`.
const NAMESPACE_NOT_FOUND: i32 = 26;
const API_STRICT_ERROR: i32 = 323;

/// What is under a name, as `listCollections` has it.
#[derive(Debug)]
pub(super) struct There {
    pub(super) kind: ThereKind,
    /// What tells two collections of the same name apart. A view has none.
    pub(super) uuid: Option<Bson>,
    pub(super) options: Document,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThereKind {
    Collection,
    View,
    TimeSeries,
}

/// What a look has seen.
#[derive(Debug)]
pub(super) struct Seen {
    named: HashMap<String, There>,
    /// Of the collection that the records are in. In a restored copy it is another one, as that of every collection.
    home: Option<Bson>,
}

/// Whether an effect that is in doubt has been had.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Done,
    /// Not yet.
    Open,
    /// Nobody can say: what was found.
    Unknown(String),
}

impl<S: Server> Performer<S> {
    /// One command. What it shows can be undone by a fail-over.
    pub(super) async fn look(&self, names: &[&str]) -> Result<Seen> {
        let buckets = |name: &str| format!("system.buckets.{name}");
        let wanted = names.iter().map(|name| (*name).to_owned());
        let mut wanted: Vec<_> = wanted.chain(names.iter().map(|name| buckets(name))).collect();
        wanted.push(self.home.clone());
        let command = doc! { "listCollections": 1, "filter": { "name": { "$in": wanted } } };
        let reply = self.server.read(limited(command, self.max_time)).await?;
        let mut described: HashMap<_, _> =
            first_batch(&reply).filter_map(|there| Some((there.get_str("name").ok()?, there))).collect();
        let uuid = |there: &Document| there.get_document("info").ok().and_then(|info| info.get("uuid")).cloned();
        let home = described.get(self.home.as_str()).and_then(|home| uuid(home));
        let found = names.iter().filter_map(|name| {
            let there = described.remove(*name)?;
            let kind = match there.get_str("type") {
                Ok("view") => ThereKind::View,
                Ok("timeseries") => ThereKind::TimeSeries,
                _ => ThereKind::Collection,
            };
            let uuid = match kind {
                ThereKind::TimeSeries => described.get(buckets(name).as_str()).and_then(|there| uuid(there)),
                ThereKind::Collection | ThereKind::View => uuid(there),
            };
            let options = there.get_document("options").cloned().unwrap_or_default();
            Some(((*name).to_owned(), There { kind, uuid, options }))
        });
        Ok(Seen { named: found.collect(), home })
    }

    /// The indexes of a collection; one that is still being built has a `buildUUID`.
    pub(super) async fn indexes(&self, collection: &str) -> Result<Vec<Document>> {
        let mut command = limited(doc! { "listIndexes": collection, "includeBuildUUIDs": true }, self.max_time);
        let mut listed = self.server.read(command.clone()).await;
        if matches!(&listed, Err(error) if code(error) == Some(API_STRICT_ERROR)) {
            command.remove("includeBuildUUIDs");
            listed = self.server.read(command).await;
        }
        match listed {
            Ok(reply) => Ok(first_batch(&reply).map(index).collect()),
            Err(error) if code(&error) == Some(NAMESPACE_NOT_FOUND) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Whether an effect in doubt is in effect, by reads alone.
    pub(super) async fn is_in_effect(&self, entry: &Entry) -> Result<Settled> {
        let before = &entry.before;
        Ok(match &entry.effect {
            Effect::Drop { name } => self.look(&[name]).await?.dropped(name, before),
            Effect::Rename { from, to } => self.look(&[from, to]).await?.renamed(from, to, before),
            Effect::CreateCollection { name, options } => self.look(&[name]).await?.created(name, options, before),
            Effect::CreateView { name, on, pipeline } => {
                let view = doc! { "viewOn": on, "pipeline": pipeline.clone() };
                let seen = self.look(&[name]).await?;
                let there = seen.get(name).filter(|there| there.kind == ThereKind::View);
                settled(
                    there.is_some_and(|there| view.iter().all(|(key, value)| there.options.get(key) == Some(value))),
                )
            }
            Effect::CreateIndex { on, spec } => index_there(&self.indexes(on).await?, spec),
            Effect::DropIndex { on, name } => {
                let is = |index: &&Document| {
                    let there = index.get_str("name").unwrap_or_default();
                    if name == "*" { there != "_id_" } else { there == name }
                };
                settled(self.indexes(on).await?.iter().find(is).is_none())
            }
            Effect::Modify { on, fields } => {
                let indexes = if fields.contains_key("index") { self.indexes(on).await? } else { Vec::new() };
                self.look(&[on]).await?.modified(on, fields, &indexes)
            }
        })
    }
}

impl Seen {
    pub(super) fn get(&self, name: &str) -> Option<&There> {
        self.named.get(name)
    }

    /// What an intent keeps of a name: its UUID, `"view"`, or null for nothing.
    pub(super) fn identity(&self, name: &str) -> Bson {
        match self.get(name) {
            None => Bson::Null,
            Some(There { kind: ThereKind::View, .. }) => "view".into(),
            Some(There { uuid, .. }) => uuid.clone().unwrap_or_else(|| "unknown".into()),
        }
    }

    /// What an intent keeps of a collection that must not be taken for another one later.
    pub(super) fn identified(&self, name: &str) -> Document {
        let home = self.home.clone().unwrap_or(Bson::Null);
        doc! { "uuid": self.identity(name), "home": home }
    }

    pub(super) fn dropped(&self, name: &str, before: &Document) -> Settled {
        let there = self.get(name);
        if let Ok(view) = before.get_document("view") {
            let same = |there: &There| there.kind == ThereKind::View && there.options == *view;
            return settled(!there.is_some_and(same));
        }
        match self.same_database(before) {
            Err(unknown) => unknown,
            Ok(uuid) => settled(there.and_then(|there| there.uuid.as_ref()) != Some(uuid)),
        }
    }

    pub(super) fn renamed(&self, from: &str, to: &str, before: &Document) -> Settled {
        let uuid = match self.same_database(before) {
            Err(unknown) => return unknown,
            Ok(uuid) => uuid,
        };
        let is = |name| self.get(name).and_then(|there: &There| there.uuid.as_ref()) == Some(uuid);
        match (is(from), is(to)) {
            (_, true) => Settled::Done,
            (true, false) if self.get(to).is_none() => Settled::Open,
            (true, false) => Settled::Unknown(format!("somebody has made another collection '{to}' meanwhile")),
            (false, false) => Settled::Unknown(format!("the collection is neither '{from}' nor '{to}' any more")),
        }
    }

    fn created(&self, name: &str, options: &Document, before: &Document) -> Settled {
        let Some(there) = self.get(name) else { return Settled::Open };
        if before.get("uuid") != Some(&self.identity(name)) {
            return Settled::Done;
        }
        // It was there before, so all that it may have got is a validator.
        settled(options.contains_key("validator") && options.get("validator") == there.options.get("validator"))
    }

    fn modified(&self, on: &str, fields: &Document, indexes: &[Document]) -> Settled {
        const READABLE: [&str; 5] = ["validator", "validationLevel", "validationAction", "viewOn", "pipeline"];
        let Some(there) = self.get(on) else { return Settled::Open };
        for (field, wanted) in fields {
            let has = match (field.as_str(), wanted) {
                ("validator", Bson::Document(none)) if none.is_empty() => !there.options.contains_key("validator"),
                ("index", Bson::Document(wanted)) => indexes.iter().any(|index| index_modified(index, wanted)),
                (field, wanted) if READABLE.contains(&field) => there.options.get(field) == Some(wanted),
                _ => return Settled::Unknown(format!("the server does not show what became of '{field}'")),
            };
            if !has {
                return Settled::Open;
            }
        }
        Settled::Done
    }

    /// The UUID of the collection that was meant, if UUIDs still mean what they did.
    fn same_database<'b>(&self, before: &'b Document) -> std::result::Result<&'b Bson, Settled> {
        let home = before.get("home").unwrap_or(&Bson::Null);
        match before.get("uuid") {
            Some(uuid @ Bson::Binary(_)) if *home == self.home.clone().unwrap_or(Bson::Null) => Ok(uuid),
            Some(Bson::Binary(_)) => Err(Settled::Unknown(
                "this database is a copy, in which no collection can be recognized any more".to_owned(),
            )),
            _ => Err(Settled::Unknown("the server did not say which collection it was".to_owned())),
        }
    }
}

fn settled(done: bool) -> Settled {
    if done { Settled::Done } else { Settled::Open }
}

/// One of `listIndexes`, with `building` if it is.
fn index(listed: &Document) -> Document {
    match listed.get_document("spec") {
        Ok(spec) => {
            let mut spec = spec.clone();
            spec.insert("buildUUID", listed.get("buildUUID").cloned().unwrap_or(Bson::Null));
            spec
        }
        Err(_) => listed.clone(),
    }
}

fn index_there(indexes: &[Document], spec: &Document) -> Settled {
    let Some(there) = indexes.iter().find(|index| index.get("name") == spec.get("name")) else { return Settled::Open };
    if there.contains_key("buildUUID") {
        return Settled::Unknown("it is still being built: wait for it, or drop it".to_owned());
    }
    // The server keeps the keys of a text index in another form.
    let text = there.contains_key("textIndexVersion");
    let same = |field: &str| number_or_self(there.get(field)) == number_or_self(spec.get(field));
    let keys = text || keys(there) == keys(spec);
    let flags = ["unique", "sparse", "expireAfterSeconds", "partialFilterExpression"].into_iter().all(same);
    settled(keys && flags)
}

fn keys(index: &Document) -> Vec<(String, Option<Bson>)> {
    let keys = index.get_document("key").ok().into_iter().flatten();
    keys.map(|(field, kind)| (field.clone(), number_or_self(Some(kind)))).collect()
}

/// Numbers of all types are the same; what is false is as good as absent.
fn number_or_self(value: Option<&Bson>) -> Option<Bson> {
    match value? {
        Bson::Int32(number) => Some(Bson::Double(f64::from(*number))),
        #[allow(clippy::cast_precision_loss, reason = "directions and ages are small")]
        Bson::Int64(number) => Some(Bson::Double(*number as f64)),
        Bson::Boolean(false) => None,
        other => Some(other.clone()),
    }
}

/// Whether an index is the one that `collMod` names, and has what it asks for.
fn index_modified(index: &Document, wanted: &Document) -> bool {
    wanted.iter().all(|(field, wanted)| match field.as_str() {
        "name" => index.get("name") == Some(wanted),
        "keyPattern" => wanted.as_document().is_some_and(|wanted| keys(index) == keys(&doc! { "key": wanted.clone() })),
        field => number_or_self(index.get(field)) == number_or_self(Some(wanted)),
    })
}
