//! An admin without tokens: only for direct requests to the own machine, and never in production.

use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{Method, Request, StatusCode};
use mongrate_admin::{Admin, Tokens};
use mongrate_tests::TestDb;
use mongrate_tests::http::{API, Answer, App, PAGE, tokens};
use mongrate_tests::stored::migrator;

use crate::logs::Logs;

async fn get(app: &App, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(app, Method::GET, path, headers).await
}

async fn send(app: &App, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    app.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn dns_rebinding_reaches_nothing() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:http-levels").build().unwrap();
    let app = App::of(&Admin::new(&migrator, Tokens::unprotected_for_development()).build());
    let status = format!("{API}/status");
    for host in ["localhost", "localhost:3000", "127.0.0.1:3000", "[::1]:3000", "shop.localhost", "LOCALHOST"] {
        assert_eq!(get(&app, &status, &[("host", host)]).await.status, StatusCode::OK, "{host}");
    }
    for host in
        ["evil.test", "evil.test:3000", "localhost.evil.test", "127.0.0.1.nip.io", "[::2]", "localhost@evil.test", ""]
    {
        let answer = get(&app, &status, &[("host", host)]).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert_eq!(answer.value()["code"], "wrong-host", "{host}");
        // Nor what needs no access.
        for path in ["/", "/app.js", "/sign-in"] {
            let answer = get(&app, &format!("{PAGE}{path}"), &[("host", host)]).await;
            assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}{path}");
        }
        // Nor what is no route: 404, 405, and the redirect to the slash.
        for (method, path) in [
            (Method::GET, format!("{PAGE}/nothing")),
            (Method::GET, format!("{API}/nothing/at/all")),
            (Method::GET, format!("{API}/tenants/nothing/status")),
            (Method::PUT, format!("{PAGE}/")),
            (Method::OPTIONS, format!("{API}/status")),
            (Method::GET, PAGE.to_owned()),
        ] {
            let answer = send(&app, method.clone(), &path, &[("host", host)]).await;
            assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{method} {host} {path}");
            let answer = send(&app, method.clone(), &path, &[("host", "localhost")]).await;
            let codes = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::PERMANENT_REDIRECT];
            assert!(codes.contains(&answer.status), "{method} {path}: {}", answer.status);
        }
        // Probes are asked under any name, but show nothing then.
        assert_eq!(get(&app, "/livez", &[("host", host)]).await.status, StatusCode::OK);
        assert_eq!(get(&app, "/readyz?verbose", &[("host", host)]).await.status, StatusCode::MISDIRECTED_REQUEST);
    }
    let twice = [("host", "localhost"), ("host", "evil.test")];
    assert_eq!(get(&app, &status, &twice).await.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(get(&app, &status, &[]).await.status, StatusCode::MISDIRECTED_REQUEST, "no host at all");
}

#[tokio::test]
async fn behind_a_proxy_it_answers_nothing() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:http-levels").build().unwrap();
    let app = App::of(&Admin::new(&migrator, Tokens::unprotected_for_development()).build());
    for name in ["forwarded", "via", "x-real-ip", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"] {
        let answer = get(&app, &format!("{API}/status"), &[("host", "localhost"), (name, "1")]).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{name}");
        assert!(answer.text.contains("came through a proxy"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_dashboard_open_by_mistake_in_production_answers_nothing() {
    let logs = Logs::default();
    let _guard = tracing::subscriber::set_default(logs.subscriber());
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:http-levels").environment("production").build().unwrap();
    let app = App::of(&Admin::new(&migrator, Tokens::unprotected_for_development()).build());
    for path in [format!("{API}/status"), format!("{PAGE}/"), format!("{PAGE}/app.js")] {
        let answer = get(&app, &path, &[("host", "localhost")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.text.contains("production"), "{}", answer.text);
    }
    let logs = logs.text();
    assert!(logs.contains("ERROR") && logs.contains("open to everybody in production"), "{logs}");
}

#[tokio::test]
async fn an_open_admin_is_logged_as_a_warning() {
    let logs = Logs::default();
    let _guard = tracing::subscriber::set_default(logs.subscriber());
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:http-levels").build().unwrap();
    let _admin = Admin::new(&migrator, Tokens::unprotected_for_development()).build();
    let logs = logs.text();
    assert!(logs.contains("WARN") && logs.contains("open to everybody on this machine"), "{logs}");
}

#[tokio::test]
async fn only_the_named_hosts_are_answered() {
    let db = TestDb::new().await;
    let migrator = migrator(&db, "module:http-levels").build().unwrap();
    let app = App::of(&Admin::new(&migrator, tokens()).hosts(["ops.example.com", "[::1]:3000"]).build());
    let path = format!("{PAGE}/sign-in");
    for (host, status) in [
        ("ops.example.com", 200),
        ("OPS.example.com:8080", 200),
        ("[::1]:3000", 200),
        ("[::1]:3001", 421),
        ("localhost", 421),
        ("ops.example.com.evil.test", 421),
    ] {
        assert_eq!(get(&app, &path, &[(HOST.as_str(), host)]).await.status.as_u16(), status, "{host}");
    }
}
