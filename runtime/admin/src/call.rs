//! A request after the guard has let it in, and the extractors of all handlers. What they refuse is a [`Problem`].

use axum::body::Body as RequestBody;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path as AxumPath, Query as AxumQuery, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt;
use mongrate::Migrator;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use tokio::time::timeout;

use crate::access::{Action, Allowed};
use crate::admin::Admin;
use crate::patience::Patience;
use crate::problem::Problem;
use crate::site::Site;
use crate::tenants::Tenants;
use crate::theme::Theme;
use crate::tokens;

/// The size of the largest body, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// A request that the guard has let in.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) admin: Admin,
    /// Of the database that the request is about.
    pub(crate) site: Site,
    pub(crate) allowed: Allowed,
    pub(crate) theme: Theme,
}

impl Call {
    pub(crate) fn migrator(&self) -> &Migrator {
        self.site.migrator()
    }

    /// The databases of tenants. Fails if there are none configured.
    pub(crate) fn tenants(&self) -> Result<&Tenants, Problem> {
        self.admin.tenants().ok_or_else(|| {
            let problem = Problem::not_found("this application has not configured tenants");
            problem.help("its own database is served by the other paths")
        })
    }

    /// Who is recorded. `by` is what a request says beside its credentials; it counts only if they are shared.
    pub(crate) fn actor(&self, by: Option<&str>) -> String {
        let by = by.filter(|_| self.allowed.is_shared);
        by.map_or_else(|| self.allowed.actor.clone(), |by| tokens::actor(&self.allowed.actor, Some(by)))
    }

    /// Fails unless this request may do that, too: for what depends on the body.
    pub(crate) fn require(&self, action: Action) -> Result<(), Problem> {
        if self.allowed.may(action) { Ok(()) } else { Err(forbidden(&self.allowed, action, &self.admin)) }
    }
}

/// The refusal of an action.
fn forbidden(allowed: &Allowed, action: Action, admin: &Admin) -> Problem {
    if admin.is_read_only() && action != Action::Look {
        let problem = Problem::new(StatusCode::FORBIDDEN, "read-only", "this process is read-only: it changes nothing");
        return problem.help("use another process, or start this one without `MONGRATE_HTTP_READ_ONLY`");
    }
    let Allowed { actor, level, .. } = allowed;
    let needed = action.level();
    if *level < needed {
        let detail = format!("the level '{needed}' is needed to {action}, and {actor} has the level '{level}'");
        let problem = Problem::new(StatusCode::FORBIDDEN, "forbidden", detail);
        return problem.help(format!("use credentials with the level '{needed}'"));
    }
    let detail = format!("the application does not let {actor} {action}");
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).help("ask somebody who may")
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let call = parts.extensions.get::<Self>().cloned();
        call.ok_or_else(|| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the request was not authorized")
        })
    }
}

/// A parameter of the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = AxumPath::from_request_parts(parts, state).await;
        let AxumPath(path) =
            path.map_err(|error: PathRejection| Problem::bad_request(malformed("path", &error.body_text())))?;
        Ok(Self(path))
    }
}

/// The query of a URL. Its type denies unknown fields.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = AxumQuery::from_request_parts(parts, state).await;
        let AxumQuery(query) =
            query.map_err(|error: QueryRejection| Problem::bad_request(malformed("query", &error.body_text())))?;
        Ok(Self(query))
    }
}

/// A JSON body. Its type denies unknown fields. An empty body is `{}`.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = body(request, "application/json").await?;
        let text = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
        let refused = |error: serde_json::Error| match error.classify() {
            Category::Data => Problem::unprocessable(format!("the JSON body is not as described: {error}")),
            _ => Problem::bad_request(format!("the body is not JSON: {error}")),
        };
        // serde reads an array as the fields in their order: `[]` would be `{}`.
        if text.trim_ascii_start().first() != Some(&b'{') {
            serde_json::from_slice::<IgnoredAny>(text).map_err(refused)?;
            return Err(Problem::unprocessable("the JSON body is not an object"));
        }
        serde_json::from_slice(text).map(Self).map_err(refused)
    }
}

/// A body of one of the page's forms.
pub(crate) struct Form<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let form = body(request, "application/x-www-form-urlencoded").await?;
        let request = Request::builder().header(CONTENT_TYPE, "application/x-www-form-urlencoded").method("POST");
        let request = request.body(RequestBody::from(form)).map_err(|error| Problem::bad_request(error.to_string()))?;
        let form = axum::Form::from_request(request, &()).await;
        let axum::Form(form) = form.map_err(|error| Problem::unprocessable(malformed("form", &error.body_text())))?;
        Ok(Self(form))
    }
}

/// What is wrong with a part of a request, without the words of axum before it.
fn malformed(part: &str, text: &str) -> String {
    let reason = text.strip_prefix("Failed to deserialize ").and_then(|text| text.split_once(": "));
    format!("the {part} of this request is not as expected: {}", reason.map_or(text, |(_, reason)| reason))
}

/// Reads a body of the expected type: an empty one may have none.
async fn body(request: Request, expected: &str) -> Result<Vec<u8>, Problem> {
    let unsupported = || {
        let detail = format!("this path reads a body of the type `{expected}`");
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail);
        problem.help(format!("send it with the header `Content-Type: {expected}`"))
    };
    let found = media_type(request.headers());
    if found.as_ref().is_some_and(|found| found != expected) {
        return Err(unsupported());
    }
    let limit = request.extensions().get::<Admin>().map_or_else(Patience::default, Admin::patience).body;
    // Not a future of the driver, so that it may be dropped.
    let bytes = timeout(limit, collected(request.into_body())).await.map_err(|_| {
        let detail = format!("the body of this request did not arrive within {} seconds", limit.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", detail).help("send it again over a better connection")
    })??;
    if found.is_none() && !bytes.is_empty() { Err(unsupported()) } else { Ok(bytes) }
}

async fn collected(body: RequestBody) -> Result<Vec<u8>, Problem> {
    let (mut chunks, mut bytes) = (body.into_data_stream(), Vec::new());
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.map_err(|_| Problem::bad_request("the connection ended before the whole body had arrived"))?;
        if bytes.len() + chunk.len() > MAX_BODY {
            let detail = format!("the body of this request is larger than {} kB", MAX_BODY / 1024);
            let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail);
            return Err(problem.help("name fewer migrations at once"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().unwrap_or_default();
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}
