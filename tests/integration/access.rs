//! Unreachable servers and restricted users.

pub(crate) mod guarded;
mod privileges;
mod unreachable;
