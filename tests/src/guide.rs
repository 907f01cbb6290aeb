//! Compiles the examples in README.md and the guides.

#[doc = include_str!("../../README.md")]
mod readme {}

#[doc = include_str!("../../docs/guide/admin.md")]
mod admin {}

#[doc = include_str!("../../docs/guide/adopting.md")]
mod adopting {}

#[doc = include_str!("../../docs/guide/backfills.md")]
mod backfills {}

#[doc = include_str!("../../docs/guide/command-line.md")]
mod command_line {}

#[doc = include_str!("../../docs/guide/operating.md")]
mod operating {}

#[doc = include_str!("../../docs/guide/recipes.md")]
mod recipes {}

#[doc = include_str!("../../docs/guide/rolling-back.md")]
mod rolling_back {}

#[doc = include_str!("../../docs/guide/running.md")]
mod running {}

#[doc = include_str!("../../docs/guide/writing.md")]
mod writing {}
