//! Requests to an application that has mounted the admin page, its API and the probes.

mod document;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, IF_MATCH};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use mongrate::Migrator;
use mongrate_admin::{Admin, Level, Tokens};
use serde_json::Value;
use tower::ServiceExt;

pub use self::document::Document;

/// The token `reader`.
pub const READ: &str = "read-token-of-at-least-32-characters";
/// The token `operator`.
pub const OPERATE: &str = "operate-token-of-at-least-32-characters";
/// The token `repairer`.
pub const REPAIR: &str = "repair-token-of-at-least-32-characters";

/// Where the page is mounted.
pub const PAGE: &str = "/system/database";
/// Where the API is mounted.
pub const API: &str = "/api/admin/migrations";

/// A mounted application, with the OpenAPI document of its API.
#[derive(Clone)]
pub struct App(pub Router, pub Arc<Document>);

/// An answer that was read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

/// The tokens `reader`, `operator` and `repairer`.
#[must_use]
pub fn tokens() -> Tokens {
    let tokens = Tokens::new().add("reader", Level::Read, READ).unwrap();
    tokens.add("operator", Level::Operate, OPERATE).unwrap().add("repairer", Level::Repair, REPAIR).unwrap()
}

impl App {
    /// With [`tokens`].
    #[must_use]
    pub fn new(migrator: &Migrator) -> Self {
        Self::of(&Admin::new(migrator, tokens()).build())
    }

    /// Mounts all faces.
    #[must_use]
    pub fn of(admin: &Admin) -> Self {
        let router = Router::new().merge(admin.page_at(PAGE)).merge(admin.api_at(API)).merge(admin.probes());
        Self(router, Arc::new(Document::new(admin.openapi())))
    }

    /// Sends a request. An answer of the API has to be as its OpenAPI document describes it.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().to_string());
        let response = self.0.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.into()).unwrap();
        let answer = Answer { status: parts.status, headers: parts.headers, text };
        self.1.check(&method, &path, &answer);
        answer
    }

    /// Sends a request, and reads the body only of a failure: a stream of events has no end.
    pub async fn outcome(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let status = response.status();
        if status.is_success() {
            return (status, String::new());
        }
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(bytes.into()).unwrap())
    }

    /// `GET` of the API with a token.
    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(api(Method::GET, token, path).body(Body::empty()).unwrap()).await
    }

    /// A request to the API with a token and a JSON body.
    pub async fn json(&self, method: Method, token: &str, path: &str, body: &Value) -> Answer {
        let request = api(method, token, path).header(CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// `POST` of the API with a token and a JSON body.
    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.json(Method::POST, token, path, body).await
    }
}

/// Requests to the page.
impl App {
    /// `GET` of a view with a token. `view` is relative to [`PAGE`].
    pub async fn page(&self, token: &str, view: &str) -> Answer {
        self.send(page(Method::GET, token, view).body(Body::empty()).unwrap()).await
    }
}

/// The start of a request to the page with a token.
fn page(method: Method, token: &str, view: &str) -> Builder {
    let request = Request::builder().method(method).uri(format!("{PAGE}/{view}")).header(HOST, "shop.example.com");
    request.header(AUTHORIZATION, format!("Bearer {token}"))
}

/// Requests that change something.
impl App {
    /// [`post`](Self::post) with the header `Prefer`.
    pub async fn prefer(&self, prefer: &str, token: &str, path: &str, body: &Value) -> Answer {
        let request = api(Method::POST, token, path).header(CONTENT_TYPE, "application/json").header("prefer", prefer);
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// A form of the page, sent with a token. `path` is relative to [`PAGE`].
    pub async fn form(&self, token: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encoded = |text: &str| text.replace('%', "%25").replace('&', "%26").replace('=', "%3D").replace(' ', "+");
        let fields = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>();
        let request = api(Method::POST, token, "").uri(format!("{PAGE}/{path}"));
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(fields.join("&"))).unwrap()).await
    }

    /// Sends a request whose answer goes on.
    pub async fn raw(&self, request: Request<Body>) -> axum::response::Response {
        self.0.clone().oneshot(request).await.unwrap()
    }

    /// A request that confirms what it saw with this `ETag`.
    pub async fn confirm(&self, tag: &str, method: Method, token: &str, path: &str, body: &Value) -> Answer {
        let request = api(method, token, path).header(CONTENT_TYPE, "application/json").header(IF_MATCH, tag);
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }
}

/// The start of a request to the API with a token. `path` begins below [`API`].
pub fn api(method: Method, token: &str, path: &str) -> Builder {
    let request = Request::builder().method(method).uri(format!("{API}{path}")).header(HOST, "shop.example.com");
    request.header(AUTHORIZATION, format!("Bearer {token}"))
}

impl Answer {
    /// The body as JSON.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}
