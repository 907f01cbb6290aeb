//! The admin page and its API, over HTTP.

mod access;
mod acts;
mod confirm;
mod events;
mod execute;
mod history;
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
mod views;
