//! Privilege slip: every route checks the level of its action, for every method and level.

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{Method, Request, StatusCode};
use mongrate::{Migrator, Tx, migration};
use mongrate_admin::{Action, Admin, Grant, Level};
use mongrate_tests::TestDb;
use mongrate_tests::http::{API, App, OPERATE, PAGE, READ, REPAIR, api, tokens};
use mongrate_tests::stored::{documents, migrator};

#[migration(id = "001_only", source = "module:http-levels")]
async fn only(_: &mut Tx) -> Result<(), mongodb::error::Error> {
    Ok(())
}

const ACTIONS: [Action; 12] = [
    Action::Look,
    Action::DryRun,
    Action::Up,
    Action::Stop,
    Action::Steer,
    Action::Draft,
    Action::Down,
    Action::Mark,
    Action::Baseline,
    Action::Accept,
    Action::Prune,
    Action::Unlock,
];

/// A route under the path where it is mounted.
#[derive(Clone, Debug)]
struct Row {
    method: Method,
    path: String,
    action: Option<Action>,
}

fn built(db: &TestDb) -> Migrator {
    migrator(db, "module:http-levels").build().unwrap()
}

/// All routes; HEAD is GET.
fn rows(admin: &Admin) -> Vec<Row> {
    let page = admin.page_routes().into_iter().map(|row| (PAGE, row));
    let api = admin.api_routes().into_iter().map(|row| (API, row));
    let mut rows = Vec::new();
    for (base, (method, path, action)) in page.chain(api) {
        let path = format!("{base}{path}")
            .replace("{id}", "nothing")
            .replace("{run}", "7")
            .replace(['{', '}'], "")
            .replace('}', "");
        if method == Method::GET {
            rows.push(Row { method: Method::HEAD, path: path.clone(), action });
        }
        rows.push(Row { method, path, action });
    }
    rows
}

fn request(row: &Row, token: Option<&str>) -> Request<Body> {
    let kind = if row.path.starts_with(PAGE) { "application/x-www-form-urlencoded" } else { "application/json" };
    let request = Request::builder().method(&row.method).uri(&row.path).header(HOST, "shop.example.com");
    let request = request.header("sec-fetch-site", "same-origin").header(CONTENT_TYPE, kind);
    let request =
        if let Some(token) = token { request.header(AUTHORIZATION, format!("Bearer {token}")) } else { request };
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn every_route_needs_the_level_of_its_action() {
    let db = TestDb::new().await;
    let admin = Admin::new(&built(&db), tokens()).build();
    let app = App::of(&admin);
    let mut cases = 0;
    for row in rows(&admin) {
        for token in [None, Some("another-token-of-at-least-32-characters")] {
            let (status, _) = app.outcome(request(&row, token)).await;
            match (row.action, row.path.starts_with(PAGE)) {
                (None, _) => assert!(!refused(status), "{row:?}: {status}"),
                // The page leads to its sign-in form.
                (Some(_), true) => assert_eq!(status, StatusCode::SEE_OTHER, "{row:?}"),
                (Some(_), false) => assert_eq!(status, StatusCode::UNAUTHORIZED, "{row:?}"),
            }
            cases += 1;
        }
        for (token, level) in [(READ, Level::Read), (OPERATE, Level::Operate), (REPAIR, Level::Repair)] {
            let (status, text) = app.outcome(request(&row, Some(token))).await;
            match row.action {
                Some(action) if action.level() > level => {
                    assert_eq!(status, StatusCode::FORBIDDEN, "{row:?} with {level}: {text}");
                    let needed = format!("level '{}' is needed to {action}", action.level());
                    assert!(
                        row.method == Method::HEAD || text.contains(&needed) || text.contains(&html(&needed)),
                        "{text}"
                    );
                }
                _ => assert!(!refused(status), "{row:?} with {level}: {status} {text}"),
            }
            cases += 1;
        }
    }
    assert!(cases >= 100, "only {cases} cases");
}

fn html(text: &str) -> String {
    text.replace('\'', "&#39;")
}

fn refused(status: StatusCode) -> bool {
    [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::METHOD_NOT_ALLOWED].contains(&status)
}

#[tokio::test]
async fn only_assets_and_sign_in_need_no_level() {
    let db = TestDb::new().await;
    let admin = Admin::new(&built(&db), tokens()).build();
    let open: Vec<_> =
        rows(&admin).into_iter().filter(|row| row.action.is_none() && row.method != Method::HEAD).collect();
    let open: Vec<_> = open.iter().map(|row| format!("{} {}", row.method, row.path.trim_start_matches(PAGE))).collect();
    let expected = [
        "GET /sign-in",
        "POST /session",
        "POST /sign-out",
        "POST /theme",
        "GET /app.css",
        "GET /app.js",
        "GET /icon.svg",
    ];
    assert_eq!(open, expected);
}

#[tokio::test]
async fn read_only_lowers_every_grant() {
    let db = TestDb::new().await;
    let admin = Admin::new(&built(&db), tokens()).read_only(true).build();
    let app = App::of(&admin);
    for row in rows(&admin) {
        let (status, text) = app.outcome(request(&row, Some(REPAIR))).await;
        if row.action.is_none_or(|action| action == Action::Look) {
            assert!(!refused(status), "{row:?}: {status} {text}");
        } else {
            assert_eq!(status, StatusCode::FORBIDDEN, "{row:?}");
            assert!(text.contains("read-only"), "{row:?}: {text}");
        }
    }
    assert!(documents(&db, "migrations").await.is_empty());
}

#[tokio::test]
async fn single_actions_can_be_excepted() {
    let db = TestDb::new().await;
    let migrator = built(&db);
    for excepted in ACTIONS {
        let admin = Admin::new(&migrator, move |_: &_| Grant::repair("ana").except([excepted])).build();
        let app = App::of(&admin);
        for row in rows(&admin).into_iter().filter(|row| row.method != Method::HEAD) {
            let (status, text) = app.outcome(request(&row, None)).await;
            if row.action == Some(excepted) {
                assert_eq!(status, StatusCode::FORBIDDEN, "{row:?} without {excepted:?}");
                assert!(text.contains(&format!("does not let ana {excepted}")), "{text}");
            } else {
                let is_forbidden = status == StatusCode::FORBIDDEN && row.action.is_some();
                assert!(!is_forbidden, "{row:?} without {excepted:?}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn a_method_cannot_be_overridden() {
    let db = TestDb::new().await;
    let app = App::new(&built(&db));
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let overridden = api(Method::GET, READ, "/status?_method=DELETE").header(name, "POST");
        let answer = app.send(overridden.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "an unknown parameter: {}", answer.text);
        let overridden = api(Method::GET, REPAIR, "/lock/release").header(name, "POST");
        let answer = app.send(overridden.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{}", answer.text);
    }
}

#[tokio::test]
async fn other_methods_are_405_with_the_ones_that_are_taken() {
    let db = TestDb::new().await;
    let app = App::new(&built(&db));
    for method in [Method::OPTIONS, Method::TRACE, Method::PUT, Method::PATCH, Method::POST] {
        let answer = app.send(api(method.clone(), REPAIR, "/status").body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.header("allow"), Some("GET,HEAD"), "{method}");
        assert_eq!(answer.value()["code"], "method-not-allowed");
    }
}
