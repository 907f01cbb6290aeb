//! The page: a file for each view.

pub(crate) mod acts;
pub(crate) mod assets;
mod backfill;
mod banners;
pub(crate) mod curl;
mod forms;
mod found;
pub(crate) mod history;
mod last_seen;
mod layout;
mod leading;
pub(crate) mod lock;
pub(crate) mod migration;
pub(crate) mod overview;
pub(crate) mod plan;
mod problem;
pub(crate) mod run;
pub(crate) mod session;
mod takeover;
pub(crate) mod tenants;
mod view;
mod words;

pub(crate) use leading::{redirect, sign_in_first};
pub(crate) use problem::problem;
