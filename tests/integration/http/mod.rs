//! The admin page and its API, over HTTP.

mod access;
mod openapi;
mod runs;
