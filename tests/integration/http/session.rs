//! Signing in and out.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use axum::http::{Request, StatusCode};
use mongrate::Migrator;
use mongrate_admin::{Admin, Level, Tokens};
use mongrate_tests::TestDb;
use mongrate_tests::http::{Answer, App, PAGE, REPAIR, tokens};

const FETCH_SITE: &str = "sec-fetch-site";

fn app(db: &TestDb) -> App {
    App::new(&Migrator::builder(db.database().clone()).build().unwrap())
}

/// What a browser sends from a form of the page, over HTTPS.
fn form(path: &str, fields: &str) -> Request<Body> {
    let request = Request::post(format!("{PAGE}/{path}")).header(HOST, "shop.example.com");
    let request = request.header(FETCH_SITE, "same-origin").header(ORIGIN, "https://shop.example.com");
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(fields.to_owned())).unwrap()
}

fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

fn sign_in() -> Request<Body> {
    form("session", &format!("token={REPAIR}&name=ana&next=history%3Fstatus%3Dfailed"))
}

async fn look(app: &App, path: &str, cookie: &str) -> Answer {
    let request = Request::get(format!("{PAGE}/{path}")).header(HOST, "shop.example.com").header(COOKIE, cookie);
    app.send(request.body(Body::empty()).unwrap()).await
}

/// The name and value that a browser sends back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn signing_in_leads_back_and_is_kept_in_a_cookie_of_the_directory() {
    let db = TestDb::new().await;
    let app = app(&db);
    let answer = app.send(sign_in()).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some("history?status=failed")));
    let set = answer.header("set-cookie").unwrap();
    assert!(set.starts_with("__Secure-mongrate="), "{set}");
    let flags: Vec<_> = set.split("; ").skip(1).collect();
    assert_eq!(flags, ["Max-Age=43200", "HttpOnly", "SameSite=Lax", "Secure"]);

    let overview = look(&app, "", &cookie(&answer)).await;
    assert_eq!(overview.status, StatusCode::OK);
    assert!(overview.text.contains("ana (as told, token &quot;repairer&quot;)"), "{}", overview.text);
    // The API takes no cookie.
    let api = Request::get("/api/admin/migrations/status").header(COOKIE, cookie(&answer)).body(Body::empty()).unwrap();
    assert_eq!(app.send(api).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn on_localhost_the_cookie_needs_no_https() {
    let db = TestDb::new().await;
    for host in ["localhost:3000", "127.0.0.1:3000", "[::1]:3000"] {
        let request = with(with(sign_in(), "host", host), "origin", &format!("http://{host}"));
        let answer = app(&db).send(request).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let set = answer.header("set-cookie").unwrap();
        assert!(set.starts_with("mongrate=") && !set.contains("Secure"), "{host}: {set}");
    }
}

#[tokio::test]
async fn over_plain_http_the_form_says_why_it_cannot_work() {
    let db = TestDb::new().await;
    let plain = || {
        let mut request = with(sign_in(), "origin", "http://shop.example.com");
        request.headers_mut().remove(FETCH_SITE);
        request
    };
    let refused = app(&db).send(plain()).await;
    assert_eq!((refused.status, refused.header("set-cookie")), (StatusCode::BAD_REQUEST, None));
    assert!(refused.text.contains("opened over plain HTTP"), "{}", refused.text);
    let shown = Request::get(format!("{PAGE}/sign-in")).header(HOST, "shop.example.com").body(Body::empty()).unwrap();
    assert!(app(&db).send(shown).await.text.contains("opened over plain HTTP"));

    let migrator = Migrator::builder(db.clone()).build().unwrap();
    let allowed = App::of(&Admin::new(&migrator, tokens()).insecure_cookies().build()).send(plain()).await;
    assert_eq!(allowed.status, StatusCode::SEE_OTHER);
    assert!(allowed.header("set-cookie").unwrap().starts_with("mongrate="));
}

#[tokio::test]
async fn a_wrong_token_shows_the_form_again() {
    let db = TestDb::new().await;
    let wrong = "wrong-token-of-at-least-32-characters";
    let answer = app(&db).send(form("session", &format!("token={wrong}&next=lock"))).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::UNAUTHORIZED, None));
    assert!(answer.text.contains("not one of the application's tokens"), "{}", answer.text);
    assert!(answer.text.contains(r#"name="next" value="lock""#), "{}", answer.text);
    assert!(!answer.text.contains(wrong));
}

#[tokio::test]
async fn a_name_is_short_and_visible() {
    let db = TestDb::new().await;
    let app = app(&db);
    for name in ["a%0D%0ASet-Cookie:+b", "a%00", "%E2%80%AEana", &"n".repeat(101)] {
        let answer = app.send(form("session", &format!("token={REPAIR}&name={name}"))).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::UNPROCESSABLE_ENTITY, None), "{name}");
    }
    let longest = form("session", &format!("token={REPAIR}&name={}", "n".repeat(100)));
    assert_eq!(app.send(longest).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_forged_cookie_opens_nothing() {
    let db = TestDb::new().await;
    let app = app(&db);
    let genuine = cookie(&app.send(sign_in()).await);
    assert_eq!(look(&app, "", &genuine).await.status, StatusCode::OK);
    let (name, value) = genuine.split_once('=').unwrap();
    // Each character in turn is another one.
    for index in 0..value.len() {
        let mut flipped = value.as_bytes().to_vec();
        // Bits that base64 does not use do not change the value, so a whole step of six bits does.
        flipped[index] = if flipped[index] == b'Q' { b'g' } else { b'Q' };
        let forged = format!("{name}={}", String::from_utf8(flipped).unwrap());
        let answer = look(&app, "", &forged).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some("sign-in")), "{forged}");
    }
    for forged in ["", ".", "e30.", &value[..value.len() - 1], value.split('.').next().unwrap()] {
        assert_eq!(look(&app, "", &format!("{name}={forged}")).await.status, StatusCode::SEE_OTHER, "{forged}");
    }
}

