//! Operations of `Tx` in its transaction.

mod cursors;
mod database;
mod each;
mod isolation;
mod operations;
mod turns;
mod typed;
