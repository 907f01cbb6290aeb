//! The examples of README and guides compile.

#[doc = include_str!("../README.md")]
mod readme {}

#[doc = include_str!("../guide/command-line.md")]
mod command_line {}

#[doc = include_str!("../guide/operating.md")]
mod operating {}

#[doc = include_str!("../guide/rolling-back.md")]
mod rolling_back {}

#[doc = include_str!("../guide/running.md")]
mod running {}

#[doc = include_str!("../guide/writing.md")]
mod writing {}