#[tokio::test]
async fn a_cookie_ends_with_its_token() {
    let db = TestDb::new().await;
    let genuine = cookie(&app(&db).send(sign_in()).await);
    let changed = Tokens::new().add("repairer", Level::Repair, "another-token-of-at-least-32-characters").unwrap();
    let migrator = Migrator::builder(db.clone()).build().unwrap();
    let answer = look(&App::of(&Admin::new(&migrator, changed).build()), "", &genuine).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    // Of the same token, it is good on every replica.
    assert_eq!(look(&app(&db), "", &genuine).await.status, StatusCode::OK);
}

#[tokio::test]
async fn signing_out_removes_the_cookie() {
    let db = TestDb::new().await;
    let answer = app(&db).send(form("sign-out", "")).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some("sign-in")));
    let removed: Vec<_> = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(
        removed,
        [
            "mongrate=; Max-Age=0; HttpOnly; SameSite=Lax",
            "__Secure-mongrate=; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
        ]
    );
}

#[tokio::test]
async fn other_sites_can_neither_sign_in_nor_out() {
    let db = TestDb::new().await;
    let app = app(&db);
    for request in [sign_in(), form("sign-out", ""), form("theme", "theme=dark")] {
        let answer = app.send(with(request, FETCH_SITE, "cross-site")).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::FORBIDDEN, None));
    }
}

#[tokio::test]
async fn signing_in_leads_to_own_views_only() {
    let db = TestDb::new().await;
    let app = app(&db);
    for (next, leads_to) in [
        ("lock", "lock"),
        ("migration%3Fid%3Dplugin%253Ax%253A001_y", "migration?id=plugin%3Ax%3A001_y"),
        ("", "./"),
        ("//evil.example", "./"),
        ("%2F%2Fevil.example", "./"),
        ("%252F%252Fevil.example", "./"),
        ("https:evil.example", "./"),
        ("https%3A%2F%2Fevil.example", "./"),
        ("%5C%5Cevil.example", "./"),
        ("%2F%5Cevil.example", "./"),
        ("javascript:alert(1)", "./"),
        ("..%2Fhistory", "./"),
        ("%09//evil.example", "./"),
        ("lock%0D%0ASet-Cookie:a", "./"),
    ] {
        let answer = app.send(form("session", &format!("token={REPAIR}&next={next}"))).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some(leads_to)), "{next}");
        let shown = Request::get(format!("{PAGE}/sign-in?next={next}")).header(HOST, "localhost");
        let shown = app.send(shown.body(Body::empty()).unwrap()).await;
        let field = format!(r#"name="next" value="{leads_to}""#);
        assert!(shown.text.contains(&field), "{next}: {}", shown.text);
    }
}

#[tokio::test]
async fn a_view_asks_to_sign_in_and_is_kept() {
    let db = TestDb::new().await;
    let app = app(&db);
    let answer = look(&app, "migration?id=plugin%3Ax%3A001_y", "").await;
    let address = "sign-in?next=migration%3Fid%3Dplugin%253Ax%253A001_y";
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some(address)));
    // Whoever has signed in already is led on.
    let genuine = cookie(&app.send(sign_in()).await);
    let answer = look(&app, address, &genuine).await;
    assert_eq!(answer.header("location"), Some("migration?id=plugin%3Ax%3A001_y"));
}

#[tokio::test]
async fn the_color_scheme_is_kept_and_leads_back() {
    let db = TestDb::new().await;
    let app = app(&db);
    let genuine = cookie(&app.send(sign_in()).await);
    let request = form("theme", "theme=dark");
    let referer = "https://shop.example.com/ops/system/database/history?status=failed";
    let answer = app.send(with(request, "referer", referer)).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some("history?status=failed")));
    let chosen = cookie(&answer);
    assert_eq!(chosen, "mongrate-theme=dark");
    let page = look(&app, "", &format!("{genuine}; {chosen}")).await;
    assert!(page.text.contains(r#"<html lang="en" data-theme="dark">"#), "{}", page.text);
    assert_eq!(app.send(form("theme", "theme=pink")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}
