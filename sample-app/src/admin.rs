//! The admin page and its API.

use std::env;

use axum::Router;
use mongodb::bson::Uuid;
use mongrate::Migrator;
use mongrate_admin::{Admin, Level, Tokens};

/// Where the page is.
pub const PAGE: &str = "/system/database";

/// The admin and how to sign in.
pub struct Administration {
    admin: Admin,
    /// Made for this start, as `ADMIN_API_TOKEN` is not set.
    pub token: Option<String>,
}

impl Administration {
    /// Reads `ADMIN_API_TOKEN`, or makes a token for this start.
    pub fn new(migrator: &Migrator) -> anyhow::Result<Self> {
        let (tokens, token) = if env::var_os("ADMIN_API_TOKEN").is_some() {
            (Tokens::from_env("ADMIN_API_TOKEN")?, None)
        } else {
            let token = [Uuid::new(), Uuid::new()].map(|uuid| uuid.to_string().replace('-', "")).concat();
            (Tokens::new().add("admin", Level::Repair, &token)?, Some(token))
        };
        Ok(Self { admin: Admin::new(migrator, tokens).title("sample-app").build(), token })
    }

    /// Ends the streams of open pages, and stops a run that was started there.
    pub async fn close(&self) {
        self.admin.close().await;
    }

    /// The page, the API under its two paths, and the probes.
    pub fn router(&self) -> Router {
        Router::new()
            .merge(self.admin.page_at(PAGE))
            .merge(self.admin.api_at("/api/admin/migrations"))
            .merge(self.admin.api_at("/api/migrations"))
            .merge(self.admin.probes())
    }
}
