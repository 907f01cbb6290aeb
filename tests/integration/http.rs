//! The admin page and its API, over HTTP.

mod access;
mod acts;
mod browser;
mod confirm;
mod csrf;
mod events;
mod execute;
mod failures;
mod graph;
mod headers;
mod history;
mod input;
mod levels;
mod open;
mod openapi;
mod page;
mod probes;
mod runs;
mod session;
mod show;
mod status;
mod stop;
mod story;
mod tenants;
mod tokens;
mod views;
