//! The streams of events.

use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, StatusCode};
use futures_util::StreamExt;
use mongrate::__private::{Down, Registration};
use mongrate::{Kind, Migration, Migrator, Registry, Tx, migration};
use mongrate_admin::Admin;
use mongrate_tests::TestDb;
use mongrate_tests::http::{App, OPERATE, READ, api, tokens};
use mongrate_tests::stored::{migrator, step};
use serde_json::json;
use tokio::time::timeout;

#[migration(id = "001_many", source = "module:http-events")]
async fn many(tx: &mut Tx) -> Result<(), anyhow::Error> {
    for _ in 0..50 {
        step(tx, "many").await?;
    }
    Ok(())
}

const EVENTS: &str = "/api/admin/migrations/events";

/// A stream that is being read.
struct Reader {
    body: BodyDataStream,
    read: String,
}

impl Reader {
    async fn open(app: &App, path: &str, last: Option<&str>) -> Self {
        let mut request = api(Method::GET, READ, "").uri(path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = app.raw(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self { body: response.into_body().into_data_stream(), read: String::new() }
    }

    /// Reads until this text has come. Returns everything so far.
    async fn until(&mut self, text: &str) -> &str {
        while !self.read.contains(text) {
            let chunk = timeout(Duration::from_secs(15), self.body.next()).await;
            let chunk = chunk.unwrap_or_else(|_| panic!("no '{text}' in {}", self.read)).expect("the stream has ended");
            self.read.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
        &self.read
    }

    /// Reads to the end.
    async fn rest(mut self) -> String {
        while let Some(chunk) = timeout(Duration::from_secs(25), self.body.next()).await.expect("the stream goes on") {
            self.read.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
        self.read
    }
}

#[tokio::test]
async fn viewers_see_each_step_and_come_back_where_they_were() {
    let db = TestDb::new().await;
    let app = App::new(&migrator(&db, "module:http-events").build().unwrap());
    let other = App::new(&migrator(&db, "module:http-events").build().unwrap());
    let mut here = Reader::open(&app, EVENTS, None).await;
    let mut there = Reader::open(&other, EVENTS, None).await;
    for reader in [&mut here, &mut there] {
        let read = reader.until("\"pending\":1").await;
        assert!(read.starts_with("retry: ") || read.starts_with(':'), "{read}");
    }
    app.post(OPERATE, "/up", &json!({})).await;
    let read = here.until("\"outcome\":\"applied\"").await.to_owned();
    assert!(read.contains("event: step") && read.contains("\"outcome\":\"started\""), "{read}");
    let operations = read.matches("event: operation").count();
    assert!((1..50).contains(&operations), "{operations}");
    assert!(!read.contains("sample"), "{read}");
    // Another process sees it in the database.
    there.until("\"completed\":1").await;

    // Who comes back gets what came after the last event, and nothing again.
    let ids: Vec<_> = read.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    let started = read[..read.find("started").unwrap()].matches("id: ").count();
    let mut again = Reader::open(&app, EVENTS, Some(ids[started - 1])).await;
    let read = again.until("\"outcome\":\"applied\"").await;
    assert!(!read.contains("\"outcome\":\"started\""), "{read}");
    let mut unknown = Reader::open(&app, EVENTS, Some("00000000-1")).await;
    unknown.until("event: state").await;
}

#[tokio::test]
async fn sixty_four_streams_cost_one_read_a_second_and_end_with_the_admin() {
    let db = TestDb::new().await;
    let admin = Admin::new(&migrator(&db, "module:http-events").build().unwrap(), tokens()).build();
    let app = App::of(&admin);
    let mut readers = Vec::new();
    for _ in 0..64 {
        readers.push(Reader::open(&app, EVENTS, None).await);
    }
    let refused = app.get(READ, "/events").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.header("retry-after").is_some());
    readers[63].until("event: state").await;
    let _ = db.commands().take();
    let begin = Instant::now();
    // Heartbeats come at the beginning, and after ten seconds.
    readers[0].until("retry: ").await;
    tokio::time::timeout(Duration::from_secs(5), readers[0].until("event: never")).await.unwrap_err();
    let reads: usize = db.commands().count().values().sum();
    let seconds = begin.elapsed().as_secs();
    assert!(reads >= 2 && reads as u64 <= seconds + 3, "{reads} commands in {seconds} s");

    admin.close().await;
    let end = Instant::now();
    for reader in readers {
        let read = reader.rest().await;
        assert!(read.contains("event: gone"), "{read}");
    }
    assert!(end.elapsed() < Duration::from_secs(10));
    // Nobody watches, so nothing is read.
    tokio::time::timeout(Duration::from_secs(3), std::future::pending::<()>()).await.unwrap_err();
    let _ = db.commands().take();
    tokio::time::timeout(Duration::from_secs(3), std::future::pending::<()>()).await.unwrap_err();
    assert!(db.commands().take().is_empty());
}

/// A migration that does nothing, in place of the macro's static.
fn leak(number: usize) -> Migration {
    Migration::new(Box::leak(Box::new(Registration {
        id: format!("{number:04}_step").leak(),
        checksum: "t2:1",
        up: &Down { kind: Kind::Tx, body: |_| Box::pin(async { Ok(()) }) },
        ..Registration::DEFAULT
    })))
}

#[tokio::test]
async fn a_slow_reader_that_is_256_events_behind_is_dropped() {
    let db = TestDb::new().await;
    // Two events each.
    let registry: Registry = (0..150).map(leak).collect();
    let app = App::new(&Migrator::builder(db.clone()).registry(registry).build().unwrap());
    let opened = Instant::now();
    let mut slow = Reader::open(&app, EVENTS, None).await;
    let mut fast = Reader::open(&app, EVENTS, None).await;
    slow.until("\"pending\":150").await;
    let fast = tokio::spawn(async move { fast.until("\"completed\":150").await.to_owned() });
    let answer = app.post(OPERATE, "/up", &json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let read = fast.await.unwrap();
    assert_eq!(read.matches("\"outcome\":\"applied\"").count(), 150);

    let read = slow.rest().await;
    assert!(opened.elapsed() < Duration::from_secs(19), "too slow to tell from the end of every stream");
    assert!(!read.contains("event: step") && !read.contains("event: gone"), "{read}");
    // It comes back with the last event that it got, and reads the newest state instead of what it missed.
    let last = read.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap();
    let mut again = Reader::open(&app, EVENTS, Some(last)).await;
    let read = again.until("\"completed\":150").await;
    assert!(!read.contains("event: step"), "{read}");
}

#[tokio::test]
async fn the_page_hears_only_that_something_has_changed_and_comes_back_after_20_seconds() {
    let db = TestDb::new().await;
    let app = App::new(&migrator(&db, "module:http-events").build().unwrap());
    let begin = Instant::now();
    let mut reader = Reader::open(&app, "/system/database/events", None).await;
    reader.until(":").await;
    app.post(OPERATE, "/up", &json!({})).await;
    reader.until("event: changed").await;
    let read = reader.rest().await;
    assert!(begin.elapsed() >= Duration::from_secs(19), "{:?}", begin.elapsed());
    assert!(!read.contains("event: s") && !read.contains("event: o") && !read.contains("outcome"), "{read}");
    // A heartbeat at the beginning, and one after ten seconds.
    assert!(read.matches("\n:").count() + usize::from(read.starts_with(':')) >= 2, "{read}");
}
