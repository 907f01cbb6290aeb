//! Servers that cannot be reached, and users that may not do everything.

pub(crate) mod guarded;
mod privileges;
mod unreachable;
