//! The views of plans, runs, the history, the lock and the API.

use axum::http::StatusCode;
use axum::http::request::Parts;
use mongodb::bson::{DateTime, Document, doc, oid::ObjectId};
use mongrate::migrator::DatabaseFilter;
use mongrate::{Registry, Tx, migration};
use mongrate_admin::{Admin, Grant};
use mongrate_tests::http::{Answer, App, OPERATE, READ, REPAIR, tokens};
use mongrate_tests::stored::{count, fingerprint, migrator, step, steps, tell, told};
use mongrate_tests::{Gate, TestDb, eventually};
use serde_json::json;

use super::story::{self, SECRET};

const SOURCE: &str = "module:http-views";
const FIRST: &str = "module:http-views:001_first";
const SECOND: &str = "module:http-views:002_second";
const MANUAL: &str = "module:http-views:003_manual";

/// Adds the first step.
#[migration(id = "001_first", source = "module:http-views", down = undo)]
async fn first(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "first").await?)
}

#[migration(id = "002_second", source = "module:http-views", deps = ["module:http-views:001_first"], down = undo)]
async fn second(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "second").await?;
    anyhow::ensure!(!told(tx, "fail").await?, "told to <fail>");
    Ok(())
}

#[migration(id = "003_manual", source = "module:http-views", manual)]
async fn manual(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "manual").await?)
}

#[migration(id = "004_last", source = "module:http-views", deps = ["module:http-views:003_manual"])]
async fn last(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "last").await?)
}

async fn undo(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "undone").await?)
}

static GATE: Gate = Gate::new();

#[migration(id = "001_quick", source = "module:http-views-slow")]
async fn quick(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "quick").await?)
}

#[migration(id = "002_slow", source = "module:http-views-slow", deps = ["module:http-views-slow:001_quick"])]
async fn slow(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "slow").await?;
    GATE.pass().await;
    Ok(())
}

fn app(db: &TestDb) -> App {
    App::new(&migrator(db, SOURCE).build().unwrap())
}

/// The text of a view without its tags.
pub(super) fn words(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let main = answer.text.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
    let text: String =
        main.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text)).collect::<Vec<_>>().join(" ");
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The value of a hidden field.
fn field<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let start = format!("name=\"{name}\" value=\"");
    let found = answer.text.split_once(&start).unwrap_or_else(|| panic!("no field {name} in {}", answer.text));
    found.1.split('"').next().unwrap()
}

#[tokio::test]
async fn a_plan_shows_its_steps_what_is_left_out_and_the_form_that_confirms_it() {
    let db = TestDb::new().await;
    let app = app(&db);
    let plan = app.page(OPERATE, "plan").await;
    let text = words(&plan);
    assert!(text.contains(&format!("Run 2 migrations on {}?", db.name())), "{text}");
    assert!(text.contains(&format!("1 {FIRST} Pending Adds the first step. One transaction")), "{text}");
    assert!(
        text.contains(&format!("module:http-views:004_last , manual waits for {MANUAL}")) || text.contains("waits for"),
        "{text}"
    );
    assert!(text.contains("Run these 2"), "{text}");
    // The tag is that of the API, so that the API takes it, too.
    let api = app.get(OPERATE, "/plan").await;
    assert_eq!(api.header("etag").unwrap().trim_matches('"'), field(&plan, "plan"));

    let narrow = words(&app.page(OPERATE, "plan?only=module%3Ahttp-views%3A001_first").await);
    assert!(narrow.contains("Run 1 migration on") && narrow.contains("Run this one"), "{narrow}");
    assert!(narrow.contains("2 more pending migrations"), "{narrow}");
    // A manual migration runs when it is named.
    assert!(words(&app.page(OPERATE, &format!("plan?only={MANUAL}")).await).contains("Run this one"));

    let nothing = words(&app.page(REPAIR, "plan?verb=down").await);
    assert!(nothing.contains("Nothing to revert"), "{nothing}");
    for (query, status) in
        [("plan?only=module:http-views:001_frist", 404), ("plan?verb=sideways", 400), ("plan?onyl=x", 400)]
    {
        assert_eq!(app.page(OPERATE, query).await.status.as_u16(), status, "{query}");
    }
    assert_eq!(count(&db, "steps", doc! {}).await, 0);
}

