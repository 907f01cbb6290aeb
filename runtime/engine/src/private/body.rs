//! From the user's function to one that the executor can call.

use std::time::Duration;

use mongodb::Database;

use super::BoxFuture;
use crate::context::argument::{Argument, PluginArgument, Takes};
use crate::migration::registration::{BoxError, Context, Run};
use crate::migration::{Effect, Kind};

/// A migration's function, with the error type of its return type still to be erased.
///
/// The first two come from the types in the signature, so that what rustc says about these types is at their places. A
/// bound on `O` would say it again.
pub struct Up<T, O, F>(pub T, pub fn(O) -> Result<(), BoxError>, pub F);

impl<T, O, F> Run for Up<T, O, F>
where
    T: Takes,
    F: for<'a> Migrating<'a, T::Argument<'a>, O> + Sync,
{
    fn kind(&self) -> Kind {
        T::Argument::KIND
    }

    fn run<'a>(&self, context: &'a mut Context) -> BoxFuture<'a, Result<(), BoxError>> {
        self.2.call(Argument::from_context(context), self.1)
    }
}

/// A migration's function for one lifetime of its argument.
pub trait Migrating<'a, A, O> {
    /// Calls the function and boxes its future.
    fn call(&self, argument: A, boxed: fn(O) -> Result<(), BoxError>) -> BoxFuture<'a, Result<(), BoxError>>;
}

impl<'a, A, O, F, R> Migrating<'a, A, O> for F
where
    F: Fn(A) -> R,
    R: Future<Output = O> + Send + 'a,
    O: 'a,
{
    fn call(&self, argument: A, boxed: fn(O) -> Result<(), BoxError>) -> BoxFuture<'a, Result<(), BoxError>> {
        let future = self(argument);
        Box::pin(async move { boxed(future.await) })
    }
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

/// The function of a `down`, of which only the path is known.
///
/// Whatever generated code wants of it goes through here, so that rustc says once what is wrong with it.
#[derive(Debug)]
pub struct Reversal<A, R>(fn(A) -> R);

/// The time limit of a migration. Fails the build for a kind that has none.
#[track_caller]
#[must_use]
pub const fn timeout(kind: Kind, seconds: u64) -> Duration {
    assert!(
        !matches!(kind, Kind::Backfill),
        "a backfill has no `timeout`, because it goes on while other migrations run: remove the argument"
    );
    Duration::from_secs(seconds)
}

/// Takes the function of a `down`.
#[must_use]
pub const fn reversal<A, R>(function: fn(A) -> R) -> Reversal<A, R> {
    Reversal(function)
}

/// How a `down` runs.
#[must_use]
pub const fn kind_of<'a, A: Argument<'a>, R>(_: &Reversal<A, R>) -> Kind {
    A::KIND
}

/// How a plugin's `down` runs.
#[must_use]
pub const fn plugin_kind_of<'a, A: PluginArgument<'a>, R>(_: &Reversal<A, R>) -> Kind {
    A::KIND
}

impl<A, R> Reversal<A, R> {
    /// Calls it.
    pub fn call(self, argument: A) -> R {
        (self.0)(argument)
    }
}

/// What the function of a `down` comes back with.
#[diagnostic::on_unimplemented(
    message = "a `down` is an `async fn` that returns `Result<(), E>`, as a migration is",
    label = "not such a function",
    note = "a `down` is `async fn name(tx: &mut Tx) -> Result<(), mongrate::Error>`, with an error of any type, as in a migration"
)]
pub trait Reverting: Future {
    /// The error behind one type.
    fn boxed(output: Self::Output) -> Result<(), BoxError>;
}

#[diagnostic::do_not_recommend]
impl<R: Future<Output: Outcome>> Reverting for R {
    fn boxed(output: Self::Output) -> Result<(), BoxError> {
        output.boxed()
    }
}

/// Boxes the future of a `down`.
pub fn revert<'a, R: Reverting + Send + 'a>(body: R) -> BoxFuture<'a, Result<(), BoxError>> {
    Box::pin(async move { R::boxed(body.await) })
}

/// Calls a verify function. What rustc has to say of its arguments is said about a whole function here.
pub fn look<'a, R>(function: fn(&'a Database) -> R, database: &'a Database) -> R {
    function(database)
}

/// What a verify function comes back with.
#[diagnostic::on_unimplemented(
    message = "a verify function is `async fn name(db: &Database) -> Effect`, or it returns `bool` or a `Result` of either",
    label = "not such a function",
    note = "`Effect::Present` is evidence that the migration was applied; `true` only says that nothing is missing",
    note = "the error of a `Result` is of any type, as in a migration: `mongrate::Error`, `mongodb::error::Error`, `anyhow::Error` will do"
)]
pub trait Verifying: Future {
    /// The error behind one type.
    fn boxed(output: Self::Output) -> Result<Effect, BoxError>;
}

#[diagnostic::do_not_recommend]
impl<R: Future<Output: Verdict>> Verifying for R {
    fn boxed(output: Self::Output) -> Result<Effect, BoxError> {
        output.boxed()
    }
}

/// Boxes the future of a verify function.
pub fn verify<'a, R: Verifying + Send + 'a>(body: R) -> BoxFuture<'a, Result<Effect, BoxError>> {
    Box::pin(async move { R::boxed(body.await) })
}

/// What a verify function may return.
pub trait Verdict {
    /// The error behind one type.
    fn boxed(self) -> Result<Effect, BoxError>;
}

impl Verdict for Effect {
    fn boxed(self) -> Result<Effect, BoxError> {
        Ok(self)
    }
}

/// A postcondition, which may hold where the migration never ran.
impl Verdict for bool {
    fn boxed(self) -> Result<Effect, BoxError> {
        Ok(if self { Effect::Undecided } else { Effect::Absent })
    }
}

impl<V: Verdict, E: Failure> Verdict for Result<V, E> {
    fn boxed(self) -> Result<Effect, BoxError> {
        self.map_err(Failure::boxed)?.boxed()
    }
}
