//! The JSON API.

mod customers;
mod error;
mod migrations;
mod serve;
mod shop;

use axum::Router;
use axum::routing::get;
use mongodb::Database;

pub use error::ApiError;
pub use serve::serve;

/// Returns all routes. Responses are JSON, errors have the form `{ "error": { "status", "message" } }`.
pub fn router(database: Database) -> Router {
    Router::new()
        .route("/customers", get(customers::list))
        .route("/customers/{id}", get(customers::one))
        .route("/search", get(customers::search))
        .route("/menu", get(shop::menu))
        .route("/roles", get(shop::roles))
        .route("/alerts", get(shop::alerts))
        .route("/migrations", get(migrations::status))
        .route("/health", get(migrations::health))
        .fallback(async || ApiError::not_found("this path"))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .with_state(database)
}
