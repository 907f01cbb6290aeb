//! The privileges that migrations need, as listed in `docs/guide/privileges.md`.

use futures_util::future::join_all;
use mongodb::bson::{Bson, Document, doc};
use mongodb::{Client, Database};
use mongrate::migrator::DatabaseFilter;
use mongrate::report::Outcome;
use mongrate::{Error, Migrator, Registry, Schema, Tx, migration};
use mongrate_tests::stored::migrator;

use super::guarded::Guarded;

/// The guide, with the role that it recommends.
const GUIDE: &str = include_str!("../../../docs/guide/privileges.md");

#[migration(id = "001_schema", source = "module:privileges")]
async fn schema(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_collection("old").await?;
    schema.rename_collection("old", "users").await?;
    schema.create_index("users", doc! { "email": 1 }).unique().await?;
    schema.drop_index("users", "email_1").await?;
    schema.set_validator("users", doc! { "age": { "$gt": 0 } }).await?;
    schema.create_view("adults", "users", [doc! { "$match": { "age": { "$gt": 17 } } }]).await?;
    schema.create_view("adults", "users", [doc! { "$match": { "age": { "$gt": 18 } } }]).await?;
    schema.create_collection("gone").await?;
    schema.drop_collection("gone").await
}

#[migration(id = "002_tx", source = "module:privileges")]
async fn tx(tx: &mut Tx) -> Result<(), mongrate::Error> {
    let users = tx.collection::<Document>("users");
    users.insert_one(doc! { "age": 18 }).await?;
    users.update_one(doc! {}, doc! { "$set": { "age": 19 } }).await?;
    users.count_documents(doc! {}).await?;
    users.delete_one(doc! {}).await?;
    let kv = tx.kv();
    kv.set("a", 1).await?;
    kv.get("a").await?;
    kv.delete("a").await?;
    Ok(())
}

#[migration(id = "001_kills", source = "module:privileges-timeout", timeout = "1s")]
async fn kills(tx: &mut Tx) -> Result<(), mongrate::Error> {
    tx.collection::<Document>("users").insert_one(doc! {}).await?;
    std::future::pending().await
}

/// The server continues this after the body has ended.
#[migration(id = "001_slow", source = "module:privileges-raw", timeout = "1s")]
async fn slow(db: &Database) -> Result<(), mongodb::error::Error> {
    let slowly = doc! { "$expr": { "$function": { "body": "function() { sleep(200); return true; }", "args": [], "lang": "js" } } };
    db.collection::<Document>("slow").update_many(slowly, doc! { "$set": { "changed": true } }).await.map(drop)
}

/// Every step there is.
async fn everything(db: &Database) -> Result<(), Error> {
    let migrator = migrator(db, "module:privileges").build().unwrap();
    migrator.status().await?;
    migrator.plan().await?;
    migrator.up().await?;
    migrator.up().await?;
    Ok(())
}

/// The actions that the guide's role has.
fn actions_of_the_guide() -> Vec<String> {
    let role = GUIDE.split_once("createRole(").unwrap().1.split_once(")\n```").unwrap().0;
    let role: Document = serde_json::from_str(role).unwrap();
    let privilege = role.get_array("privileges").unwrap()[0].as_document().unwrap();
    assert_eq!(privilege.get_document("resource").unwrap(), &doc! { "db": "shop", "collection": "" });
    privilege.get_array("actions").unwrap().iter().filter_map(Bson::as_str).map(str::to_owned).collect()
}

/// Privileges as (collection, action), for `createRole`.
fn privileges<'a>(database: &str, granted: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Document> {
    let on = |collection| doc! { "db": database, "collection": collection };
    granted.into_iter().map(|(collection, action)| doc! { "resource": on(collection), "actions": [action] }).collect()
}

#[tokio::test]
async fn the_role_of_the_guide_is_sufficient_and_minimal() {
    let server = Guarded::start().await;
    let actions = actions_of_the_guide();
    let granted = |without: &str| {
        let granted = actions.iter().filter(|action| *action != without);
        granted.map(|action| ("", action.as_str())).collect::<Vec<_>>()
    };
    let db = server.database("shop", privileges("shop", granted(""))).await;
    everything(&db).await.unwrap();
    // Ending one's own transactions is allowed to anybody.
    let error = migrator(&db, "module:privileges-timeout").build().unwrap().up().await.unwrap_err();
    assert!(error.to_string().contains("timeout"), "{error}");

    let each = actions.iter().map(async |action| {
        let name = format!("without_{action}");
        let db = server.database(&name, privileges(&name, granted(action))).await;
        refused(&db, &name).await;
    });
    join_all(each).await;
}

