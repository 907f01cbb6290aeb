//! `update_each` and `replace_each`: many changes of single documents, in few commands.

use std::future::IntoFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mongodb::bson::{Document, doc};
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use mongodb::options::{ClientOptions, IndexOptions};
use mongodb::{Client, Database, IndexModel};
use mongrate::report::{Counts, Report};
use mongrate::{Error, Tx, migration};
use mongrate_tests::stored::{count, documents, migrator, status};
use mongrate_tests::{Gate, TestDb};

const MANY: i32 = 2_500;

#[migration(id = "001_doubles", source = "module:each-many", down = halves)]
async fn doubles(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let things = tx.collection::<Document>("things");
    let all = things.find(doc! {}).await?.collect().await?;
    let double = |thing: Document| {
        let n = thing.get_i32("n").unwrap_or_default() * 2;
        (doc! { "_id": thing.get("_id") }, doc! { "$set": { "n": n } })
    };
    let counts = things.update_each(all.into_iter().map(double)).await?;
    assert_eq!((counts.matched, counts.modified, counts.inserted), (2_500, 2_500, 0));
    Ok(())
}

async fn halves(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let things = tx.collection::<Document>("things");
    let half = |n| (doc! { "_id": n }, vec![doc! { "$set": { "n": { "$toInt": { "$divide": ["$n", 2] } } } }]);
    things.update_each((0..MANY).map(half)).await?;
    Ok(())
}

async fn sum(db: &Database) -> i32 {
    let group = doc! { "$group": { "_id": null, "sum": { "$sum": "$n" } } };
    let mut sums = db.collection::<Document>("things").aggregate([group]).await.unwrap();
    assert!(sums.advance().await.unwrap());
    sums.deserialize_current().unwrap().get_i32("sum").unwrap()
}

fn counts(report: &Report, kind: &str) -> Counts {
    let operations = &report.executions().next().unwrap().operations;
    operations.iter().find(|operation| operation.kind == kind).unwrap().counts
}

#[tokio::test]
async fn many_updates_take_a_command_per_thousand() {
    let db = TestDb::new().await;
    db.collection("things").insert_many((0..MANY).map(|n| doc! { "_id": n, "n": n + 1 })).await.unwrap();
    let before = sum(&db).await;
    let migrator = migrator(&db, "module:each-many").build().unwrap();

    let _ = db.commands().take();
    let report = migrator.up().await.unwrap();
    let sent = db.commands().take();
    // Three in a row by the body; then the record and the history are inserted, and the fence is updated.
    let commit = sent.iter().position(|name| name == "commitTransaction").unwrap();
    let in_a_row = sent[..commit].split(|name| name != "update").map(<[_]>::len);
    assert_eq!(in_a_row.max(), Some(3), "{sent:?}");
    assert_eq!(sum(&db).await, 2 * before);
    let told = counts(&report, "update_each");
    assert_eq!((told.matched, told.modified), (2_500, 2_500));

    migrator.down().await.unwrap();
    assert_eq!(sum(&db).await, before);
}

#[migration(id = "001_replaces", source = "module:each-replace")]
async fn replaces(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let things = tx.collection::<Document>("things");
    let replacements = [(1, "a"), (9, "new"), (1, "b")].map(|(id, name)| (doc! { "_id": id }, doc! { "name": name }));
    let counts = things.replace_each(replacements).with(|action| action.upsert(true)).await?;
    assert_eq!((counts.matched, counts.modified, counts.inserted), (2, 2, 1));
    let by_name = [(doc! { "name": "NEW" }, doc! { "$set": { "found": true } })];
    let caseless = mongodb::options::Collation::builder()
        .locale("en")
        .strength(mongodb::options::CollationStrength::Secondary)
        .build();
    assert_eq!(things.update_each(by_name).collation(caseless).await?.modified, 1);
    let items = [(doc! { "_id": 2 }, doc! { "$set": { "items.$[item]": 0 } })];
    things.update_each(items).with(|action| action.array_filters([doc! { "item": { "$gt": 1 } }])).await?;
    let none: [(Document, Document); 0] = [];
    assert_eq!(things.update_each(none).await?, Counts::default());
    Ok(())
}

async fn replaced(db: &TestDb) {
    let things = [doc! { "_id": 1, "name": "old", "more": 1 }, doc! { "_id": 2, "items": [1, 2, 3] }];
    db.collection("things").insert_many(things).await.unwrap();
    let report = migrator(db, "module:each-replace").build().unwrap().up().await.unwrap();
    assert_eq!(
        documents(db, "things").await,
        [
            doc! { "_id": 1, "name": "b" },
            doc! { "_id": 2, "items": [1, 0, 0] },
            doc! { "_id": 9, "name": "new", "found": true }
        ]
    );
    assert_eq!(counts(&report, "replace_each").inserted, 1);
}

#[tokio::test]
async fn replacements_and_options_apply_to_each() {
    replaced(&TestDb::new().await).await;
}

#[tokio::test]
async fn they_work_without_transactions() {
    replaced(&TestDb::standalone().await).await;
}

