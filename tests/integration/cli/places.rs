//! Which database a command works on, and what it makes of values that come from files, consoles and secrets.

use mongodb::bson::Document;
use mongrate_tests::stored::{collections, record, status};
use mongrate_tests::{MyApp, TestDb};

#[tokio::test]
async fn white_space_around_a_value_is_dropped() {
    let db = TestDb::new().await;
    let uri = MyApp::uri(&db);
    for app in [
        MyApp::anywhere().with("MONGODB_URI", &format!("{uri}\n")),
        MyApp::anywhere().with("MONGODB_URI", &format!(" {uri}\r\n")),
        MyApp::anywhere().at(&format!("\t{uri}\n")),
    ] {
        let ran = app.run(["up", "001_create_users"]).await;
        assert_eq!(ran.code, 0, "{ran}");
        assert_eq!(status(&db, "001_create_users").await, "completed");
        db.collection::<Document>("migrations").drop().await.unwrap();
        db.collection::<Document>("users").drop().await.unwrap();
    }
    let named = format!(" {}\n", db.name());
    let app = MyApp::anywhere().at(db.uri()).with("USER", " ana\n");
    let ran = app.run(["up", "001_create_users", "--database", &named]).await;
    assert_eq!(ran.code, 0, "{ran}");
    let stored = record(&db, "001_create_users").await.unwrap();
    assert_eq!(stored.get_str("appliedBy").unwrap(), "ana");
    let there = db.client().list_database_names().await.unwrap();
    assert!(!there.iter().any(|name| name != name.trim()), "{there:?}");
}

/// The port is closed: exit 4 would say that something was asked.
#[tokio::test]
async fn a_database_that_cannot_be_meant_is_refused_before_anything_is_asked() {
    let nowhere = |path: &str| MyApp::anywhere().with("MONGODB_URI", &format!("mongodb://127.0.0.1:1/{path}"));
    let long = "x".repeat(64);
    for (app, database, told) in [
        (nowhere("admin"), None, "the database 'admin' belongs to the server"),
        (nowhere("config?w=1"), None, "the database 'config' belongs to the server"),
        (nowhere("Local"), None, "the database 'Local' belongs to the server"),
        (nowhere("shop"), Some("admin"), "the database 'admin' belongs to the server"),
        (MyApp::anywhere().at("mongodb://127.0.0.1:1/admin"), None, "the database 'admin' belongs to the server"),
        (nowhere("shop%0A"), None, r"the database name 'shop\n' contains the character '\n'"),
        (nowhere("shop"), Some("sh\top"), r"the database name 'sh\top' contains the character '\t'"),
        (nowhere("shop.users"), None, "the database name 'shop.users' contains the character '.'"),
        (nowhere("shop"), Some(""), "the database name '' is empty"),
        (nowhere(&long), None, "has 64 bytes"),
    ] {
        for command in ["status", "up", "validate", "deploy"] {
            let ran =
                app.run([command].into_iter().chain(database.iter().flat_map(|name| ["--database", *name]))).await;
            assert_eq!(ran.code, 2, "{told}\n{ran}");
            assert!(ran.stderr.contains(told), "{told}\n{ran}");
            if told.contains("server") {
                assert!(
                    ran.stderr.contains("/NAME?authSource=admin") && ran.stderr.contains("--database NAME"),
                    "{ran}"
                );
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_migrated_in_admin() {
    let db = TestDb::new().await;
    let admin = db.client().database("admin");
    let before = collections(&admin).await;
    let uri = db.uri().replacen("/?", "/admin?", 1);
    let ran = MyApp::anywhere().at(&uri).run(["up"]).await;
    assert_eq!(ran.code, 2, "{ran}");
    assert_eq!(collections(&admin).await, before);
    // The cure.
    let ran = MyApp::anywhere().at(&uri).run(["up", "--database", db.name()]).await;
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(status(&db, "001_create_users").await, "completed");
}
