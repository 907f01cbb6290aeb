//! From the user's function to one that the executor can call.

use std::error::Error;

use super::{Argument, BoxFuture, Context, PluginArgument};
use crate::migration::Kind;

/// An error of any type, as a body returned it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A migration's function behind one type: the context knows which argument to hand out.
pub type Body = for<'a> fn(&'a mut Context) -> BoxFuture<'a, Result<(), BoxError>>;

/// `verify = path`: whether the migration has had its effect.
pub type Verify = for<'a> fn(&'a mongodb::Database) -> BoxFuture<'a, Result<bool, BoxError>>;

/// `down = path`: its argument may be of another kind than that of the migration.
#[derive(Clone, Copy, Debug)]
pub struct Down {
    /// From the type of the argument.
    pub kind: Kind,
    /// The function.
    pub body: Body,
}

/// What a migration may return.
#[diagnostic::on_unimplemented(
    message = "a migration returns `Result<(), E>`, not `{Self}`",
    label = "not what a migration returns",
    note = "a migration is `async fn name(tx: &mut Tx) -> Result<(), mongrate::Error>`"
)]
pub trait Outcome {
    /// The error behind one type.
    fn boxed(self) -> Result<(), BoxError>;
}

impl<E: Failure> Outcome for Result<(), E> {
    fn boxed(self) -> Result<(), BoxError> {
        self.map_err(Failure::boxed)
    }
}

/// What a migration may fail with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error that a migration can return",
    label = "this does not become a `Box<dyn Error + Send + Sync>`",
    note = "`mongrate::Error`, `mongodb::error::Error`, `anyhow::Error`, `Box<dyn Error + Send + Sync>` and whatever implements `std::error::Error + Send + Sync` will do"
)]
pub trait Failure {
    /// The error behind one type.
    fn boxed(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> Failure for E {
    fn boxed(self) -> BoxError {
        self.into()
    }
}

/// Boxes the future of a migration.
///
/// `boxed` is `Outcome::boxed`: a bound in its place would put a note about this function under every error.
pub fn run<'a, T>(
    body: impl Future<Output = T> + Send + 'a,
    boxed: fn(T) -> Result<(), BoxError>,
) -> BoxFuture<'a, Result<(), BoxError>>
where
    T: 'a,
{
    Box::pin(async move { boxed(body.await) })
}

/// How a plugin's migration with this argument runs.
#[must_use]
pub const fn plugin_kind<'a, A: PluginArgument<'a>>() -> Kind {
    A::KIND
}

/// How a `down` runs, of which only the path is known.
#[must_use]
pub const fn kind_of<'a, A: Argument<'a>, R>(_: fn(A) -> R) -> Kind {
    A::KIND
}

/// How a plugin's `down` runs, of which only the path is known.
#[must_use]
pub const fn plugin_kind_of<'a, A: PluginArgument<'a>, R>(_: fn(A) -> R) -> Kind {
    A::KIND
}
