//! Cross-site requests: what a page of another site can make a browser send changes nothing.

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST};
use axum::http::request::Parts;
use axum::http::{Request, StatusCode};
use mongrate::{Tx, migration};
use mongrate_admin::{Admin, Grant};
use mongrate_tests::TestDb;
use mongrate_tests::http::{API, Answer, App, OPERATE, PAGE, tokens};
use mongrate_tests::stored::{documents, migrator, step, steps};

#[migration(id = "001_step", source = "module:http-csrf")]
async fn first(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
    step(tx, "applied").await
}

type Headers = &'static [(&'static str, &'static str)];

/// What browsers and attackers send with a POST. All of them have the credentials of a person who has signed in.
const REFUSED: [(&str, Headers); 10] = [
    ("neither header, from an old browser or a program with a cookie", &[]),
    ("a form of another site", &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")]),
    ("a form of a subdomain", &[("sec-fetch-site", "same-site"), ("origin", "https://blog.example.com")]),
    ("another site that knows our origin", &[("sec-fetch-site", "cross-site"), ("origin", "https://shop.example.com")]),
    (
        "a trusted origin, which does not make up for another site",
        &[("sec-fetch-site", "cross-site"), ("origin", "http://ops.example.com")],
    ),
    ("two values", &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]),
    ("plain HTTP from another host", &[("origin", "http://evil.test")]),
    ("plain HTTP from another port", &[("origin", "http://shop.example.com:81")]),
    ("a sandboxed frame", &[("origin", "null")]),
    ("a host hidden in the user", &[("origin", "http://shop.example.com@evil.test")]),
];

const ACCEPTED: [(&str, Headers); 7] = [
    ("our own page", &[("sec-fetch-site", "same-origin"), ("origin", "https://shop.example.com")]),
    ("typed in the address bar", &[("sec-fetch-site", "none")]),
    ("our own page over plain HTTP", &[("origin", "http://shop.example.com")]),
    ("our own page, in capitals", &[("origin", "https://Shop.Example.com")]),
    ("a trusted origin over plain HTTP", &[("origin", "http://ops.example.com")]),
    ("a program with a token", &[("authorization", "Bearer whatever")]),
    ("a program with the other header", &[("x-admin-token", "whatever"), ("sec-fetch-site", "cross-site")]),
];

/// The application's own access, which takes what a browser sends by itself.
fn ambient(parts: &Parts) -> Grant {
    let is_known =
        |name| parts.headers.get(name).is_some_and(|value| value == "session=ana" || value == "Basic YW5hOmJlbg==");
    if is_known(COOKIE) || is_known(AUTHORIZATION) || parts.headers.contains_key("x-admin-token") {
        return Grant::operate("ana");
    }
    if parts.headers.contains_key(AUTHORIZATION) { Grant::operate("program") } else { Grant::denied() }
}

async fn post(app: &App, credentials: (&str, &str), headers: Headers) -> Answer {
    let request =
        Request::post(format!("{API}/up")).header(HOST, "shop.example.com").header(CONTENT_TYPE, "application/json");
    // The credentials of the row go first.
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let has_own = headers.iter().any(|(name, _)| *name == "authorization");
    let request = if has_own { request } else { request.header(credentials.0, credentials.1) };
    app.send(request.body(Body::from("{}")).unwrap()).await
}

#[tokio::test]
async fn csrf_by_form_or_fetch_changes_nothing() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:http-csrf").build().unwrap();
    let app = App::of(&Admin::new(&migrator, ambient).trusted_origin("http://ops.example.com/").build());
    // Basic is sent by browsers, too.
    for credentials in [("cookie", "session=ana"), ("authorization", "Basic YW5hOmJlbg==")] {
        for (name, headers) in REFUSED {
            let answer = post(&app, credentials, headers).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {}", answer.text);
            assert_eq!(answer.value()["code"], "cross-site", "{name}");
        }
    }
    assert!(steps(&db).await.is_empty());
    assert!(documents(&db, "migrations_history").await.is_empty());

    for (name, headers) in ACCEPTED {
        let answer = post(&app, ("cookie", "session=ana"), headers).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.text);
    }
    assert_eq!(steps(&db).await, ["applied"]);
}

#[tokio::test]
async fn a_token_is_never_ambient() {
    let db = TestDb::new().await;
    let app = App::new(&migrator(&db, "module:http-csrf").build().unwrap());
    // A cookie of the page counts for nothing at the API, whoever sends it.
    let session = sign_in(&app).await;
    let request = Request::post(format!("{API}/up")).header(HOST, "shop.example.com").header(COOKIE, session);
    let answer = app.send(request.header("sec-fetch-site", "same-origin").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
    assert!(steps(&db).await.is_empty());
}

async fn sign_in(app: &App) -> String {
    let request = Request::post(format!("{PAGE}/session")).header(HOST, "shop.example.com");
    let request =
        request.header("sec-fetch-site", "same-origin").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = app.send(request.body(Body::from(format!("token={OPERATE}"))).unwrap()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn login_csrf_and_logout_csrf_are_refused() {
    let db = TestDb::new().await;
    let app = App::of(&Admin::new(&migrator(&db, "module:http-csrf").build().unwrap(), tokens()).build());
    for path in ["session", "sign-out", "theme"] {
        for (name, headers) in REFUSED {
            let request = Request::post(format!("{PAGE}/{path}")).header(HOST, "shop.example.com");
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            let answer = app.send(request.body(Body::from(format!("token={OPERATE}"))).unwrap()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}, {name}: {}", answer.text);
            assert_eq!(answer.header("set-cookie"), None, "{path}, {name}");
        }
    }
}
