//! The overview and the view of a migration.

use axum::http::StatusCode;
use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use mongrate::__private::Registration;
use mongrate::{Migration, Migrator, Tx, migration};
use mongrate_admin::Admin;
use mongrate_tests::http::{Answer, App, OPERATE, READ, REPAIR, tokens};
use mongrate_tests::{Lost, Proxy, Strike, TestDb};

use mongrate_tests::stored::registry;

const MODULE: &str = "module:page";
const PLUGIN: &str = "plugin:page-views";

/// Users exist.
#[migration(id = "001_users", source = "module:page", down = nothing)]
async fn users(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection("users").insert_one(doc! { "_id": 1 }).await?;
    Ok(())
}

async fn nothing(_: &mut Tx) -> Result<(), mongodb::error::Error> {
    Ok(())
}

/// Users have roles. <script>alert(1)</script>
#[migration(id = "002_roles", source = "module:page", deps = ["module:page:001_users"])]
async fn roles(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    tx.collection("users").insert_one(doc! { "_id": 1, "<script>": "ana@example.com" }).await?;
    Ok(())
}

/// Roles have titles.
#[migration(id = "003_titles", source = "module:page", deps = ["module:page:002_roles"])]
async fn titles(_: &mut Tx) -> Result<(), mongodb::error::Error> {
    Ok(())
}

#[migration(id = "004_archive", source = "module:page", manual)]
async fn archive(_: &mut Tx) -> Result<(), mongodb::error::Error> {
    Ok(())
}

/// Subscriptions begin.
#[migration(id = "001_init", source = "plugin:page-views")]
async fn init(_: &mut Tx) -> Result<(), mongodb::error::Error> {
    Ok(())
}

fn migrator(db: &Database) -> Migrator {
    Migrator::builder(db.clone()).registry(registry(&[MODULE, PLUGIN])).actor("ana").build().unwrap()
}

/// `001_users` is completed, `002_roles` has failed, and the rest is pending.
async fn half_applied(db: &Database) -> App {
    let migrator = migrator(db);
    migrator.up().only("module:page:001_users").await.unwrap();
    migrator.up().only("module:page:002_roles").await.unwrap_err();
    App::new(&migrator)
}

/// Sets a field of a record.
async fn change(db: &Database, id: &str, set: Document) {
    let records = db.collection::<Document>("migrations");
    let changed = records.update_one(doc! { "_id": id }, doc! { "$set": set }).await.unwrap();
    assert_eq!(changed.matched_count, 1);
}

/// The number below a name.
fn count(page: &Answer, name: &str) -> usize {
    let (_, rest) = page.text.split_once(&format!("<dt>{name}</dt><dd><a href=\"")).unwrap();
    let (_, rest) = rest.split_once("\">").unwrap();
    rest.split('<').next().unwrap().parse().unwrap()
}