#[tokio::test]
async fn ending_own_operations_needs_no_privilege() {
    let server = Guarded::start().await;
    let db = server
        .database("shop", privileges("shop", actions_of_the_guide().iter().map(|action| ("", action.as_str()))))
        .await;
    db.collection::<Document>("slow").insert_many((0..60).map(|n| doc! { "_id": n })).await.unwrap();
    let registry = Registry::linked().source("module:privileges-raw");
    let uri = server.client_uri("shop", "shop", "shop");
    let migrator = Migrator::connect(uri, "shop").await.unwrap().registry(registry).build().unwrap();
    let error = migrator.up().await.unwrap_err();
    println!("{error}");
    assert!(error.report().unwrap().left_running().is_empty(), "{error}");
    assert!(migrator.status().await.unwrap().holder().is_none());
    let running = doc! { "currentOp": true, "active": true, "ns": "shop.slow" };
    let running = server.root().await.run_command(running).await.unwrap();
    assert!(running.get_array("inprog").unwrap().is_empty(), "{running}");
    let changed = db.collection::<Document>("slow").count_documents(doc! { "changed": true }).await.unwrap();
    assert!(changed < 60, "the call was not cut off");
}

/// What the guide's table of Mongrate's own collections says.
const OWN: [(&str, &str); 13] = [
    ("migrations", "find"),
    ("migrations", "insert"),
    ("migrations", "update"),
    ("migrations_history", "find"),
    ("migrations_history", "insert"),
    ("migrations_history", "createIndex"),
    ("migrations_lock", "find"),
    ("migrations_lock", "insert"),
    ("migrations_lock", "update"),
    ("migrations_kv", "find"),
    ("migrations_kv", "insert"),
    ("migrations_kv", "update"),
    ("migrations_kv", "remove"),
];

#[tokio::test]
async fn the_privileges_on_mongrates_own_collections_are_sufficient_and_minimal() {
    for (collection, action) in OWN {
        let row = GUIDE.lines().filter(|line| line.starts_with(&format!("| `{collection}` |")));
        assert!(row.into_iter().any(|line| line.contains(&format!("`{action}`"))), "{collection}: {action}");
    }
    let server = Guarded::start().await;
    let actions = actions_of_the_guide();
    let granted = |without: usize| {
        let applications = ["old", "users", "adults", "gone"].into_iter();
        let applications = applications.flat_map(|name| actions.iter().map(move |action| (name, action.as_str())));
        let own = OWN.into_iter().enumerate().filter(move |(number, _)| *number != without).map(|(_, own)| own);
        applications.chain([("", "listCollections")]).chain(own).collect::<Vec<_>>()
    };
    let db = server.database("shop", privileges("shop", granted(usize::MAX))).await;
    everything(&db).await.unwrap();
    let each = (0..OWN.len()).map(async |without| {
        let name = format!("without_{without}");
        let db = server.database(&name, privileges(&name, granted(without))).await;
        let told = refused(&db, &name).await;
        assert!(told.contains(OWN[without].0), "{:?}: {told}", OWN[without]);
    });
    join_all(each).await;

    // Reading is enough for looking, and for a boot with nothing to do.
    let name = "shop";
    let reads = privileges(name, [("migrations", "find"), ("migrations_lock", "find")]);
    let root = server.root().await.client().database(name);
    root.run_command(doc! { "createRole": "reads", "privileges": reads, "roles": [] }).await.unwrap();
    root.run_command(doc! { "createUser": "reader", "pwd": "reader", "roles": ["reads"] }).await.unwrap();
    everything(&server.client("reader", name).await.database(name)).await.unwrap();
}

/// Checks that a run is refused with a helpful message, and returns the message.
async fn refused(db: &Database, name: &str) -> String {
    let error = everything(db).await.expect_err(name);
    let told = error.to_string();
    println!("{name}: {told}");
    let cause = match &error {
        Error::Failed { source, .. } => source.downcast_ref().unwrap(),
        other => other,
    };
    assert!(matches!(cause, Error::NotAuthorized { .. }), "{name}: {error}");
    assert!(told.contains("privileges.md"), "{told}");
    // What the command was about is nobody's business, nor is the signature of the cluster's time.
    assert!(told.len() < 600 && !told.contains("lsid") && !told.contains("signature"), "{told}");
    told
}

