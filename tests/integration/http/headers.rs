//! The headers of every answer: framing, sniffing, cross-origin reads and caches.

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{Method, Request, StatusCode};
use mongrate_admin::{Admin, Tokens};
use mongrate_tests::TestDb;
use mongrate_tests::http::{API, Answer, App, PAGE, READ, REPAIR};
use mongrate_tests::stored::migrator;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

fn app(db: &TestDb) -> App {
    App::new(&migrator(db, "module:http-levels").build().unwrap())
}

async fn send(app: &App, method: &Method, path: &str, token: Option<&str>) -> Answer {
    let request = Request::builder().method(method).uri(path).header(HOST, "shop.example.com");
    let request =
        if let Some(token) = token { request.header(AUTHORIZATION, format!("Bearer {token}")) } else { request };
    let request = request.header("origin", "https://evil.test").header("sec-fetch-site", "cross-site");
    app.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn clickjacking_sniffing_and_cross_origin_reads_are_prevented_by_every_answer() {
    let db = TestDb::new().await;
    let app = app(&db);
    let under = |base: &str, path: &str| format!("{base}{path}");
    for (method, path, token, status) in [
        (Method::GET, under(PAGE, "/"), Some(READ), 200),
        (Method::HEAD, under(PAGE, "/"), Some(READ), 200),
        (Method::GET, under(PAGE, "/"), None, 303),
        (Method::GET, under(PAGE, ""), None, 308),
        (Method::GET, under(PAGE, "/sign-in"), None, 200),
        (Method::GET, under(PAGE, "/nothing"), None, 404),
        (Method::PUT, under(PAGE, "/"), Some(READ), 405),
        (Method::POST, under(PAGE, "/session"), None, 403),
        (Method::GET, under(PAGE, "/app.css"), None, 200),
        (Method::GET, under(PAGE, "/app.js"), None, 200),
        (Method::GET, under(PAGE, "/icon.svg"), None, 200),
        (Method::GET, under(API, "/status"), Some(READ), 200),
        (Method::HEAD, under(API, "/status"), Some(READ), 200),
        (Method::GET, under(API, "/status"), None, 401),
        (Method::GET, under(API, "/status?x=1"), Some(READ), 400),
        (Method::POST, under(API, "/up"), Some(READ), 403),
        (Method::POST, under(API, "/down"), Some(REPAIR), 428),
        (Method::GET, under(API, "/no/such/path"), Some(READ), 404),
        (Method::OPTIONS, under(API, "/up"), Some(READ), 405),
    ] {
        let answer = send(&app, &method, &path, token).await;
        let name = format!("{method} {path}");
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.text);
        for (header, value) in [
            ("content-security-policy", POLICY),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            let values: Vec<_> = answer.headers.get_all(header).iter().collect();
            assert_eq!(values, [value], "{header} of {name}");
        }
        assert!(answer.headers.keys().all(|header| !header.as_str().starts_with("access-control-")), "{name}");
        assert!(answer.headers.contains_key("x-mongrate-process"), "{name}");
        let is_asset = [".css", ".js", ".svg"].iter().any(|end| path.ends_with(end));
        let (cache, vary) =
            if is_asset { ("public, max-age=31536000, immutable", None) } else { ("no-store", Some("Cookie")) };
        assert_eq!(answer.header("cache-control"), Some(cache), "{name}");
        assert_eq!(answer.header("vary"), vary, "{name}");
        assert_eq!(answer.text.is_empty(), method == Method::HEAD || [303, 308].contains(&status), "{name}");
    }
}

#[tokio::test]
async fn the_path_without_a_slash_leads_to_the_page_behind_any_prefix() {
    let db = TestDb::new().await;
    let answer = send(&app(&db), &Method::GET, PAGE, None).await;
    assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.header("location"), Some("database/"));
}

#[tokio::test]
async fn a_refusal_keeps_its_headers_on_the_page() {
    let db = TestDb::new().await;
    let admin =
        Admin::new(&migrator(&db, "module:http-levels").build().unwrap(), Tokens::unprotected_for_development());
    let app = App::of(&admin.build());
    let request = Request::put(format!("{PAGE}/")).header(HOST, "localhost:3000").body(Body::empty()).unwrap();
    let answer = app.send(request).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
}
