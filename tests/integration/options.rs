//! Invalid options are refused before anything is sent to the database.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongrate::options::Names;
use mongrate::{Error, Migrator, MigratorBuilder, Schema, Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::stored::{collections, migrator, step, steps};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[migration(id = "001_once", source = "module:options", down = undo)]
async fn once(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "once").await?)
}

async fn undo(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "undone").await?)
}

fn option(error: &Error) -> &'static str {
    let Error::InvalidOption { option, .. } = error else { panic!("{error}") };
    assert!(error.to_string().starts_with(&format!("the option `{option}` is ")), "{error}");
    option
}

fn named(set: impl FnOnce(&mut Names)) -> Names {
    let mut names = Names::default();
    set(&mut names);
    names
}

#[tokio::test]
async fn each_invalid_option_is_named() {
    let db = TestDb::new().await;
    let _ = db.commands().take();
    let refused = |set: &dyn Fn(MigratorBuilder) -> MigratorBuilder| {
        let error = set(Migrator::builder((*db).clone())).build().unwrap_err();
        println!("{error}");
        option(&error)
    };
    for lease in [Duration::ZERO, Duration::from_millis(999), DAY + Duration::from_millis(1), Duration::MAX] {
        assert_eq!(refused(&|builder| builder.lease(lease)), "lease");
    }
    for wait in [DAY * 31, Duration::MAX] {
        assert_eq!(refused(&|builder| builder.lock_wait(wait)), "lock_wait");
    }
    for limit in [Duration::ZERO, Duration::from_nanos(1), DAY * 31, Duration::MAX] {
        assert_eq!(refused(&|builder| builder.timeout(limit)), "timeout");
    }
    let too_long = "a".repeat(255 - db.name().len());
    for name in ["", "a$b", "a\0b", "system.users", ".a", "a.", &too_long] {
        assert_eq!(refused(&|builder| builder.names(named(|names| names.lock = name.to_owned()))), "names.lock");
    }
    let twice = named(|names| names.history = names.records.clone());
    assert_eq!(refused(&|builder| builder.names(twice.clone())), "names.history");
    assert!(db.commands().take().is_empty());
}

/// The server decides which names are valid.
#[tokio::test]
async fn an_accepted_name_is_valid_for_the_server() {
    let db = TestDb::new().await;
    let longest = "a".repeat(254 - db.name().len());
    let too_long = format!("{longest}a");
    let mut refused = 0;
    for name in [
        "things",
        "a.b",
        "a..b",
        ".a",
        "a.",
        "",
        "$a",
        "a$b",
        "a$",
        "a\0b",
        "system.users",
        "system.",
        "systems",
        "a b",
        " ",
        "-",
        "größe",
        "a/b",
        "a\\b",
        "a\"b",
        "a\nb",
        "_",
        "1",
        &longest,
        &too_long,
    ] {
        let names = named(|names| names.kv = name.to_owned());
        let accepted = Migrator::builder((*db).clone()).names(names).build();
        let created = db.create_collection(name).await;
        assert!(created.is_ok() || accepted.is_err(), "'{name}' is accepted, but the server says {created:?}");
        refused += usize::from(accepted.is_err());
    }
    assert_eq!(refused, 10);
}

#[tokio::test]
async fn every_pair_of_equal_names_is_refused() {
    let db = TestDb::new().await;
    let roles: [fn(&mut Names) -> &mut String; 5] = [
        |names| &mut names.records,
        |names| &mut names.history,
        |names| &mut names.lock,
        |names| &mut names.ranges,
        |names| &mut names.kv,
    ];
    for (index, first) in roles.iter().enumerate() {
        for second in &roles[..index] {
            let names = named(|names| {
                *first(names) = "same".to_owned();
                *second(names) = "same".to_owned();
            });
            option(&Migrator::builder((*db).clone()).names(names.clone()).build().unwrap_err());
            // One that is built without a check is checked by its first call.
            assert!(collections(&db).await.is_empty());
        }
    }
    let all = Names::prefixed("a$");
    let Err(Error::Several { errors }) = Migrator::builder((*db).clone()).names(all).build() else {
        panic!("it is built")
    };
    assert_eq!(
        errors.iter().map(option).collect::<Vec<_>>(),
        ["names.records", "names.history", "names.lock", "names.ranges", "names.kv"]
    );
}

