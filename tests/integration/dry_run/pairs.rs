//! Pairs of existing and requested objects: the dry run predicts what `up` does, then `up` does it. The dry run may not
//! know, but it must not be wrong.

mod collections;
mod documents;
mod indexes;
mod kinds;
mod moves;
mod queries;
mod validators;
mod views;

use std::collections::BTreeMap;
use std::fmt;

use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use mongrate::__private::{Body, Down, Registration};
use mongrate::report::{Execution, Outcome, Prediction};
use mongrate::{Kind, Migration, Migrator, Registry, Report, Source};
use mongrate_tests::TestDb;
use mongrate_tests::stored::fingerprint;

/// How many databases there are, in which pairs are tried at the same time. Within one, each pair is a plugin, so that it has
/// collections of its own.
const DATABASES: usize = 4;

/// How many of a hundred pairs the dry run may not know.
const UNKNOWN: usize = 5;

struct Pair {
    name: &'static str,
    /// Commands that create the existing objects.
    there: Vec<Document>,
    /// The request.
    asked: Body,
    does: Does,
}

/// The result of `up`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Change,
    Nothing,
    /// With this code.
    Fail(i32),
    /// One of the above, but the dry run cannot tell.
    Unknown,
}

use Does::{Change, Fail, Nothing, Unknown};

/// `"name": [commands], |schema| what is asked => what up does;`
macro_rules! pairs {
    ($($name:literal: [$($there:expr),* $(,)?], |$schema:ident| $asked:expr => $does:expr;)*) => {
        vec![$(Pair {
            name: $name,
            there: vec![$($there),*],
            asked: |context| Box::pin(async move {
                let $schema = <&mut mongrate::Schema as mongrate::__private::Argument>::from_context(context);
                Ok($asked.await?)
            }),
            does: $does,
        }),*]
    };
}
use pairs;

/// The collection that most pairs are about.
const C: &str = "c";

fn create(options: Document) -> Document {
    let mut command = doc! { "create": C };
    command.extend(options);
    command
}

fn documents(documents: impl IntoIterator<Item = Document>) -> Document {
    doc! { "insert": C, "documents": documents.into_iter().collect::<Vec<_>>() }
}

fn index(key: Document, name: &str, options: Document) -> Document {
    let mut spec = doc! { "key": key, "name": name };
    spec.extend(options);
    doc! { "createIndexes": C, "indexes": [spec] }
}

fn view(name: &str, on: &str, pipeline: impl IntoIterator<Item = Document>) -> Document {
    doc! { "create": name, "viewOn": on, "pipeline": pipeline.into_iter().collect::<Vec<_>>() }
}

fn series() -> Document {
    create(doc! { "timeseries": { "timeField": "at", "metaField": "meta" } })
}

#[tokio::test]
async fn the_dry_run_of_a_schema_is_right() {
    let pairs: Vec<_> = [
        indexes::pairs(),
        kinds::pairs(),
        documents::pairs(),
        collections::pairs(),
        validators::pairs(),
        views::pairs(),
        moves::pairs(),
        queries::pairs(),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert!(pairs.len() >= 120, "{}", pairs.len());
    let db = TestDb::new().await;
    // Other versions of the server have other codes, but the dry run has to be right about them, too.
    let version = db.run_command(doc! { "buildInfo": 1 }).await.unwrap();
    let known = version.get_str("version").unwrap().starts_with("6.0");
    let parts = pairs.chunks(pairs.len().div_ceil(DATABASES)).enumerate();
    let parts = parts.map(|(place, part)| Part { db: db.tenant(&place.to_string()), pairs: part, known });
    let wrong: Vec<_> = stream::iter(parts).map(Part::check).buffered(DATABASES).collect().await;
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
    let unknown: Vec<_> = pairs.iter().filter(|pair| pair.does == Unknown).map(|pair| pair.name).collect();
    assert!(unknown.len() * 100 <= pairs.len() * UNKNOWN, "{unknown:?} of {}", pairs.len());
}

/// The pairs of one database.
struct Part<'p> {
    db: Database,
    pairs: &'p [Pair],
    /// Whether what `up` does is expected to be what the pairs say.
    known: bool,
}

impl Part<'_> {
    /// What is wrong.
    async fn check(self) -> Vec<String> {
        let db = &self.db;
        for (place, pair) in self.pairs.iter().enumerate() {
            for command in &pair.there {
                let command = prefixed(command.clone(), &prefix(place));
                let made = db.run_command(command.clone()).await;
                let made = made.unwrap_or_else(|error| panic!("{}: {command}: {error}", pair.name));
                assert!(!made.contains_key("writeErrors"), "{}: {made}", pair.name);
            }
        }
        let migrations = self.pairs.iter().enumerate().map(|(place, pair)| pair.migration(place));
        let migrator = Migrator::builder(db.clone()).registry(migrations.collect::<Registry>()).build().unwrap();
        let (before, content) = (stored(db).await, fingerprint(db).await);
        let dry = migrator.up().dry_run(true).continue_on_error(true).await.unwrap();
        assert_eq!(stored(db).await, before);
        assert_eq!(fingerprint(db).await, content);
        let real = match migrator.up().continue_on_error(true).await {
            Ok(report) => report,
            Err(error) => error.report().unwrap_or_else(|| panic!("{error}")).clone(),
        };
        let after = stored(db).await;
        let of = |report: &Report, place: usize| {
            let id = id(place);
            report.executions().find(|execution| execution.id == id).unwrap_or_else(|| panic!("{id}")).clone()
        };
        let check = |(place, pair): (usize, &Pair)| {
            let is_same = before.get(&prefix(place)) == after.get(&prefix(place));
            pair.wrong(&of(&dry, place), &of(&real, place), is_same, self.known)
        };
        self.pairs.iter().enumerate().filter_map(check).collect()
    }
}