/// The ids of the rows.
fn rows(page: &Answer) -> Vec<&str> {
    let rows = page.text.split(r#"<div class="what">"#).skip(1);
    rows.map(|row| row.split_once("</a>").unwrap().0.rsplit('>').next().unwrap()).collect()
}

/// The values of an attribute, decoded.
fn attributes(page: &Answer, name: &str) -> Vec<String> {
    let begin = format!(" {name}=\"");
    let values = page.text.split(&begin).skip(1);
    values.map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&")).collect()
}

#[tokio::test]
async fn the_counts_are_those_of_the_status() {
    let db = TestDb::new().await;
    let app = half_applied(&db).await;
    change(&db, "module:page:001_users", doc! { "checksum": "t2:0" }).await;
    let page = app.page(READ, "").await;
    assert_eq!(page.status, StatusCode::OK);
    let counts = ["Pending", "Failed", "Completed", "Manual", "Changed"].map(|name| count(&page, name));
    assert_eq!(counts, [3, 1, 1, 1, 1]);
    let status = app.get(READ, "/status").await.value();
    assert_eq!(status["totalCompleted"], counts[2]);
    assert_eq!(status["totalPending"], counts[0]);
    assert!(page.text.contains("<title>1 failed · "), "{}", page.text);
    assert!(page.text.contains("<h1>1 migration has failed</h1>"));
}

#[tokio::test]
async fn the_last_execution_may_be_a_down() {
    let db = TestDb::new().await;
    let migrator = migrator(&db);
    let (app, users) = (App::new(&migrator), "module:page:001_users");
    for (by, is_up) in [("ana", true), ("ben", false)] {
        let up = async || migrator.up().only(users).by(by).await;
        let down = async || migrator.down().only(users).by(by).await;
        if is_up {
            up().await.unwrap()
        } else {
            down().await.unwrap()
        };
        let page = app.page(READ, "").await;
        let (_, last) = page.text.split_once("last execution").unwrap();
        assert!(last.split_once("</p>").unwrap().0.trim_end().ends_with(&format!(" by {by}")), "{last}");
    }
}

#[tokio::test]
async fn filters_select_rows() {
    let db = TestDb::new().await;
    let app = half_applied(&db).await;
    for (filter, expected) in [
        ("", vec!["002_roles", "003_titles", "004_archive", "001_users", "001_init"]),
        ("?state=failed", vec!["002_roles"]),
        ("?state=pending", vec!["002_roles", "003_titles", "001_init"]),
        ("?state=manual", vec!["004_archive"]),
        ("?state=completed", vec!["001_users"]),
        ("?isolated=true", vec!["004_archive", "001_init"]),
        ("?source=plugin%3Apage-views", vec!["001_init"]),
        ("?q=TITLES&source=&state=", vec!["003_titles"]),
        ("?q=subscriptions", vec!["001_init"]),
        ("?drifted=true", vec![]),
        ("?q=nowhere", vec![]),
    ] {
        let page = app.page(READ, filter).await;
        let ids = rows(&page);
        let expected: Vec<_> = expected
            .into_iter()
            .map(|id| if id == "001_init" { format!("{PLUGIN}:{id}") } else { format!("{MODULE}:{id}") })
            .collect();
        assert_eq!(ids, expected, "{filter}");
        assert_eq!(page.text.contains("Clear the filters"), expected.is_empty(), "{filter}");
    }
    assert_eq!(app.page(READ, "?sauce=x").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(app.page(READ, "?isolated=perhaps").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn all_addresses_are_in_the_same_directory() {
    let db = TestDb::new().await;
    let app = half_applied(&db).await;
    let allowed =
        ["", "./", "migration", "plan", "run", "history", "lock", "tenants", "api", "#main", "app.css", "icon.svg"];
    for path in
        ["", "?state=pending", "migration?id=plugin%3Apage-views%3A001_init", "migration?id=module%3Apage%3A002_roles"]
    {
        let page = app.page(REPAIR, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let addresses = attributes(&page, "href");
        assert!(addresses.len() > 10, "{addresses:?}");
        for address in addresses {
            let (before, query) = address.split_once('?').unwrap_or((&address, ""));
            assert!(allowed.contains(&before), "{address}");
            assert!(!query.contains([':', '/', '"', '<', ' ']), "{address}");
        }
        let forms = ["./", "theme", "sign-out", "mark-applied", "mark-pending", "accept", "prune"];
        assert!(attributes(&page, "action").iter().all(|action| forms.contains(&action.as_str())));
    }
}

#[tokio::test]
async fn stored_texts_are_shown_as_text() {
    let db = TestDb::new().await;
    let app = half_applied(&db).await;
    let hostile = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}\u{1b}[2J";
    let set = doc! { "error": hostile, "errorStack": [hostile], "appliedBy": hostile, "host": hostile };
    change(&db, "module:page:002_roles", set).await;
    let mut orphan = db.collection::<Document>("migrations").find_one(doc! {}).await.unwrap().unwrap();
    orphan.extend(doc! { "_id": format!("009_later{hostile}"), "description": hostile, "codebaseVersion": hostile });
    db.collection::<Document>("migrations").insert_one(orphan).await.unwrap();
    let gone = format!(
        "migration?{}",
        "id=009_later%3C%2Fpre%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%E2%80%AE%1B%5B2J"
    );
    // A form has to send an id as it is, so who may change nothing looks at the migration that is gone.
    for (token, path) in [(REPAIR, ""), (REPAIR, "migration?id=module%3Apage%3A002_roles"), (READ, &gone)] {
        let page = app.page(token, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.text.contains("<script>") && !page.text.contains("<img"), "{}", page.text);
        assert!(!page.text.contains(['\u{202e}', '\u{1b}']), "{}", page.text);
        assert!(page.text.contains(r"&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", page.text);
        assert!(page.text.contains(r"\u{202e}\u{1b}[2J"), "{}", page.text);
        assert!(!page.text.contains(" style=") && !page.text.contains(" onclick="));
    }
    assert!(app.page(REPAIR, "").await.text.contains("This process is older than the database."));
}

#[tokio::test]
async fn only_who_may_act_is_offered_to() {
    let db = TestDb::new().await;
    let app = half_applied(&db).await;
    let (roles, users) = ("migration?id=module%3Apage%3A002_roles", "migration?id=module%3Apage%3A001_users");
    for (token, runs, repairs) in [(READ, false, false), (OPERATE, true, false), (REPAIR, true, true)] {
        let overview = app.page(token, "").await.text;
        assert_eq!(overview.contains("Plan and run all…"), runs);
        assert_eq!(overview.contains(">Run…</a>"), runs);
        assert_eq!(app.page(token, roles).await.text.contains(r#"action="mark-applied""#), repairs);
        assert_eq!(app.page(token, users).await.text.contains("Revert…"), repairs);
    }
    let read_only = App::of(&Admin::new(&migrator(&db), tokens()).read_only(true).build());
    let overview = read_only.page(REPAIR, "").await.text;
    assert!(overview.contains("Read-only.") && !overview.contains("Run…"));
}

#[tokio::test]
async fn a_migration_is_shown_with_its_neighbors_and_history() {
    let db = TestDb::new().await;
    let app = half_applied(&db).await;
    let page = app.page(READ, "migration?id=module%3Apage%3A002_roles").await;
    assert!(page.text.contains("<title>failed: module:page:002_roles"), "{}", page.text);
    for neighbor in ["001_users", "003_titles"] {
        assert!(page.text.contains(&format!("migration?id=module%3Apage%3A{neighbor}")), "{neighbor}");
    }
    assert_eq!(page.text.matches(r#"<td data-name="Act">Up</td>"#).count(), 1);
    let graph = page.text.split_once("<svg xmlns").unwrap().1.split_once("</svg>").unwrap().0;
    assert_eq!(graph.matches("migration?id=module%3Apage%3A").count(), 3, "{graph}");
    assert!(!graph.contains("<style"), "the page's policy allows no inline style");

    change(&db, "module:page:001_users", doc! { "checksum": "t2:0" }).await;
    let changed = app.page(REPAIR, "migration?id=module%3Apage%3A001_users").await;
    assert!(changed.text.contains("Its code has changed") && changed.text.contains("<code>t2:0</code>"));
    assert!(changed.text.contains(r#"action="accept""#));

    let unknown = app.page(READ, "migration?id=module%3Apage%3A002_role").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.text.contains("Did you mean 'module:page:002_roles'?"), "{}", unknown.text);
}

#[tokio::test]
async fn without_migrations_the_page_says_what_to_do() {
    let db = TestDb::new().await;
    let migrator = Migrator::builder(db.clone()).registry(registry(&["module:nowhere"])).build().unwrap();
    let page = App::new(&migrator).page(READ, "").await;
    assert!(page.text.contains("No migrations are linked into this process"), "{}", page.text);
    // Looking creates nothing.
    assert_eq!(db.list_collection_names().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn while_the_database_is_away_the_last_known_state_is_shown() {
    let db = TestDb::new().await;
    let port = db.uri().split(':').next_back().unwrap().split('/').next().unwrap().parse().unwrap();
    half_applied(&db).await;
    // The overview takes two commands.
    let proxy = Proxy::to(port, Strike::Any(3..=usize::MAX), Lost::Request).await;
    let client = Client::with_uri_str(proxy.uri()).await.unwrap();
    let app = App::new(&migrator(&client.database(db.name())));
    let before = app.page(REPAIR, "").await;
    assert_eq!(before.status, StatusCode::OK, "{}", before.text);
    let after = app.page(REPAIR, "").await;
    assert_eq!(after.status, StatusCode::SERVICE_UNAVAILABLE, "{}", after.text);
    assert!(after.text.contains("The database does not answer."), "{}", after.text);
    assert_eq!(rows(&after), rows(&before));
    assert!(!after.text.contains("Run…") && !after.text.contains("Plan and run all"));
    let one = app.page(REPAIR, "migration?id=module%3Apage%3A002_roles").await;
    assert_eq!(one.status, StatusCode::SERVICE_UNAVAILABLE, "{}", one.text);
    assert!(one.text.contains("This is the state of <time") && one.text.contains("dup key"), "{}", one.text);
    assert!(!one.text.contains("Run…") && !one.text.contains("Mark as applied"), "{}", one.text);
    // Of a process that has never seen it, there is nothing to show.
    let fresh = App::new(&migrator(&client.database(db.name()))).page(REPAIR, "").await;
    assert_eq!(fresh.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(fresh.text.contains("<h1>The database does not answer</h1>"), "{}", fresh.text);
}

/// A migration that depends on the one before it.
fn step(number: usize) -> Migration {
    let id = |number| -> &'static str { format!("{number:04}_step").leak() };
    let needs: Vec<_> = (number > 0).then(|| id(number - 1)).into_iter().collect();
    let description = "A step of many, with a description of the usual length.";
    let registration = Registration {
        id: id(number),
        dependencies: needs.leak(),
        description,
        checksum: "t2:1",
        file: file!(),
        line: line!(),
        ..Registration::DEFAULT
    };
    Migration::new(Box::leak(Box::new(registration)))
}

#[tokio::test]
async fn a_thousand_migrations_take_two_commands() {
    let db = TestDb::new().await;
    let registry = (0..1_000).map(step).collect();
    let app = App::new(&Migrator::builder(db.database().clone()).registry(registry).build().unwrap());
    let _ = db.commands().take();
    let begun = std::time::Instant::now();
    let page = app.page(REPAIR, "").await;
    println!("1,000 pending migrations: {:?}, {} kB", begun.elapsed(), page.text.len() / 1024);
    assert_eq!(rows(&page).len(), 1_000);
    assert_eq!(db.commands().take(), ["find", "find"]);
}
