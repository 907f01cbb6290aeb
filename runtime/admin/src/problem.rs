//! Errors as RFC 9457 describes them.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use mongrate::{Error, json};
use serde::Serialize;
use serde_json::Value;

/// An error of a request: `application/problem+json` for the API, a page for people.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Problem(Box<Details>);

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Details {
    /// `urn:mongrate:problem:<code>`.
    #[serde(rename = "type")]
    kind: String,
    pub(crate) title: &'static str,
    #[serde(serialize_with = "number")]
    pub(crate) status: StatusCode,
    /// The error in one sentence.
    pub(crate) detail: String,
    /// As in the shape `error` of the command line, and those of [`Problem`]'s constructors.
    pub(crate) code: &'static str,
    pub(crate) causes: Vec<String>,
    pub(crate) help: Option<String>,
    /// The process that holds the lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) holder: Option<Value>,
    /// The plan as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plan: Option<Value>,
    /// What the run did before it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) report: Option<Value>,
    #[serde(skip)]
    retry_after: Option<u64>,
    #[serde(skip)]
    pub(crate) link: Option<(String, &'static str)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind: format!("urn:mongrate:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: detail.into(),
            code,
            causes: Vec::new(),
            help: None,
            holder: None,
            plan: None,
            report: None,
            retry_after: None,
            link: None,
        }))
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Sets after how many seconds to try again.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Where to go on, for a person: a relative URL and what it shows.
    pub(crate) fn link(mut self, url: String, text: &'static str) -> Self {
        self.link = Some((url, text));
        self
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "usage", detail)
    }

    /// Well-formed, but with an unknown field or fields that contradict each other.
    pub(crate) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "usage", detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// An act that needs to know what its sender saw. `show` is the relative URL that shows it with an `ETag`.
    pub(crate) fn unconfirmed(what: &str, show: &str) -> Self {
        let detail = format!("{what} needs a confirmation of what it will change");
        let problem = Self::new(StatusCode::PRECONDITION_REQUIRED, "confirmation-missing", detail);
        problem.help(format!("get `{show}` and send its `ETag` as `If-Match`"))
    }

    /// What the sender saw is not what is there now.
    pub(crate) fn changed(detail: impl Into<String>, plan: Option<Value>) -> Self {
        let problem = Self::new(StatusCode::PRECONDITION_FAILED, "plan-changed", detail);
        let mut problem = problem.help("look at what is there now, and confirm that");
        problem.plan = plan;
        problem
    }

    /// An error that the history holds.
    pub(crate) fn recorded(message: &str, causes: &[String]) -> Self {
        let mut problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", message);
        problem.causes = causes.to_vec();
        problem
    }
}

impl Deref for Problem {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let status = status(error);
        let code = if matches!(error, Error::LockTimeout { .. }) { "locked" } else { error.code() };
        let mut problem = Self::new(status, code, error.message());
        problem.causes = error.causes();
        problem.help = error.help();
        problem.report = error.report().map(|report| value(&json::Report::of(report)));
        if let Error::LockTimeout { holder, take_over, expires_in, .. } = error {
            problem.holder = Some(value(&json::Holder::from(&**holder)));
            problem.help = Some(match take_over {
                Some(left) => format!(
                    "that process is probably dead; send `lockWaitMs: {}` to wait and take over",
                    left.as_millis() + 5_000
                ),
                None => "wait until that process has finished, or stop its run".to_owned(),
            });
            problem.retry_after = take_over.or(*expires_in).map(seconds);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            problem.retry_after = Some(5);
        }
        problem
    }
}

/// Rounds up, so that the time has passed by then.
fn seconds(duration: Duration) -> u64 {
    duration.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)
}

/// The status code of an error of the engine.
fn status(error: &Error) -> StatusCode {
    match error {
        Error::UnknownMigration { .. } | Error::UnknownSource { .. } | Error::NotSelected { .. } => {
            StatusCode::NOT_FOUND
        }
        Error::InvalidOption { .. } | Error::PageSize { .. } => StatusCode::BAD_REQUEST,
        Error::LockTimeout { .. }
        | Error::AlreadyInEffect { .. }
        | Error::Drift { .. }
        | Error::Pending { .. }
        | Error::PartiallyApplied { .. }
        | Error::PartiallyAppliedElsewhere { .. }
        | Error::Irreversible { .. }
        | Error::DependentsApplied { .. }
        | Error::DependenciesPending { .. }
        | Error::NotUnderway { .. }
        | Error::NotApplied { .. }
        | Error::NotAnOrphan { .. }
        | Error::OrphansAppliedLater { .. }
        | Error::UnselectedDependency { .. }
        | Error::ManualDependency { .. } => StatusCode::CONFLICT,
        Error::PlanChanged { .. } | Error::HolderChanged { .. } => StatusCode::PRECONDITION_FAILED,
        Error::Unreachable { .. } | Error::HostNotFound | Error::Unacknowledged { .. } | Error::Interrupted { .. } => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Error::Several { errors } => errors.first().map_or(StatusCode::INTERNAL_SERVER_ERROR, status),
        error if error.is_temporary() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Problem {
    pub(crate) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Converts one of the engine's shapes, which all can be.
pub(crate) fn value(shape: &impl Serialize) -> Value {
    serde_json::to_value(shape).unwrap_or_default()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        // The page shows it in words instead.
        response.extensions_mut().insert(self);
        response
    }
}
