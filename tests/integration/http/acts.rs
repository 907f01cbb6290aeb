//! The page's forms.

use axum::http::StatusCode;
use mongodb::bson::doc;
use mongrate::{Tx, migration};
use mongrate_tests::TestDb;
use mongrate_tests::http::{App, OPERATE, READ, REPAIR};
use mongrate_tests::stored::{count, migrator, status, step, steps};

#[migration(id = "001_first", source = "plugin:http-acts", down = undo)]
async fn first(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "first").await?)
}

async fn undo(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "undone").await?)
}

const FIRST: &str = "plugin:http-acts:001_first";

async fn tag(app: &App, path: &str) -> String {
    app.get(READ, path).await.header("etag").unwrap().trim_matches('"').to_owned()
}

#[tokio::test]
async fn a_form_runs_what_was_shown_and_leads_to_the_run() {
    let db = TestDb::new().await;
    let app = App::new(&migrator(&db, "plugin:http-acts").build().unwrap());
    let plan = tag(&app, "/plan").await;
    let stale = app.form(OPERATE, "up", &[("plan", "0000"), ("verb", "up")]).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    assert!(
        stale.text.contains("The plan has changed") && stale.text.contains("href=\"plan?verb=up\""),
        "{}",
        stale.text
    );
    assert_eq!(app.form(READ, "up", &[("plan", &plan)]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        app.form(OPERATE, "up", &[("plan", &plan), ("plam", "x")]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(count(&db, "migrations", doc! {}).await, 0);

    let fields = [
        ("plan", plan.as_str()),
        ("verb", "up"),
        ("only", ""),
        ("to", ""),
        ("because", "OPS-17"),
        ("continueOnError", "on"),
    ];
    let answer = app.form(OPERATE, "up", &fields).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, Some("run?id=1")),
        "{}",
        answer.text
    );
    mongrate_tests::eventually("the run to end", async || {
        (app.get(READ, "/runs/1").await.value()["state"] == "ended").then_some(())
    })
    .await;
    assert_eq!(count(&db, "migrations_history", doc! { "act": "up", "because": "OPS-17" }).await, 1);

    let down = tag(&app, "/plan?verb=down").await;
    let answer = app.form(REPAIR, "down", &[("plan", &down)]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "a down needs a reason");
    let plan = "plan?verb=up&only=plugin%3Ahttp-acts%3A001_first";
    let answer = app.form(OPERATE, "dry-run", &[("only", FIRST)]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some(plan)));
    let answer = app.form(OPERATE, "stop", &[("id", "1")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn forms_change_records_and_release_the_lock() {
    let db = TestDb::new().await;
    let app = App::new(&migrator(&db, "plugin:http-acts").build().unwrap());
    let seen = tag(&app, "/status").await;
    let answer = app.form(REPAIR, "mark-applied", &[("id", FIRST), ("seen", &seen), ("because", "by hand")]).await;
    let view = "migration?id=plugin%3Ahttp-acts%3A001_first";
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some(view)), "{}", answer.text);
    assert_eq!(status(&db, FIRST).await, "completed");
    let answer = app.form(REPAIR, "mark-pending", &[("id", FIRST), ("seen", &seen), ("because", "x")]).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    let lock = tag(&app, "/lock").await;
    let answer = app.form(REPAIR, "unlock", &[("seen", &lock), ("because", "x")]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some("lock")), "{}", answer.text);
    assert!(steps(&db).await.is_empty());
}

#[tokio::test]
async fn in_production_the_name_of_the_database_is_typed() {
    let db = TestDb::new().await;
    let app = App::new(&migrator(&db, "plugin:http-acts").environment("production").build().unwrap());
    let plan = tag(&app, "/plan").await;
    for confirm in ["", "shop"] {
        let answer = app.form(OPERATE, "up", &[("plan", &plan), ("confirm", confirm)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains(db.name()), "{}", answer.text);
    }
    assert_eq!(count(&db, "migrations", doc! {}).await, 0);
    let answer = app.form(OPERATE, "up", &[("plan", &plan), ("confirm", db.name())]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
}
