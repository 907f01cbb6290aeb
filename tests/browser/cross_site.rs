//! Pages of somebody else, opened by whoever is signed in here.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use mongrate_tests::TestDb;
use mongrate_tests::http::OPERATE;
use mongrate_tests::stored::collections;

use crate::browser::Browser;
use crate::migrations::migrator;
use crate::served::Served;

#[tokio::test]
async fn a_form_on_another_port_is_refused_and_a_frame_stays_empty() {
    let db = TestDb::new().await;
    let served = Served::new(&migrator(&db, "shop").build().unwrap()).await;
    let mut browser = Browser::signed_in(&served, OPERATE).await;
    let lure = format!(
        "<!doctype html><title>A lure</title><link rel='icon' href='data:,'><iframe src='{}'></iframe>\
         <form method='post' action='{}'><button>Win a prize</button></form>",
        served.view(""),
        served.view("up")
    );
    let lure = Served::under("", Router::new().route("/", get(async move || Html(lure)))).await;
    browser.visit(&lure).await;
    browser.see("Win a prize").await;
    let log = browser.log().await;
    assert!(log.len() == 1 && log[0].message.contains("frame-ancestors"), "{log:?}");
    browser.press("Win a prize").await;
    browser.see("Not allowed").await;
    browser.refused(403).await;
    assert!(collections(&db).await.is_empty());
    browser.finish().await;
}
