//! The bodies of random migrations. Each leaves a trace that can be counted, and fails on request.

use mongodb::bson::{Document, doc};
use mongodb::{BoxFuture, Database};
use mongrate::__private::{Argument, Body, BoxError, Context};
use mongrate::{Schema, Tx};

use super::{Drawing, PLUGIN_PREFIX, Runs};

/// The maximum number of migrations. The type of a body determines its index.
pub const ROOM: usize = 10;

/// The collection in which `Tx` and `&Database` bodies insert a document whenever they take effect.
pub const LEDGER: &str = "ledger";
/// The collection in which `Schema` bodies create and drop an index.
pub const SHELF: &str = "shelf";
/// The collection that says which body fails, and how.
const TOLD: &str = "told";
/// An existing collection, so that a rename to it was already done or must fail.
const OPEN: &str = "open";

/// One body for each index.
macro_rules! for_each_place {
    ($body:ident, $up:literal) => {
        [
            $body::<0, $up>,
            $body::<1, $up>,
            $body::<2, $up>,
            $body::<3, $up>,
            $body::<4, $up>,
            $body::<5, $up>,
            $body::<6, $up>,
            $body::<7, $up>,
            $body::<8, $up>,
            $body::<9, $up>,
        ]
    };
}

/// Returns the body at this index.
pub(super) fn up(runs: Runs, place: usize) -> Body {
    const BODIES: [[Body; ROOM]; 3] =
        [for_each_place!(tx, true), for_each_place!(schema, true), for_each_place!(raw, true)];
    BODIES[runs as usize][place]
}

/// Returns the `down` at this index.
pub(super) fn down(runs: Runs, place: usize) -> Body {
    const BODIES: [[Body; ROOM]; 3] =
        [for_each_place!(tx, false), for_each_place!(schema, false), for_each_place!(raw, false)];
    BODIES[runs as usize][place]
}

fn tx<const PLACE: usize, const UP: bool>(context: &mut Context) -> BoxFuture<'_, Result<(), BoxError>> {
    Box::pin(in_transaction(<&mut Tx>::from_context(context), PLACE, UP))
}

fn schema<const PLACE: usize, const UP: bool>(context: &mut Context) -> BoxFuture<'_, Result<(), BoxError>> {
    Box::pin(on_the_shelf(<&mut Schema>::from_context(context), PLACE, UP))
}

fn raw<const PLACE: usize, const UP: bool>(context: &mut Context) -> BoxFuture<'_, Result<(), BoxError>> {
    Box::pin(by_hand(<&Database>::from_context(context), PLACE, UP))
}

async fn in_transaction(tx: &mut Tx, place: usize, up: bool) -> Result<(), BoxError> {
    tx.collection::<Document>(LEDGER).insert_one(effect(place, up)).await?;
    heed(tx.collection::<Document>(TOLD).find_one(doc! { "_id": number(place) }).await?)
}

async fn on_the_shelf(schema: &mut Schema, place: usize, up: bool) -> Result<(), BoxError> {
    let name = index(place);
    if up {
        schema.create_index(SHELF, doc! { &name: 1 }).named(&name).await?;
    } else {
        schema.drop_index(SHELF, &name).await?;
    }
    Ok(schema.rename_collection(&closed(place), OPEN).await?)
}

async fn by_hand(database: &Database, place: usize, up: bool) -> Result<(), BoxError> {
    database.collection::<Document>(LEDGER).insert_one(effect(place, up)).await?;
    heed(database.collection::<Document>(TOLD).find_one(doc! { "_id": number(place) }).await?)
}

fn heed(told: Option<Document>) -> Result<(), BoxError> {
    let Some(told) = told else { return Ok(()) };
    if told.get_bool("panic").unwrap() {
        // Panics, without output on standard error.
        std::panic::resume_unwind(Box::new("told to panic"));
    }
    Err("told to fail".into())
}

fn effect(place: usize, up: bool) -> Document {
    doc! { "place": number(place), "up": up }
}

fn index(place: usize) -> String {
    format!("of_{place}")
}

fn closed(place: usize) -> String {
    format!("closed_{place}")
}

fn number(place: usize) -> i64 {
    i64::try_from(place).unwrap()
}

/// Creates the collections that the bodies expect.
pub async fn prepare(db: &Database) {
    for prefix in ["", PLUGIN_PREFIX] {
        for name in [OPEN, SHELF, LEDGER, TOLD] {
            db.create_collection(format!("{prefix}{name}")).await.unwrap();
        }
    }
}

/// Makes both bodies at this index fail in the middle, with an error or, where possible, with a panic.
pub async fn fail(db: &Database, drawing: &Drawing, place: usize, panic: bool) {
    let prefix = drawing.prefix(place);
    let told = db.collection::<Document>(&format!("{prefix}{TOLD}"));
    told.insert_one(doc! { "_id": number(place), "panic": panic }).await.unwrap();
    if drawing.0[place].has(Runs::Schema) {
        db.create_collection(format!("{prefix}{}", closed(place))).await.unwrap();
    }
}

/// Undoes that.
pub async fn relent(db: &Database, drawing: &Drawing, place: usize) {
    let prefix = drawing.prefix(place);
    let told = db.collection::<Document>(&format!("{prefix}{TOLD}"));
    told.delete_one(doc! { "_id": number(place) }).await.unwrap();
    if drawing.0[place].has(Runs::Schema) {
        db.collection::<Document>(&format!("{prefix}{}", closed(place))).drop().await.unwrap();
    }
}
