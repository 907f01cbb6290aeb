//! Operations of `Tx` in its transaction.

mod cursors;
mod isolation;
mod operations;
mod turns;
