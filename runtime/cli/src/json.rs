//! JSON shapes of commands that work on the source tree; those of the engine are in [`mongrate::json`].

mod check;
mod completions;
mod lock_file;
mod new;

pub(crate) use self::check::{Check, CheckedSource};
pub(crate) use self::completions::Completions;
pub(crate) use self::lock_file::{LockFile, LockFiles};
pub(crate) use self::new::{Add, New};
