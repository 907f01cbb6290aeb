//! One envelope for every error.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// What a handler may answer instead of what was asked for.
#[derive(Debug)]
pub enum ApiError {
    /// 400, with what is wrong with the request.
    BadRequest(String),
    /// 404, with what was not found.
    NotFound(String),
    /// 405.
    MethodNotAllowed,
    /// 500. The cause is for the log, not for the client.
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
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "this API is read with GET".to_owned()),
            Self::Internal(error) => {
                eprintln!("error: {error}");
                (StatusCode::INTERNAL_SERVER_ERROR, "something went wrong here; please try again later".to_owned())
            }
        };
        (status, Json(json!({ "error": { "status": status.as_u16(), "message": message } }))).into_response()
    }
}

impl From<mongodb::error::Error> for ApiError {
    /// As one of Mongrate's, which is a sentence.
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
