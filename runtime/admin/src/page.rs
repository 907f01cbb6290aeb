//! The page: a file for each view.

pub(crate) mod assets;
mod banners;
mod layout;
mod leading;
pub(crate) mod overview;
mod problem;
pub(crate) mod session;
mod view;
mod words;

pub(crate) use leading::{redirect, sign_in_first};
pub(crate) use problem::problem;
