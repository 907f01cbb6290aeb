//! An admin page and a REST API for [Mongrate](mongrate), to be mounted in an axum application.
//!
//! An [`Admin`] has three faces, each mounted by itself: [`page_at`](Admin::page_at) for people,
//! [`api_at`](Admin::api_at) for programs, and [`probes`](Admin::probes) for an orchestrator. Who may do what is decided by a
//! required argument, an [`Access`]; [`Tokens`] is a simple one. There is no open default.
//!
//! ```no_run
//! # async fn example(booted: mongrate::migrator::Booted, listener: tokio::net::TcpListener) -> Result<(), Box<dyn std::error::Error>> {
//! use mongrate_admin::{Admin, Tokens};
//!
//! let admin = Admin::new(booted.migrator(), Tokens::from_env("ADMIN_API_TOKEN")?).title("shop").build();
//! let app = axum::Router::new()
//!     .merge(admin.page_at("/system/database"))
//!     .merge(admin.api_at("/api/admin/migrations"))
//!     .merge(admin.probes());
//! # let _: axum::Router = app;
//! # Ok(()) }
//! ```

mod access;
mod admin;
mod api;
mod authorization;
mod backfills;
mod call;
mod doc;
mod etag;
mod events;
mod face;
mod faces;
mod filter;
mod guard;
mod host;
mod line;
mod mask;
mod mounts;
mod openapi;
mod origin;
mod page;
mod parameters;
mod patience;
mod prefer;
mod probes;
mod problem;
mod read_only;
mod readiness;
mod redaction;
mod refusals;
mod route;
mod routes;
mod runs;
mod selection;
mod site;
mod tenant_path;
mod tenants;
mod text;
mod theme;
mod tokens;
mod watch;

pub use access::{Action, Grant, Level};
pub use admin::{Admin, AdminBuilder};
pub use authorization::Access;
pub use tokens::{Tokens, TokensError};
