//! A request after the guard has let it in, and the extractors of all handlers. What they refuse is a [`Problem`].

use std::time::Duration;

use axum::body::{Body as RequestBody, to_bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path as AxumPath, Query as AxumQuery, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use mongrate::Migrator;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::access::{Action, Allowed};
use crate::admin::Admin;
use crate::problem::Problem;
use crate::site::Site;
use crate::theme::Theme;
use crate::tokens;

/// The size of the largest body, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

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

    /// Who is recorded. `by` is what a request says beside its credentials.
    pub(crate) fn actor(&self, by: Option<&str>) -> String {
        by.map_or_else(|| self.allowed.actor.clone(), |by| tokens::actor(&self.allowed.actor, Some(by)))
    }

    /// Fails unless this request may do that, too: for what depends on the body.
    pub(crate) fn require(&self, action: Action) -> Result<(), Problem> {
        if self.allowed.may(action) { Ok(()) } else { Err(forbidden(&self.allowed, action, &self.admin)) }
    }
}

/// The refusal of an action that needs a higher level.
fn forbidden(allowed: &Allowed, action: Action, admin: &Admin) -> Problem {
    if admin.is_read_only() && action != Action::Look {
        return Problem::new(StatusCode::FORBIDDEN, "read-only", "this server is read-only; it only shows");
    }
    let detail = format!("{} may not do this; it needs the level '{}'", allowed.actor, action.level());
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
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
        let AxumPath(path) = path.map_err(|error: PathRejection| Problem::bad_request(error.body_text()))?;
        Ok(Self(path))
    }
}

/// The query of a URL. Its type denies unknown fields.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = AxumQuery::from_request_parts(parts, state).await;
        let AxumQuery(query) = query.map_err(|error: QueryRejection| Problem::bad_request(error.body_text()))?;
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
        let value = serde_json::from_slice::<serde_json::Value>(text)
            .map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))?;
        serde_json::from_value(value).map(Self).map_err(|error| Problem::unprocessable(format!("the body: {error}")))
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
        let axum::Form(form) = form.map_err(|error| Problem::unprocessable(error.body_text()))?;
        Ok(Self(form))
    }
}

/// Reads a body of the expected type: an empty one may have none.
async fn body(request: Request, expected: &str) -> Result<Vec<u8>, Problem> {
    let is_expected = media_type(request.headers()).is_none_or(|found| found == expected);
    let read = timeout(BODY_TIMEOUT, to_bytes(request.into_body(), MAX_BODY)).await;
    let read = read.map_err(|_| {
        Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "the body did not arrive within 10 seconds")
    })?;
    let bytes = read.map_err(|_| {
        let detail = format!("the body is larger than {} kB, or ended early", MAX_BODY / 1024);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    })?;
    if !is_expected {
        let detail = format!("the body must be sent as `Content-Type: {expected}`");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail));
    }
    Ok(bytes.into())
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().unwrap_or_default();
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}