/// Databases that a user may not read are not listed; when they are named, that is their own failure.
#[tokio::test]
async fn several_databases_need_no_extra_privilege() {
    let server = Guarded::start().await;
    let root = server.root().await;
    let role = |db: &str, role: &str| doc! { "db": db, "role": role };
    let roles = ["tenant_a", "tenant_b"].map(|db| [role(db, "readWrite"), role(db, "dbAdmin")]).concat();
    root.run_command(doc! { "createUser": "ops", "pwd": "ops", "roles": roles }).await.unwrap();
    for name in ["tenant_a", "tenant_b", "tenant_c"] {
        root.client().database(name).collection::<Document>("orders").insert_one(doc! {}).await.unwrap();
    }
    let client = server.client("ops", "admin").await;
    let registry = Registry::linked().source("module:privileges");
    let named = DatabaseFilter::named(["tenant_a", "tenant_c"]);
    for (filter, done, refused) in [
        (DatabaseFilter::prefix("tenant_"), &["tenant_a", "tenant_b"][..], &[][..]),
        (named, &["tenant_a"], &["tenant_c"]),
    ] {
        let registry = registry.clone();
        let tenants =
            Migrator::for_each(client.clone(), filter).options(move |builder| builder.registry(registry.clone()));
        let tenants = tenants.await.unwrap();
        println!("{tenants}");
        assert!(tenants.failed().all(|(_, error)| matches!(error, Error::NotAuthorized { .. })), "{tenants}");
        assert_eq!(tenants.failed().map(|(name, _)| name).collect::<Vec<_>>(), refused);
        assert_eq!(tenants.iter().filter(|(_, result)| result.is_ok()).map(|(name, _)| name).collect::<Vec<_>>(), done);
    }
}

#[tokio::test]
async fn the_built_in_roles_of_the_guide_suffice() {
    let server = Guarded::start().await;
    let root = server.root().await.client().database("shop");
    root.run_command(doc! { "createUser": "ada", "pwd": "ada", "roles": ["readWrite", "dbAdmin"] }).await.unwrap();
    everything(&server.client("ada", "shop").await.database("shop")).await.unwrap();

    // A wrong password is reported as such, not as missing privileges.
    let uri = server.client_uri("ada", "swordfish", "shop");
    let stranger = Client::with_uri_str(uri).await.unwrap().database("shop");
    let error = migrator(&stranger, "module:privileges").build().unwrap().up().await.unwrap_err();
    println!("{error}");
    assert!(matches!(error, Error::NotAuthorized { .. }), "{error}");
    assert!(error.to_string().contains("password"), "{error}");
    assert!(!error.to_string().contains("swordfish") && !error.to_string().contains("privileges.md"), "{error}");
}

#[migration(id = "001_index", source = "module:privileges-dry")]
async fn index(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema.create_index("users", doc! { "age": 1 }).unique().await
}

#[migration(id = "002_users", source = "module:privileges-dry")]
async fn users(tx: &mut Tx) -> Result<(), mongrate::Error> {
    tx.collection::<Document>("users").update_many(doc! {}, doc! { "$inc": { "age": 1 } }).await?;
    Ok(tx.kv().set("a", 1).await?)
}

#[tokio::test]
async fn a_dry_run_needs_the_privileges_of_the_guide_and_reports_skipped_checks() {
    let server = Guarded::start().await;
    let actions = ["find", "insert", "update", "remove", "listCollections", "listIndexes", "createIndex"];
    for without in ["nothing", "listIndexes", "listCollections", "createIndex"] {
        let granted = actions.iter().filter(|action| **action != without).map(|action| ("", *action));
        let db = server.database(without, privileges(without, granted)).await;
        db.collection("users").insert_one(doc! { "age": 1 }).await.unwrap();
        let report = migrator(&db, "module:privileges-dry").build().unwrap().up().dry_run(true).await.unwrap();
        println!("{report}");
        let outcome = |name: &str| &report.executions().find(|execution| execution.id.ends_with(name)).unwrap().outcome;
        assert!(matches!(outcome("002_users"), Outcome::WouldApply));
        assert_eq!(matches!(outcome("001_index"), Outcome::NotSimulated { .. }), without != "nothing", "{report}");
        assert_eq!(report.to_string().contains("not authorized"), without != "nothing");
    }
}
