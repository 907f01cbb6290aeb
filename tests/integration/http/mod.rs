//! The admin page and its API, over HTTP.

mod access;
mod acts;
mod confirm;
mod events;
mod execute;
mod openapi;
mod runs;
mod stop;
mod views;