#[tokio::test]
async fn whoever_may_only_look_sees_plans_and_locks_without_buttons() {
    let db = TestDb::new().await;
    let app = app(&db);
    for (token, view, shown) in [
        (READ, "plan", "This needs the level operate ; yours is read"),
        (OPERATE, "plan", "Run these 2"),
        (OPERATE, "plan?verb=down", "Nothing to revert"),
    ] {
        let text = words(&app.page(token, view).await);
        assert!(text.contains(shown), "{view}: {text}");
        assert_eq!(text.contains("Dry run"), shown.starts_with("Run"), "{view}: {text}");
    }
    app.post(OPERATE, "/up", &json!({})).await;
    let down = words(&app.page(OPERATE, "plan?verb=down").await);
    assert!(down.contains("This needs the level repair ; yours is operate"), "{down}");
    let read_only =
        Admin::new(&migrator(&db, SOURCE).build().unwrap(), |_: &Parts| Grant::repair("ana")).read_only(true);
    let text = words(&App::of(&read_only.build()).page(READ, "plan?verb=down").await);
    assert!(text.contains("This process is read-only."), "{text}");
    assert!(!text.contains("Revert this one"), "{text}");
}

#[tokio::test]
async fn production_asks_for_the_name_and_orphans_for_a_confirmation() {
    let db = TestDb::new().await;
    app(&db).post(OPERATE, "/up", &json!({ "only": [FIRST] })).await;
    let orphan = db.collection::<Document>("migrations").find_one(doc! { "_id": FIRST }).await.unwrap().unwrap();
    let orphan = orphan.into_iter().filter(|(key, _)| key != "_id").chain([("_id".to_owned(), "009_later<b>".into())]);
    db.collection::<Document>("migrations").insert_one(orphan.collect::<Document>()).await.unwrap();
    let production = App::new(&migrator(&db, SOURCE).environment("production").build().unwrap());
    let plan = production.page(OPERATE, "plan").await;
    let text = words(&plan);
    assert!(text.contains(&format!("Type {} to go on production", db.name())), "{text}");
    assert!(text.contains("Go on although this process does not know 009_later<b>"), "{text}");
    assert!(plan.text.contains("name=\"acknowledgeOrphans\" value=\"true\" required"), "{}", plan.text);
    assert!(!words(&app(&db).page(OPERATE, "plan").await).contains("production"));
}

