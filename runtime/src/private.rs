//! All that generated code may name. Not part of the public interface: anything here may change in any release.

use std::error::Error;
use std::time::Duration;

pub use inventory;
pub use mongodb::BoxFuture;

pub use crate::context::{Argument, Context, PluginArgument};
use crate::migration::{Kind, Source};

/// An error of any type, as a body returned it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A migration's function behind one type: the context knows which argument to hand out.
pub type Body = for<'a> fn(&'a mut Context) -> BoxFuture<'a, Result<(), BoxError>>;

/// What one `#[migration]` declares. A `static` in the expansion, collected by `inventory`.
pub struct Registration {
    /// Qualified id.
    pub id: &'static str,
    /// Where it belongs.
    pub source: Source<'static>,
    /// Qualified ids, `extern` ones among them.
    pub dependencies: &'static [&'static str],
    /// `description = "..."`, or else the doc comment.
    pub description: &'static str,
    /// `t1:<sha256>` of the item's tokens.
    pub checksum: &'static str,
    /// From the type of the argument.
    pub kind: Kind,
    /// The function.
    pub up: Body,
    /// `down = path`.
    pub down: Option<Body>,
    /// `irreversible = "reason"`.
    pub irreversible: Option<&'static str>,
    /// `manual`.
    pub manual: bool,
    /// `timeout = "10m"`.
    pub timeout: Option<Duration>,
    /// `file!()` of the function.
    pub file: &'static str,
    /// `line!()` of the function.
    pub line: u32,
}

inventory::collect!(Registration);