#[tokio::test]
async fn invalid_options_are_reported_together() {
    let db = TestDb::new().await;
    let builder = migrator(&db, "module:options").lease(Duration::MAX).timeout(Duration::ZERO);
    let error = builder.clone().build().unwrap_err();
    let Error::Several { errors } = &error else { panic!("{error}") };
    assert_eq!(errors.iter().map(option).collect::<Vec<_>>(), ["lease", "timeout"]);
    let nothing = |_: &str| None::<String>;
    let booted = builder.boot().variables(nothing).await.unwrap_err();
    assert_eq!(booted.to_string(), error.to_string());
    assert!(steps(&db).await.is_empty());
}

#[tokio::test]
async fn a_run_with_a_time_limit_of_zero_is_refused() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:options").build().unwrap();
    assert_eq!(option(&migrator.up().timeout(Duration::ZERO).await.unwrap_err()), "timeout");
    assert!(steps(&db).await.is_empty());
    migrator.up().await.unwrap();
    assert_eq!(option(&migrator.down().timeout(Duration::MAX).await.unwrap_err()), "timeout");
    assert_eq!(steps(&db).await, ["once"]);
}

#[tokio::test]
async fn the_minimum_and_maximum_of_each_option_work() {
    for (lease, wait, limit) in [(DAY, DAY * 30, DAY * 30), (Duration::from_secs(1), Duration::ZERO, DAY)] {
        let db = TestDb::new().await;
        let builder = migrator(&db, "module:options").lease(lease).lock_wait(wait).timeout(limit);
        builder.build().unwrap().up().await.unwrap();
        assert_eq!(steps(&db).await, ["once"]);
    }
}

#[migration(id = "001_index", source = "module:options-no-time")]
async fn no_time(schema: &mut Schema) -> Result<(), Error> {
    schema.create_collection("users").await?;
    // Refused, whatever comes after it.
    schema.max_time(Duration::ZERO).max_time(DAY).create_index("users", doc! { "email": 1 }).await
}

#[migration(id = "001_nothing", source = "module:options-too-much-time")]
async fn too_much_time(schema: &mut Schema) -> Result<(), Error> {
    schema.max_time(DAY * 25);
    Ok(())
}

/// The server takes zero for "no limit".
#[tokio::test]
async fn a_body_that_sets_an_invalid_time_limit_fails() {
    for (source, value) in [("module:options-no-time", "0 ms"), ("module:options-too-much-time", "36000 min")] {
        let db = TestDb::new().await;
        let migrator = migrator(&db, source).build().unwrap();
        for dry_run in [true, false] {
            let error = migrator.up().dry_run(dry_run).await.unwrap_err();
            println!("{error}");
            assert!(error.to_string().contains(value), "{error}");
            let Error::Failed { source, .. } = &error else { panic!("{error:?}") };
            assert_eq!(option(source.downcast_ref().unwrap()), "max_time");
        }
        // What was asked for before it is done.
        let users = db.list_collection_names().await.unwrap().contains(&"users".to_owned());
        assert_eq!(users, source == "module:options-no-time");
        assert!(
            db.collection::<Document>("users").list_index_names().await.is_ok_and(|names| names == ["_id_"]) == users
        );
    }
}

#[migration(id = "001_longest", source = "module:options-longest")]
async fn longest(schema: &mut Schema) -> Result<(), Error> {
    schema.max_time(DAY * 24).create_index("users", doc! { "email": 1 }).await?;
    schema.max_time(Duration::from_secs(5)).drop_index("users", "email_1").await
}

#[tokio::test]
async fn the_longest_time_limit_of_an_operation_works() {
    let db = TestDb::new().await;
    migrator(&db, "module:options-longest").build().unwrap().up().await.unwrap();
    assert_eq!(db.collection::<Document>("users").list_index_names().await.unwrap(), ["_id_"]);
}
