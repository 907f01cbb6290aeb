//! From the user's function to one that the executor can call.

use std::error::Error;

use super::{Argument, BoxFuture, Context};
use crate::migration::Kind;

/// An error of any type, as a body returned it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A migration's function behind one type: the context knows which argument to hand out.
pub type Body = for<'a> fn(&'a mut Context) -> BoxFuture<'a, Result<(), BoxError>>;

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

#[diagnostic::do_not_recommend]
impl<E: Failure> Outcome for Result<(), E> {
    fn boxed(self) -> Result<(), BoxError> {
        self.map_err(Failure::boxed)
    }
}

/// What a migration may fail with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error that a migration can return",
    label = "this does not become a `Box<dyn Error + Send + Sync>`",
    note = "`mongrate::Error`, `mongodb::error::Error`, `anyhow::Error` and whatever implements `std::error::Error + Send + Sync` will do"
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
pub fn run<'a, T: Outcome>(body: impl Future<Output = T> + Send + 'a) -> BoxFuture<'a, Result<(), BoxError>> {
    Box::pin(async move { body.await.boxed() })
}

/// How a `down` runs.
pub const fn kind_of<'a, A: Argument<'a>, R>(_: fn(A) -> R) -> Kind {
    A::KIND
}
