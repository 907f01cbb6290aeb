//! Pairs of what is there and what is asked for: the dry run says what `up` would do, then `up` does it. The dry run may not
//! know, but it must not be wrong.

mod collections;
mod documents;
mod indexes;
mod kinds;
mod moves;
mod validators;
mod views;

use std::fmt;

use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use mongrate::__private::{Body, Registration};
use mongrate::{Error, Migration, Migrator, Outcome, Prediction, Registry};
use mongrate_tests::TestDb;
use mongrate_tests::stored::fingerprint;

/// How many pairs are under way at a time.
const AT_A_TIME: usize = 8;

/// How many of a hundred pairs the dry run may not know.
const UNKNOWN: usize = 5;

struct Pair {
    name: &'static str,
    /// Commands that make what is there.
    there: Vec<Document>,
    /// What is asked for.
    asked: Body,
    does: Does,
}

/// What `up` does.
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
    ]
    .into_iter()
    .flatten()
    .collect();
    assert!(pairs.len() >= 120, "{}", pairs.len());
    let db = TestDb::new().await;
    let tried = stream::iter(pairs.iter().enumerate());
    let tried = tried.map(|(place, pair)| pair.check(db.tenant(&place.to_string()))).buffered(AT_A_TIME);
    let wrong: Vec<_> = tried.filter_map(async |wrong| wrong).collect().await;
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
    let unknown = pairs.iter().filter(|pair| pair.does == Unknown).count();
    assert!(unknown * 100 <= pairs.len() * UNKNOWN, "{unknown} of {}", pairs.len());
}

impl Pair {
    /// What is wrong, if anything.
    async fn check(&self, db: Database) -> Option<String> {
        for command in &self.there {
            let made = db.run_command(command.clone()).await;
            let made = made.unwrap_or_else(|error| panic!("{}: {command}: {error}", self.name));
            assert!(!made.contains_key("writeErrors"), "{}: {made}", self.name);
        }
        let migrator = self.migrator(&db);
        let before = (Stored::of(&db).await, fingerprint(&db).await);
        let report = migrator.up().dry_run(true).await.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        assert_eq!((Stored::of(&db).await, fingerprint(&db).await), before, "{}", self.name);
        let execution = report.executions().next().unwrap();
        let predicted = execution.operations.iter().filter_map(|operation| operation.prediction).max().unwrap();
        let notes: Vec<_> = execution.operations.iter().flat_map(|operation| operation.notes.clone()).collect();
        let predicted = match (predicted, &execution.outcome) {
            (Prediction::WouldChange, Outcome::WouldApply) => Change,
            (Prediction::NothingToDo, Outcome::WouldApply) => Nothing,
            (Prediction::CannotTell, Outcome::NotSimulated { .. }) => Unknown,
            (Prediction::WouldFail, Outcome::WouldFail) => {
                Fail(notes.iter().find(|note| note.starts_with("would fail")).and_then(|note| code(note)).unwrap_or(0))
            }
            other => return Some(format!("{}: {other:?}", self.name)),
        };
        let (did, message) = match migrator.up().await {
            Ok(_) if Stored::of(&db).await == before.0 => (Nothing, String::new()),
            Ok(_) => (Change, String::new()),
            Err(Error::Failed { message, .. }) => (Fail(code(&message).unwrap_or(0)), message),
            Err(error) => panic!("{}: {error}", self.name),
        };
        let right = (predicted == did || predicted == Unknown) && self.does == predicted;
        (!right).then(|| format!("{self}: predicted {predicted:?}, was {did:?}: {notes:?} {message}"))
    }

    fn migrator(&self, db: &Database) -> Migrator {
        let registration = Registration {
            id: "001_asked",
            kind: mongrate::Kind::Schema,
            up: self.asked,
            checksum: "t2:0000",
            file: file!(),
            line: line!(),
            ..Registration::DEFAULT
        };
        let registry: Registry = [Migration::new(Box::leak(Box::new(registration)))].into_iter().collect();
        Migrator::builder(db.clone()).registry(registry).build().unwrap()
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.name, self.does)
    }
}

/// The last code in a message.
fn code(message: &str) -> Option<i32> {
    message.rsplit_once("(code ")?.1.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Names with options and indexes. Numbers are of one type.
#[derive(Debug, PartialEq)]
struct Stored(Vec<(Bson, Vec<Bson>)>);

impl Stored {
    async fn of(db: &Database) -> Self {
        let listed = db.run_cursor_command(doc! { "listCollections": 1 }).await.unwrap();
        let mut listed: Vec<Document> = listed.try_collect().await.unwrap();
        listed.retain(|there| !there.get_str("name").unwrap().starts_with("migrations"));
        listed.sort_by_key(|there| there.get_str("name").unwrap().to_owned());
        let mut stored = Vec::new();
        for there in listed {
            let list = doc! { "listIndexes": there.get_str("name").unwrap() };
            let indexes: Vec<Document> = match db.run_cursor_command(list).await {
                Ok(indexes) => indexes.try_collect().await.unwrap(),
                Err(_) => Vec::new(),
            };
            stored.push((doubles(there.into()), indexes.into_iter().map(|index| doubles(index.into())).collect()));
        }
        Self(stored)
    }
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