#[tokio::test]
async fn a_dry_run_shows_its_operations_and_samples_with_the_plan_and_changes_nothing() {
    let db = TestDb::new().await;
    let app = app(&db);
    app.post(OPERATE, "/up", &json!({ "only": [FIRST] })).await;
    let before = fingerprint(&db).await;
    let answer = app.form(OPERATE, "dry-run", &[("verb", "up"), ("only", SECOND)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(answer.header("location"), Some("plan?verb=up&only=module%3Ahttp-views%3A002_second"));
    assert_eq!(fingerprint(&db).await, before);

    let text = words(&app.page(OPERATE, answer.header("location").unwrap()).await);
    assert!(text.contains("Dry run: 1 would be applied; nothing was changed."), "{text}");
    assert!(text.contains("insert_one steps 0 1"), "{text}");
    assert!(text.contains("+ name: \"second\""), "{text}");
    let run = words(&app.page(OPERATE, "run?id=d2").await);
    assert!(run.contains("Dry run d2 Ended") && run.contains("+ name: \"second\""), "{run}");
    // It quotes documents, so it is not for readers.
    for view in ["plan?verb=up&only=module%3Ahttp-views%3A002_second", "run?id=d2"] {
        let text = words(&app.page(READ, view).await);
        assert!(!text.contains("+ name"), "{view}: {text}");
    }
    assert_eq!(app.form(READ, "dry-run", &[("verb", "up")]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_run_is_seen_live_here_and_from_another_process_and_its_end_is_explained() {
    let db = TestDb::new().await;
    let source = "module:http-views-slow";
    let (here, there) =
        (App::new(&migrator(&db, source).build().unwrap()), App::new(&migrator(&db, source).build().unwrap()));
    let started = here.prefer("respond-async", OPERATE, "/up", &json!({ "because": "OPS-17" })).await;
    assert_eq!(started.status, StatusCode::ACCEPTED, "{}", started.text);
    let text = eventually("the second step", async || {
        let text = words(&here.page(READ, "run?id=1").await);
        text.contains("Running module:http-views-slow:002_slow").then_some(text)
    })
    .await;
    assert!(text.contains("Up by operator, OPS-17 , started"), "{text}");
    assert!(text.contains("1 of 2 done. You may close this tab; the run goes on."), "{text}");
    assert!(text.contains("Applied module:http-views-slow:001_quick"), "{text}");
    assert!(!text.contains("Stop"), "a reader cannot stop it: {text}");
    assert!(words(&here.page(OPERATE, "run?id=1").await).contains("Stop this run"));

    let elsewhere = words(&there.page(OPERATE, "run?id=1").await);
    assert!(elsewhere.contains("Run 1 Running") && elsewhere.contains("1 step recorded so far"), "{elsewhere}");
    let lock = words(&there.page(READ, "lock").await);
    assert!(lock.contains("The lock is held") && lock.contains("Alive expires in"), "{lock}");
    assert!(lock.contains("Last heartbeat") && lock.contains(" s ago"), "{lock}");
    assert!(lock.contains("This needs the level repair"), "{lock}");
    let busy = words(&there.page(OPERATE, "plan").await);
    assert!(busy.contains("Busy.") && busy.contains("See run 1"), "{busy}");

    GATE.open();
    let text = eventually("the end", async || {
        let text = words(&here.page(READ, "run?id=1").await);
        text.contains("Run 1 Ended").then_some(text)
    })
    .await;
    assert!(text.contains("Ended. Applied 2.") && text.contains("2 of 2 done."), "{text}");
    let elsewhere = words(&there.page(OPERATE, "run?id=1").await);
    assert!(elsewhere.contains("Run 1 Ended") && elsewhere.contains("2 steps recorded."), "{elsewhere}");
    assert!(words(&here.page(READ, "lock").await).contains("The lock is free"));
    for unknown in ["run?id=2", "run?id=x", "run?id=d1", "run?id=..%2f1"] {
        assert_eq!(here.page(READ, unknown).await.status, StatusCode::NOT_FOUND, "{unknown}");
    }
}

#[tokio::test]
async fn a_failed_run_shows_its_error_and_what_to_do() {
    let db = TestDb::new().await;
    let app = app(&db);
    tell(&db, "fail").await;
    app.post(OPERATE, "/up", &json!({})).await;
    let text = words(&app.page(OPERATE, "run?id=1").await);
    assert!(text.contains("Run 1 Failed"), "{text}");
    assert!(text.contains("told to <fail>"), "{text}");
    assert!(text.contains("Fix the cause, then plan again"), "{text}");
    let history = words(&app.page(OPERATE, "history?status=failed").await);
    assert!(history.contains(&format!("Up Failed {SECOND} Show error told to <fail>")), "{history}");
    assert!(history.contains("1 entry match"), "{history}");
}

#[tokio::test]
async fn a_lost_run_is_explained_and_its_lock_can_be_taken_over() {
    let db = TestDb::new().await;
    let app = app(&db);
    app.post(OPERATE, "/up", &json!({ "only": [FIRST] })).await;
    let ago = |seconds: i64| DateTime::from_millis(DateTime::now().timestamp_millis() - 1000 * seconds);
    let holder = doc! { "host": "shop-<7d9f>", "pid": 812_i64, "since": ago(300), "current": SECOND, "nonce": ObjectId::new(), "session": {} };
    let lease = doc! { "$set": { "holder": holder, "expiresAt": ago(200) }, "$inc": { "token": 1_i64 } };
    db.collection::<Document>("migrations_lock").update_one(doc! { "_id": "lease" }, lease).await.unwrap();

    let run = words(&app.page(READ, "run?id=2").await);
    assert!(run.contains("Run 2 Lost") && run.contains("shop-<7d9f>/812 (another process)"), "{run}");
    assert!(run.contains("The next run takes over: it resumes an interrupted &mut Schema migration"), "{run}");
    let lock = words(&app.page(OPERATE, "lock").await);
    assert!(lock.contains("The lock was left behind") && lock.contains("Expired"), "{lock}");
    assert!(lock.contains("Plan a run that takes over"), "{lock}");
    let plan = app.page(OPERATE, "plan").await;
    // Two heartbeats of an eighth of a minute, and 5 seconds.
    assert_eq!(field(&plan, "lockWaitMs"), "20000");
    assert!(words(&plan).contains("Left behind."), "{}", words(&plan));
    let release = app.page(REPAIR, "lock").await;
    let tag = app.get(REPAIR, "/lock").await.header("etag").unwrap().to_owned();
    assert_eq!(tag.trim_matches('"'), field(&release, "seen"));
    assert!(words(&release).contains("Release the lock"));

    // A plan from before the lease expired does not wait for it.
    let stale = [("verb", "up"), ("plan", field(&plan, "plan"))];
    let refused = app.form(OPERATE, "up", &stale).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert!(refused.text.contains("href=\"plan?verb=up\">Plan a run that takes over…"), "{}", refused.text);
    assert!(refused.text.contains("waits up to 20 s to make sure"), "{}", refused.text);
}

#[tokio::test]
async fn the_history_is_filtered_and_paged_without_shifting() {
    let db = TestDb::new().await;
    let app = app(&db);
    let empty = words(&app.page(READ, "history").await);
    assert!(empty.contains("Nothing has happened yet."), "{empty}");
    for because in ["OPS-17", "OPS-18"] {
        app.post(OPERATE, "/up", &json!({ "because": because })).await;
    }
    let all = words(&app.page(READ, "history").await);
    assert!(all.contains("2 entries."), "{all}");
    assert!(all.contains(&format!("Up Completed {FIRST}")) && all.contains("OPS-17"), "{all}");
    let runs = words(&app.page(READ, "history?act=run").await);
    assert!(runs.contains("1 entry match") && runs.contains("Run Completed run 1"), "{runs}");
    for (query, entries) in [
        ("history?migration=module%3Ahttp-views%3A001_first", "1 entry"),
        ("history?status=failed", "0 entries"),
        ("history?by=nobody", "0 entries"),
        ("history?source=module%3Ahttp-views", "2 entries"),
        ("history?since=2026-01-01&until=2026-01-02", "0 entries"),
        ("history?since=2026-01-01&until=", "2 entries"),
    ] {
        let text = words(&app.page(READ, query).await);
        assert!(text.contains(&format!("{entries} match")), "{query}: {text}");
        assert_eq!(text.contains("No entry matches. Clear filters"), entries.starts_with('0'), "{query}: {text}");
    }
    for (query, status) in
        [("history?act=x", 400), ("history?since=x", 400), ("history?cursor=x", 400), ("history?x=1", 400)]
    {
        assert_eq!(app.page(READ, query).await.status.as_u16(), status, "{query}");
    }

    // 60 older entries on two pages, while a new one comes in between.
    let entry = db.collection::<Document>("migrations_history").find_one(doc! { "act": "up" }).await.unwrap().unwrap();
    let copies = (0..60).map(|number| {
        let mut copy = entry.clone();
        copy.insert("_id", ObjectId::new());
        copy.insert("executedAt", DateTime::from_millis(1_700_000_000_000 - number));
        copy.insert("by", format!("writer-{number}."));
        copy
    });
    db.collection::<Document>("migrations_history").insert_many(copies).await.unwrap();
    let newest = app.page(READ, "history?act=up").await;
    assert!(newest.text.contains("writer-47.") && !newest.text.contains("writer-48."), "{}", words(&newest));
    let older =
        newest.text.split("href=\"").map(|part| part.split('"').next().unwrap()).find(|url| url.contains("cursor="));
    let older = older.unwrap().replace("&amp;", "&");
    app.post(REPAIR, "/up", &json!({ "only": [MANUAL] })).await;
    let older = app.page(READ, &older).await;
    assert!(older.text.contains("writer-48.") && !older.text.contains("writer-47."), "{}", words(&older));
    assert!(older.text.contains("writer-59.") && !older.text.contains("Load older"), "{}", words(&older));
    assert_eq!(steps(&db).await, ["first", "second", "manual"]);
}

#[tokio::test]
async fn errors_quote_no_values_to_readers_on_any_view() {
    let db = TestDb::new().await;
    let app = App::new(&story::fail(&db).await);
    for view in ["", "history", "run?id=1", "migration?id=module%3Areads%3A002_roles"] {
        let (hidden, shown) = (app.page(READ, view).await, app.page(OPERATE, view).await);
        assert!(words(&hidden).contains("dup key: ***") && !hidden.text.contains(SECRET), "{view}: {}", words(&hidden));
        assert!(shown.text.contains(SECRET), "{view}: {}", words(&shown));
    }
}

#[tokio::test]
async fn tenants_are_listed_failed_first_and_each_has_its_views() {
    let db = TestDb::new().await;
    let (ana, ben) = (db.tenant("ana"), db.tenant("ben"));
    story::build(&ana).up().await.unwrap();
    story::fail(&ben).await;
    let admin = Admin::new(&story::build(&db), tokens());
    let admin = admin.tenants(db.client().clone(), DatabaseFilter::prefix(db.tenants()), |builder| {
        builder.registry(Registry::linked().source("module:reads"))
    });
    let app = App::of(&admin.build());
    let list = app.page(OPERATE, "tenants").await;
    let text = words(&list);
    assert!(text.contains("2 databases."), "{text}");
    let place = |name: &str| text.find(name).unwrap_or_else(|| panic!("{name}: {text}"));
    assert!(place(ben.name()) < place(ana.name()), "{text}");
    assert!(text.contains(&format!("{} Failed 2 1 1 1 Run…", ben.name())), "{text}");
    assert!(text.contains(&format!("{} Up to date 0 0 1 3", ana.name())), "{text}");
    assert!(list.text.contains(&format!("href=\"./?database={}\"", ben.name())), "{}", list.text);
    assert!(!words(&app.page(READ, "tenants").await).contains("Run…"));
    let found = words(&app.page(READ, "tenants?q=ANA&failed=").await);
    assert!(found.contains("1 database with this name") && !found.contains(ben.name()), "{found}");
    assert!(words(&app.page(READ, "tenants?q=nobody").await).contains("No database matches. Clear filters"));

    // All links and forms of a tenant's view stay with the tenant.
    let plan = app.page(OPERATE, &format!("plan?database={}", ben.name())).await;
    assert!(words(&plan).contains(&format!("Run 2 migrations on {}?", ben.name())), "{}", words(&plan));
    let action = format!("up?database={}", ben.name());
    assert!(plan.text.contains(&format!("action=\"{action}\"")), "{}", plan.text);
    let answer = app.form(OPERATE, &action, &[("verb", "up"), ("plan", field(&plan, "plan"))]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let run = answer.header("location").unwrap().to_owned();
    assert!(run.ends_with(&format!("database={}", ben.name())), "{run}");
    eventually("the end", async || words(&app.page(READ, &run).await).contains("Ended. Applied 2.").then_some(()))
        .await;
    assert_eq!(count(&ben, "migrations", doc! { "status": "completed" }).await, 3);
    assert_eq!(app.page(READ, "lock?database=another").await.status, StatusCode::NOT_FOUND);
    assert_eq!(App::new(&story::build(&db)).page(READ, "tenants").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_api_view_has_a_request_for_each_route() {
    let db = TestDb::new().await;
    let app = app(&db);
    let answer = app.page(READ, "api").await;
    let text = words(&answer);
    assert!(text.contains("BASE= ./../../api/admin/migrations TOKEN="), "{text}");
    assert!(answer.text.contains("href=\"./../../api/admin/migrations/openapi.json\""), "{}", answer.text);
    let document = app.get(READ, "/openapi.json").await.value();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in
            methods.as_object().unwrap().keys().filter(|key| ["get", "post", "delete"].contains(&key.as_str()))
        {
            let request = format!("{} {}", method.to_uppercase(), path.trim_start_matches('/'));
            assert!(text.contains(&request), "{request}: {text}");
        }
    }
    let alone = Admin::new(&migrator(&db, SOURCE).build().unwrap(), |_: &Parts| Grant::read("ana")).build();
    let page: axum::Router = alone.page_at(mongrate_tests::http::PAGE);
    let text = words(&App(page, app.1.clone()).page(READ, "api").await);
    assert!(text.contains("The API is not mounted in this application."), "{text}");
}
