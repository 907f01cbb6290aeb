//! What a `Tx` can do, and that it does it inside its transaction.

mod cursors;
mod isolation;
mod operations;
mod turns;
