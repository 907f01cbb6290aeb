//! Applying in the databases of all tenants, from the page.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::{Method, StatusCode};
use futures_util::StreamExt;
use mongodb::Database;
use mongodb::bson::doc;
use mongrate::migrator::DatabaseFilter;
use mongrate::{Registry, Tx, migration};
use mongrate_admin::Admin;
use mongrate_tests::http::{App, OPERATE, READ, api, tokens};
use mongrate_tests::stored::{count, documents, lease_is_free, step, steps, tell, told};
use mongrate_tests::{Gate, TestDb, eventually};

use super::story;

static BEGUN: AtomicUsize = AtomicUsize::new(0);
static GOES: Gate = Gate::new();
static HELD: Gate = Gate::new();

#[migration(id = "001_all", source = "module:http-up-all")]
async fn all(tx: &mut Tx) -> Result<(), anyhow::Error> {
    if !told(tx, "fail").await? {
        BEGUN.fetch_add(1, Ordering::SeqCst);
        GOES.pass().await;
    }
    anyhow::ensure!(!told(tx, "fail").await?, "told to");
    Ok(step(tx, "applied").await?)
}

#[migration(id = "001_held", source = "module:http-up-all-closed")]
async fn held(tx: &mut Tx) -> Result<(), anyhow::Error> {
    step(tx, "begun").await?;
    HELD.open();
    std::future::pending().await
}

fn serve(db: &TestDb, source: &'static str) -> Admin {
    let admin = Admin::new(&story::build(db), tokens());
    let filter = DatabaseFilter::prefix(db.tenants());
    let admin = admin.tenants(db.client().clone(), filter, move |builder| {
        builder.registry(Registry::linked().source(source)).environment("production")
    });
    admin.build()
}

/// Databases of tenants, which exist.
async fn tenants(db: &TestDb, number: usize) -> Vec<Database> {
    let tenants: Vec<_> = (0..number).map(|number| db.tenant(&format!("{number:02}"))).collect();
    for tenant in &tenants {
        tenant.collection("shops").insert_one(doc! { "_id": 1 }).await.unwrap();
    }
    tenants
}

#[tokio::test]
async fn all_databases_are_migrated_eight_at_a_time_once_their_number_is_typed() {
    let db = TestDb::new().await;
    let tenants = tenants(&db, 12).await;
    tell(&tenants[11], "fail").await;
    let app = App::of(&serve(&db, "module:http-up-all"));
    assert!(app.page(OPERATE, "tenants").await.text.contains("Apply in all 12 databases"));
    for (token, view) in [(READ, "tenants"), (OPERATE, "tenants?q=0")] {
        assert!(!app.page(token, view).await.text.contains("Apply in all"), "{view}");
    }
    for typed in ["", "11", "012", "all"] {
        let answer = app.form(OPERATE, "up-all", &[("count", typed)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(answer.text.contains("number of databases is 12"), "{}", answer.text);
    }
    assert_eq!(app.form(READ, "up-all", &[("count", "12")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(BEGUN.load(Ordering::SeqCst), 0);

    let events = api(Method::GET, READ, "/events").body(Body::empty()).unwrap();
    let mut events = app.raw(events).await.into_body().into_data_stream();
    let answer = app.form(OPERATE, "up-all", &[("count", " 12 "), ("because", "OPS-20")]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some("tenants")));
    eventually("eight bodies", async || (BEGUN.load(Ordering::SeqCst) == 8).then_some(())).await;
    let page = app.page(OPERATE, "tenants").await;
    assert!(page.text.contains("<b>0 of 12</b> done") && !page.text.contains("Apply in all"), "{}", page.text);
    let second = app.form(OPERATE, "up-all", &[("count", "12")]).await;
    assert_eq!(second.status, StatusCode::CONFLICT, "{}", second.text);
    assert_eq!(BEGUN.load(Ordering::SeqCst), 8);

    (0..11).for_each(|_| GOES.open());
    let page = eventually("the end", async || {
        let page = app.page(OPERATE, "tenants").await;
        page.text.contains("<b>12 of 12</b> done, <b>1</b> failed").then_some(page)
    })
    .await;
    assert!(page.text.contains(tenants[11].name()) && page.text.contains("told to"), "{}", page.text);
    for tenant in &tenants[..11] {
        assert_eq!(steps(tenant).await, ["applied"], "{}", tenant.name());
        let entries = doc! { "act": "up", "because": "OPS-20", "by": "operator" };
        assert_eq!(
            count(tenant, "migrations_history", entries).await,
            1,
            "{:?}",
            documents(tenant, "migrations_history").await
        );
    }
    assert!(steps(&tenants[11]).await.is_empty());
    let mut read = String::new();
    while !read.contains("event: tenants") {
        read.push_str(std::str::from_utf8(&events.next().await.expect("the stream has ended").unwrap()).unwrap());
    }
    // It can be done again.
    let answer = app.form(OPERATE, "up-all", &[("count", "12")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    eventually("the end of another one", async || {
        app.page(READ, "tenants").await.text.contains("<b>12 of 12</b> done").then_some(())
    })
    .await;
}

#[tokio::test]
async fn close_stops_it_and_begins_no_other_database() {
    let db = TestDb::new().await;
    let tenants = tenants(&db, 10).await;
    let admin = serve(&db, "module:http-up-all-closed");
    let app = App::of(&admin);
    app.form(OPERATE, "up-all", &[("count", "10")]).await;
    for _ in 0..8 {
        HELD.pass().await;
    }
    admin.close().await;
    eventually("the end", async || {
        app.page(READ, "tenants").await.text.contains("<b>10 of 10</b> done, <b>10</b> failed").then_some(())
    })
    .await;
    for (number, tenant) in tenants.iter().enumerate() {
        assert!(steps(tenant).await.is_empty(), "{}", tenant.name());
        let has_lock = count(tenant, "migrations_lock", doc! {}).await > 0;
        assert!(if number < 8 { lease_is_free(tenant).await } else { !has_lock }, "{}", tenant.name());
    }
    let began = tenants.iter().map(|tenant| count(tenant, "migrations_history", doc! { "act": "run" }));
    assert_eq!(futures_util::future::join_all(began).await.into_iter().sum::<u64>(), 8);
    let answer = app.get(READ, &format!("/tenants/{}/status", tenants[0].name())).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
}