#[migration(id = "001_large", source = "module:each-large")]
async fn large(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let text = "x".repeat(5 * 1024 * 1024);
    let replacements = (0..5).map(|n| (doc! { "_id": n }, doc! { "text": &text }));
    tx.collection::<Document>("things").replace_each(replacements).with(|action| action.upsert(true)).await?;
    Ok(())
}

#[tokio::test]
async fn a_command_stays_below_the_servers_limit() {
    // Without a transaction, which would have to fit into the cache of the server.
    let db = TestDb::standalone().await;
    migrator(&db, "module:each-large").build().unwrap().up().await.unwrap();
    let sent = db.commands().take();
    assert!(sent.windows(3).any(|three| three.iter().all(|name| name == "update")), "{sent:?}");
    assert_eq!(count(&db, "things", doc! { "text": { "$exists": true } }).await, 5);
}

#[migration(id = "001_collides", source = "module:each-collides")]
async fn collides(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let unique = |n: i32| if n == 1_500 { 3 } else { n };
    let pairs = (0..MANY).map(|n| (doc! { "_id": n }, doc! { "$set": { "unique": unique(n) } }));
    tx.collection::<Document>("things").update_each(pairs).await?;
    Ok(())
}

#[tokio::test]
async fn an_error_names_the_document_and_nothing_stays() {
    let db = TestDb::new().await;
    let things = db.collection("things");
    things.insert_many((0..MANY).map(|n| doc! { "_id": n })).await.unwrap();
    let options = IndexOptions::builder().unique(true).sparse(true).build();
    things.create_index(IndexModel::builder().keys(doc! { "unique": 1 }).options(options).build()).await.unwrap();

    let error = migrator(&db, "module:each-collides").build().unwrap().up().await.unwrap_err();
    let told = format!("{error}: {}", std::error::Error::source(&error).map_or_else(String::new, ToString::to_string));
    println!("{told}");
    assert!(told.contains("pair 1500, with the filter {\"_id\":1500}"), "{told}");
    assert!(told.contains("E11000"), "{told}");
    assert_eq!(count(&db, "things", doc! { "unique": { "$exists": true } }).await, 0);
    assert_eq!(status(&db, "module:each-collides:001_collides").await, "failed");
}

#[migration(id = "001_replaces", source = "module:each-no-operator")]
async fn no_operator(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("things").update_each([(doc! {}, doc! { "n": 1 })]).await?;
    Ok(())
}

#[migration(id = "001_updates", source = "module:each-operator")]
async fn operator(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("things").replace_each([(doc! {}, doc! { "$set": { "n": 1 } })]).await?;
    Ok(())
}

#[tokio::test]
async fn an_update_that_replaces_is_refused_and_so_is_the_reverse() {
    for (source, cure) in
        [("module:each-no-operator", "use `replace_each`"), ("module:each-operator", "use `update_each`")]
    {
        let db = TestDb::new().await;
        db.collection("things").insert_one(doc! { "_id": 1, "n": 0 }).await.unwrap();
        let error = migrator(&db, source).build().unwrap().up().await.unwrap_err().to_string();
        assert!(error.contains(cure), "{error}");
        assert_eq!(documents(&db, "things").await, [doc! { "_id": 1, "n": 0 }]);
    }
}

#[migration(id = "001_stopped", source = "module:each-stopped")]
async fn stopped(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    let one = |n| (doc! { "_id": n }, doc! { "$set": { "n": 1 } });
    tx.collection::<Document>("things").update_each((0..20_000).map(one)).await?;
    Ok(())
}

/// The stop is requested as the first of twenty commands is sent.
#[tokio::test]
async fn a_run_stops_between_two_commands() {
    static FIRST: Gate = Gate::new();
    let db = TestDb::new().await;
    db.collection("things").insert_many((0..20_000).map(|n| doc! { "_id": n })).await.unwrap();
    let sent = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&sent);
    let mut options = ClientOptions::parse(db.uri()).await.unwrap();
    options.command_event_handler = Some(EventHandler::callback(move |event| {
        let CommandEvent::Started(event) = event else { return };
        if event.command.get_str("update").is_ok_and(|on| on == "things")
            && counted.fetch_add(1, Ordering::Relaxed) == 0
        {
            FIRST.open();
        }
    }));
    let client = Client::with_options(options).unwrap();
    let migrator = migrator(&client.database(db.name()), "module:each-stopped").build().unwrap();

    let run = tokio::spawn(migrator.up().into_future());
    FIRST.pass().await;
    migrator.shutdown().await;
    let error = run.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    let sent = sent.load(Ordering::Relaxed);
    assert!((1..20).contains(&sent), "{sent}");
    assert_eq!(count(&db, "things", doc! { "n": 1 }).await, 0);
    assert_eq!(status(&db, "module:each-stopped:001_stopped").await, "");

    let (database, _) = db.replica("next").await;
    let next = mongrate_tests::stored::migrator(&database, "module:each-stopped").build().unwrap();
    next.up().await.unwrap();
    assert_eq!(count(&db, "things", doc! { "n": 1 }).await, 20_000);
}
