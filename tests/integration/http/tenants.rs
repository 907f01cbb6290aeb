//! Many databases, over HTTP.

use axum::http::StatusCode;
use mongodb::Database;
use mongrate::migrator::DatabaseFilter;
use mongrate::{Registry, Tx, migration};
use mongrate_admin::Admin;
use mongrate_tests::http::{App, OPERATE, READ, tokens};
use mongrate_tests::stored::{step, steps, tell, told};
use mongrate_tests::{Gate, TestDb, eventually};
use serde_json::{Value, json};

use super::story::{self, ROLES, SECRET, USERS};

/// Serves a database and all of its tenants.
fn serve(db: &TestDb) -> App {
    let filter = DatabaseFilter::prefix(db.tenants());
    let admin = Admin::new(&story::build(db), tokens());
    let admin = admin.tenants(db.client().clone(), filter, |builder| {
        builder.registry(Registry::linked().source("module:reads")).actor("tenants")
    });
    App::of(&admin.build())
}

fn names(page: &Value) -> Vec<&str> {
    page["tenants"].as_array().unwrap().iter().map(|tenant| tenant["database"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn counts_of_each_database() {
    let db = TestDb::new().await;
    let tenants: Vec<Database> = ["ana", "ben", "cleo"].map(|name| db.tenant(name)).into();
    story::build(&tenants[0]).up().await.unwrap();
    story::fail(&tenants[1]).await;
    story::build(&tenants[2]).up().only(USERS).await.unwrap();
    let app = serve(&db);
    let page = app.get(READ, "/tenants").await.value();
    assert_eq!(names(&page), tenants.iter().map(Database::name).collect::<Vec<_>>());
    assert_eq!((&page["total"], &page["next"]), (&json!(3), &Value::Null));
    let counts =
        |tenant: &Value| ["completed", "pending", "manual", "failed"].map(|name| tenant[name].as_u64().unwrap());
    let found: Vec<_> = page["tenants"].as_array().unwrap().iter().map(counts).collect();
    assert_eq!(found, [[3, 0, 1, 0], [1, 2, 1, 1], [1, 2, 1, 0]]);

    let failed = app.get(READ, "/tenants?failed=true").await.value();
    assert_eq!(names(&failed), [tenants[1].name()]);
    let others = app.get(READ, "/tenants?failed=false&limit=1").await.value();
    assert_eq!((names(&others), others["next"].as_str()), (vec![tenants[0].name()], Some(tenants[0].name())));
    let rest = app.get(READ, &format!("/tenants?failed=false&cursor={}", tenants[0].name())).await.value();
    assert_eq!((names(&rest), &rest["next"]), (vec![tenants[2].name()], &Value::Null));
    let found = app.get(READ, "/tenants?q=_T_BEN").await.value();
    assert_eq!((names(&found), &found["total"]), (vec![tenants[1].name()], &json!(1)));
}

#[tokio::test]
async fn every_path_exists_for_each_database() {
    let db = TestDb::new().await;
    let tenant = db.tenant("ana");
    story::fail(&tenant).await;
    let app = serve(&db);
    let of_tenant = |path: &str| format!("/tenants/{}{path}", tenant.name());
    let status = app.get(READ, &of_tenant("/status?state=failed")).await.value();
    assert_eq!(status["pending"][0]["id"], ROLES);
    let shown = app.get(READ, &of_tenant(&format!("/{ROLES}"))).await.value();
    assert_eq!(shown["executions"].as_array().unwrap().len(), 1);
    let history = app.get(OPERATE, &of_tenant("/history?status=failed")).await;
    assert!(history.text.contains(SECRET));
    assert!(!app.get(READ, &of_tenant("/history")).await.text.contains(SECRET));
    // The application's own database is another one.
    assert_eq!(app.get(READ, "/status").await.value()["totalCompleted"], 0);
    assert_eq!(
        app.get("no-such-token-of-32-characters-at-all", &of_tenant("/status")).await.status,
        StatusCode::UNAUTHORIZED
    );
}

static HELD: Gate = Gate::new();
static GOES: Gate = Gate::new();

#[migration(id = "001_held", source = "module:http-tenants")]
async fn held(tx: &mut Tx) -> Result<(), anyhow::Error> {
    if told(tx, "wait").await? {
        HELD.open();
        GOES.pass().await;
    }
    Ok(step(tx, "held").await?)
}

/// More than 256 databases in use: what is kept of the one that was not used for longest is forgotten, and created again when it is
/// used again. What is busy is kept.
#[tokio::test]
async fn only_so_many_databases_are_kept_and_each_works_afterwards() {
    let db = TestDb::new().await;
    let [idle, busy] = ["idle", "busy"].map(|name| db.tenant(name));
    tell(&busy, "wait").await;
    // None of the others exists; reading creates nothing.
    let others: Vec<_> = (0..256).map(|number| format!("{}{number}", db.tenants())).collect();
    let names = others.iter().cloned().chain([&idle, &busy].map(|database| database.name().to_owned()));
    let admin = Admin::new(&story::build(&db), tokens());
    let admin = admin.tenants(db.client().clone(), DatabaseFilter::named(names), |builder| {
        builder.registry(Registry::linked().source("module:http-tenants"))
    });
    let app = App::of(&admin.build());
    let at = |database: &Database, path: &str| format!("/tenants/{}{path}", database.name());

    assert_eq!(app.post(OPERATE, &at(&idle, "/up?dryRun=true"), &json!({})).await.status, StatusCode::OK);
    assert_eq!(app.get(OPERATE, &at(&idle, "/runs/d1")).await.status, StatusCode::OK);
    let run = app.prefer("respond-async", OPERATE, &at(&busy, "/up"), &json!({})).await;
    assert_eq!(run.status, StatusCode::ACCEPTED, "{}", run.text);
    HELD.pass().await;
    for name in &others {
        let status = app.get(READ, &format!("/tenants/{name}/status")).await;
        assert_eq!((status.status, &status.value()["totalPending"]), (StatusCode::OK, &json!(1)), "{name}");
    }

    // Only a process that started a run knows its plan.
    let run = app.get(READ, &at(&busy, "/runs/1")).await.value();
    assert_eq!((&run["state"], &run["planned"]), (&json!("running"), &json!(["module:http-tenants:001_held"])));
    GOES.open();
    assert_eq!(app.get(OPERATE, &at(&idle, "/runs/d1")).await.status, StatusCode::NOT_FOUND);
    let report = app.post(OPERATE, &at(&idle, "/up"), &json!({})).await;
    assert_eq!(report.status, StatusCode::OK, "{}", report.text);
    assert_eq!(steps(&idle).await, ["held"]);
    eventually("the end of the busy run", async || {
        (app.get(READ, &at(&busy, "/runs/1")).await.value()["state"] == "ended").then_some(())
    })
    .await;
    assert_eq!(steps(&busy).await, ["held"]);
}

#[tokio::test]
async fn unknown_databases_are_not_found_and_not_created() {
    let db = TestDb::new().await;
    let app = serve(&db);
    for name in [db.name(), "admin", "nothing", "%00", "%ff", ".."] {
        let answer = app.get(READ, &format!("/tenants/{name}/status")).await;
        assert!([StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST].contains(&answer.status), "{name}: {}", answer.text);
    }
    assert_eq!(app.get(READ, &format!("/tenants/{}/tenants", db.name())).await.status, StatusCode::NOT_FOUND);
    let without = App::new(&story::build(&db));
    assert_eq!(without.get(READ, "/tenants/a/status").await.status, StatusCode::NOT_FOUND);
    assert_eq!(without.get(READ, "/tenants").await.status, StatusCode::NOT_FOUND);
}
