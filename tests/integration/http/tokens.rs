//! Access by shared tokens.

use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{Request, StatusCode};
use mongrate_admin::{Admin, Level, Tokens, TokensError};
use mongrate_tests::TestDb;
use mongrate_tests::http::{API, App, READ, REPAIR};
use mongrate_tests::stored::migrator;

use crate::logs::Logs;

const WRONG: &str = "another-token-of-at-least-32-characters";

async fn status(app: &App, headers: &[(&str, &str)]) -> StatusCode {
    let request = Request::get(format!("{API}/status")).header(HOST, "shop.example.com");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    app.send(request.body(Body::empty()).unwrap()).await.status
}

#[tokio::test]
async fn a_token_is_taken_from_two_headers_and_nowhere_else() {
    let db = TestDb::new().await;
    let app = App::new(&migrator(&db, "module:http-levels").build().unwrap());
    let (bearer, basic) = (format!("Bearer {READ}"), "Basic cmVhZGVyOnJlYWQ=");
    let lower = format!("bearer {READ}");
    for headers in [
        [("authorization", bearer.as_str())].as_slice(),
        &[("authorization", &lower)],
        &[("x-admin-token", READ)],
        &[("authorization", basic), ("x-admin-token", READ)],
    ] {
        assert_eq!(status(&app, headers).await, StatusCode::OK, "{headers:?}");
    }
    let (half, twice) = (&READ[..READ.len() - 1], format!("{READ}{READ}"));
    let cookie = format!("mongrate={READ}");
    for headers in [
        [].as_slice(),
        &[("authorization", READ)],
        &[("authorization", "Bearer ")],
        &[("authorization", basic)],
        &[("x-admin-token", half)],
        &[("x-admin-token", &twice)],
        &[("x-admin-token", "")],
        &[("cookie", &cookie)],
        // The first one counts, and a wrong one is not made up for.
        &[("authorization", "Bearer wrong"), ("x-admin-token", READ)],
        &[("authorization", "Bearer wrong"), ("authorization", &bearer)],
    ] {
        assert_eq!(status(&app, headers).await, StatusCode::UNAUTHORIZED, "{headers:?}");
    }
    let request = Request::get(format!("{API}/status?token={READ}")).header(HOST, "shop.example.com");
    assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_may_be_replaced_under_its_name() {
    let db = TestDb::new().await;
    let tokens = Tokens::new().add("admin", Level::Read, READ).unwrap().add("admin", Level::Repair, REPAIR).unwrap();
    let app = App::of(&Admin::new(&migrator(&db, "module:http-levels").build().unwrap(), tokens).build());
    for token in [READ, REPAIR] {
        assert_eq!(app.get(token, "/status").await.status, StatusCode::OK);
    }
    let answer = app.post(READ, "/up", &serde_json::json!({})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "each keeps its level: {}", answer.text);
}

#[test]
fn guessing_is_hopeless_because_short_tokens_are_refused() {
    let refused = |token: &str| Tokens::new().add("ana", Level::Read, token).unwrap_err();
    let short = refused(&"x".repeat(31));
    assert_eq!(short, TokensError::TooShort { name: "ana".to_owned(), length: 31 });
    assert!(short.to_string().contains("'ana' has 31 characters; it needs at least 32"), "{short}");
    assert_eq!(refused(&format!("{}\n", "x".repeat(31))), short, "a line break is no character of it");
    for token in [&"ü".repeat(32), "a token with spaces, of at least 32 characters"] {
        assert_eq!(refused(token), TokensError::NotSendable { name: "ana".to_owned() });
    }
    Tokens::new().add("ana", Level::Read, "x".repeat(32)).unwrap();
    let missing = Tokens::from_env("MONGRATE_TESTS_NO_SUCH_VARIABLE").unwrap_err();
    assert!(missing.to_string().contains("MONGRATE_TESTS_NO_SUCH_VARIABLE"), "{missing}");
}

#[tokio::test]
async fn credentials_are_in_no_debug_output() {
    let tokens = Tokens::new().add("ana", Level::Read, READ).unwrap();
    let db = TestDb::new().await;
    let builder = Admin::new(&migrator(&db, "module:http-levels").build().unwrap(), tokens.clone());
    let shown = format!("{tokens:?} {builder:?}");
    let shown = format!("{shown} {:?}", builder.build());
    assert!(shown.contains("ana") && !shown.contains(READ), "{shown}");
    // Nor as the hash, which is the key of the cookies.
    assert!(!shown.contains("hash"), "{shown}");
}

#[tokio::test]
async fn brute_force_is_logged_at_most_once_a_second_with_a_count() {
    let logs = Logs::default();
    let _guard = tracing::subscriber::set_default(logs.subscriber());
    let db = TestDb::new().await;
    let app = App::new(&migrator(&db, "module:http-levels").build().unwrap());
    let begin = std::time::Instant::now();
    for _ in 0..1_000 {
        assert_eq!(app.get(WRONG, "/status").await.status, StatusCode::UNAUTHORIZED);
    }
    // Nothing was tried here.
    assert_eq!(status(&app, &[]).await, StatusCode::UNAUTHORIZED);
    let counts = || -> Vec<u64> {
        let text = logs.text();
        let lines = text.lines().filter(|line| line.contains("refused credentials"));
        lines.map(|line| line.split("count=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()).collect()
    };
    mongrate_tests::eventually("all refusals are logged", async || {
        (counts().iter().sum::<u64>() >= 1_000).then_some(())
    })
    .await;
    let (counts, seconds) = (counts(), begin.elapsed().as_secs());
    assert_eq!(counts.iter().sum::<u64>(), 1_000, "{counts:?}");
    assert_eq!(counts[0], 1, "the first one is logged at once");
    assert!(counts.len() as u64 <= seconds + 2, "{counts:?} in {seconds} s");
    assert!(!logs.text().contains(WRONG));
}
