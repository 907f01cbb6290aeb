//! Servers that cannot be reached, and users that may not do everything.

mod guarded;
mod privileges;
mod unreachable;
