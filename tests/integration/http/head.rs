//! HEAD is GET without the body.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use mongrate_admin::Admin;
use mongrate_tests::TestDb;
use mongrate_tests::http::{API, Answer, App, PAGE, READ, tokens};

use super::story::{self, USERS};

/// A path of the table with values for its placeholders and the view's query.
fn concrete(base: &str, path: &str) -> String {
    let query = match path {
        "/migration" => format!("?id={USERS}"),
        "/run" => "?id=1".to_owned(),
        _ => String::new(),
    };
    format!("{base}{path}{query}").replace("{id}", USERS).replace("{run}", "1")
}

fn request(method: Method, path: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header("host", "shop.example.com");
    request.header("x-admin-token", READ).body(Body::empty()).unwrap()
}

fn headers(answer: &Answer) -> [Option<&str>; 4] {
    ["content-type", "cache-control", "etag", "location"].map(|name| answer.header(name))
}

#[tokio::test]
async fn every_get_route_and_probe_answers_head_with_the_same_headers_and_no_body() {
    let db = TestDb::new().await;
    let migrator = story::build(&db);
    migrator.up().await.unwrap();
    let admin = Admin::new(&migrator, tokens()).build();
    let app = App::of(&admin);
    let page = admin.page_routes().into_iter().map(|(method, path, _)| (method, concrete(PAGE, path)));
    let api = admin.api_routes().into_iter().map(|(method, path, _)| (method, concrete(API, path)));
    let rows = page.chain(api).filter(|(method, path)| method == Method::GET && !path.ends_with("/events"));
    let paths: Vec<_> =
        rows.map(|(_, path)| path).chain(["/livez", "/readyz", "/readyz?verbose"].map(str::to_owned)).collect();
    assert!(paths.len() > 30, "{paths:?}");
    for path in paths {
        let [get, head] = [Method::GET, Method::HEAD].map(|method| app.send(request(method, &path)));
        let (get, head) = (get.await, head.await);
        assert_eq!((head.status, headers(&head)), (get.status, headers(&get)), "{path}");
        assert!(head.text.is_empty(), "{path}: {}", head.text);
        let expected = match path.rsplit('/').next() {
            // It is no backfill.
            Some(USERS | "skipped") if path.contains("/backfills/") => StatusCode::NOT_FOUND,
            // There are none.
            Some("tenants") => StatusCode::NOT_FOUND,
            // The token signs in already.
            Some("sign-in") => StatusCode::SEE_OTHER,
            _ => StatusCode::OK,
        };
        assert_eq!(get.status, expected, "{path}: {}", get.text);
    }
}

/// The streams have no end, so that a body would be waited for.
#[tokio::test]
async fn head_of_a_stream_takes_no_place_among_the_streams() {
    let db = TestDb::new().await;
    let app = App::new(&story::build(&db));
    for base in [API, PAGE] {
        for _ in 0..65 {
            let head = app.send(request(Method::HEAD, &format!("{base}/events"))).await;
            assert_eq!((head.status, head.header("content-type")), (StatusCode::OK, Some("text/event-stream")));
            assert!(head.text.is_empty());
        }
    }
}
