//! The responses of the API after the migrations.

use std::net::SocketAddr;

use mongodb::Database;
use sample_app::api;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(super) async fn answers(db: &Database) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, api::router(db.clone())).into_future());

    let (status, page) = ask(address, "/customers?limit=2").await;
    assert_eq!((status, page["customers"].as_array().unwrap().len()), (200, 2));
    let (_, next) = ask(address, &format!("/customers?limit=2&after={}", page["next"])).await;
    assert!(next["customers"][0]["id"].as_i64() > page["next"].as_i64());
    assert_eq!(ask(address, "/customers?after=5000").await.1["next"], Value::Null);
    let customer = ask(address, "/customers/1").await.1;
    assert_eq!(customer["emailVerified"], Value::Bool(false));
    assert!(customer["createdAt"].as_str().unwrap().ends_with('Z'));
    assert!(!ask(address, "/search?q=giulia").await.1.as_array().unwrap().is_empty());
    assert_eq!(ask(address, "/menu").await.1.as_array().unwrap().len(), 10);
    assert_eq!(ask(address, "/roles").await.1[0]["id"], "member");
    assert_eq!(ask(address, "/alerts").await.1["thresholdCents"], 1_000_000);
    assert_eq!(ask(address, "/migrations").await.1["completed"].as_array().unwrap().len(), 14);
    let (status, health) = ask(address, "/health").await;
    assert_eq!(
        (status, &health["status"], &health["inWords"]),
        (200, &"healthy".into(), &"healthy: 14 completed".into())
    );
    for (path, expected) in [
        ("/customers?limit=0", 400),
        ("/customers?limit=101", 400),
        ("/customers?limit=many", 400),
        ("/customers?page=2", 400),
        ("/customers/ada", 400),
        ("/search", 400),
        ("/search?q=%20", 400),
        ("/customers/9999", 404),
        ("/nothing", 404),
    ] {
        let (status, answer) = ask(address, path).await;
        assert_eq!((status, &answer["error"]["status"]), (expected, &Value::from(expected)), "{path}: {answer}");
        assert!(!answer["error"]["message"].as_str().unwrap().is_empty());
    }
    server.abort();
}

/// The responses of the API while a migration is pending.
pub(super) async fn is_not_ready(db: &Database) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, api::router(db.clone())).into_future());
    let (status, health) = ask(address, "/health").await;
    assert_eq!((status, &health["status"]), (503, &Value::from("pending")), "{health}");
    assert_eq!(health["pending"].as_array().unwrap().len(), 14);
    assert_eq!(health["failed"], Value::Array(Vec::new()));
    server.abort();
}

/// Returns status and body.
async fn ask(address: SocketAddr, path: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse::<u16>().unwrap();
    (status, serde_json::from_str::<Value>(body).unwrap_or_else(|error| panic!("{error}: {answer}")))
}