impl Pair {
    fn wrong(&self, dry: &Execution, real: &Execution, is_same: bool, known: bool) -> Option<String> {
        let predicted = dry.operations.iter().filter_map(|operation| operation.prediction).max();
        let notes: Vec<_> = dry.operations.iter().flat_map(|operation| operation.notes.clone()).collect();
        let predicted = match (predicted, &dry.outcome) {
            (Some(Prediction::WouldChange), Outcome::WouldApply) => Change,
            (Some(Prediction::NothingToDo), Outcome::WouldApply) => Nothing,
            (Some(Prediction::CannotTell), Outcome::NotSimulated { .. }) => Unknown,
            (Some(Prediction::WouldFail), Outcome::WouldFail) => {
                Fail(notes.iter().find(|note| note.starts_with("would fail")).map_or(0, |note| code(note)))
            }
            other => return Some(format!("{self}: {other:?}")),
        };
        let (did, message) = match &real.outcome {
            Outcome::Applied if is_same => (Nothing, ""),
            Outcome::Applied => (Change, ""),
            Outcome::Failed { message, .. } => (Fail(code(message)), message.as_str()),
            other => return Some(format!("{self}: {other:?}")),
        };
        let right = (predicted == did || predicted == Unknown) && (self.does == predicted || !known);
        (!right).then(|| format!("{self}: predicted {predicted:?}, was {did:?}: {notes:?} {message}"))
    }

    fn migration(&self, place: usize) -> Migration {
        let registration = Registration {
            id: id(place).leak(),
            source: Source::Plugin(plugin(place).leak()),
            up: Box::leak(Box::new(Down { kind: Kind::Schema, body: self.asked })),
            checksum: "t2:0000",
            file: file!(),
            line: line!(),
            ..Registration::DEFAULT
        };
        Migration::new(Box::leak(Box::new(registration)))
    }
}

fn plugin(place: usize) -> String {
    format!("p{place}")
}

fn id(place: usize) -> String {
    format!("plugin:{}:001_asked", plugin(place))
}

fn prefix(place: usize) -> String {
    format!("plugin_{}_", plugin(place))
}

/// A command on the plugin's collections.
fn prefixed(mut command: Document, prefix: &str) -> Document {
    for field in ["create", "insert", "createIndexes", "collMod", "viewOn"] {
        if let Some(Bson::String(name)) = command.get_mut(field) {
            name.insert_str(0, prefix);
        }
    }
    command
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.name, self.does)
    }
}

/// The last code in a message, or 0.
fn code(message: &str) -> i32 {
    let code = message.rsplit_once("code ").and_then(|(_, code)| code.split(|c: char| !c.is_ascii_digit()).next());
    code.and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// What is there of each plugin: names with options and indexes. Numbers are of one type, and defaults are left out.
async fn stored(db: &Database) -> BTreeMap<String, Vec<(Bson, Vec<Bson>)>> {
    let listed = db.run_cursor_command(doc! { "listCollections": 1 }).await.unwrap();
    let mut listed: Vec<Document> = listed.try_collect().await.unwrap();
    listed.sort_by_key(|there| there.get_str("name").unwrap().to_owned());
    let mut stored = BTreeMap::<_, Vec<_>>::new();
    for mut there in listed {
        let name = there.get_str("name").unwrap().to_owned();
        let Some((plugin, _)) =
            name.trim_start_matches("system.buckets.").split_once('_').and_then(|(_, rest)| rest.split_once('_'))
        else {
            continue;
        };
        let indexes: Vec<Document> = match db.run_cursor_command(doc! { "listIndexes": &name }).await {
            Ok(indexes) => indexes.try_collect().await.unwrap(),
            Err(_) => Vec::new(),
        };
        let options = there.get_document_mut("options").unwrap();
        for (option, default) in [("validationLevel", "strict"), ("validationAction", "error")] {
            if options.get_str(option).is_ok_and(|value| value == default) {
                options.remove(option);
            }
        }
        if options.get_document("validator").is_ok_and(Document::is_empty) {
            options.remove("validator");
        }
        let indexes = indexes.into_iter().map(|index| doubles(index.into())).collect();
        stored.entry(format!("plugin_{plugin}_")).or_default().push((doubles(there.into()), indexes));
    }
    stored
}

#[allow(clippy::cast_precision_loss, reason = "directions, ages and sizes")]
fn doubles(value: Bson) -> Bson {
    match value {
        Bson::Int32(number) => Bson::Double(number.into()),
        Bson::Int64(number) => Bson::Double(number as f64),
        Bson::Array(values) => values.into_iter().map(doubles).collect::<Vec<_>>().into(),
        Bson::Document(document) => {
            document.into_iter().map(|(key, value)| (key, doubles(value))).collect::<Document>().into()
        }
        other => other,
    }
}
