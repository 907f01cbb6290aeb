//! The format of every error.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error response.
#[derive(Debug)]
pub enum ApiError {
    /// 400, with the mistake in the request.
    BadRequest(String),
    /// 404, with what does not exist.
    NotFound(String),
    /// 405.
    MethodNotAllowed,
    /// 500. The cause is logged, and not sent to the client.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl ApiError {
    pub(super) fn not_found(what: &str) -> Self {
        Self::NotFound(format!("{what} does not exist"))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::BadRequest(message) => (StatusCode::BAD_REQUEST, message),
            Self::NotFound(message) => (StatusCode::NOT_FOUND, message),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "use GET".to_owned()),
            Self::Internal(error) => {
                eprintln!("error: {error}");
                (StatusCode::INTERNAL_SERVER_ERROR, "an internal error occurred; please try again later".to_owned())
            }
        };
        (status, Json(json!({ "error": { "status": status.as_u16(), "message": message } }))).into_response()
    }
}

impl From<mongodb::error::Error> for ApiError {
    /// Converts it to an error of Mongrate, whose message is a sentence.
    fn from(error: mongodb::error::Error) -> Self {
        Self::Internal(mongrate::Error::from(error).into())
    }
}

impl From<mongrate::Error> for ApiError {
    fn from(error: mongrate::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::BadRequest(rejection.body_text())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::BadRequest(rejection.body_text())
    }
}
