//! A generic wrapper around the driver's actions, with all of their options.

mod driver;

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::FutureExt;
use mongodb::bson::Bson;
use mongodb::error::{Error, Result};
use mongodb::{BoxFuture, ClientSession, Collection};

use super::probe::{Affected, Probe, Shown};
use super::{Shared, ended};
use crate::report::Counts;

/// An operation of a transaction: `.await` sends it.
///
/// The operations of a [`Tx`](crate::context::tx::Tx) run one after the other, in the order in which they were first polled. Each
/// runs to completion, even if its future is no longer polled. A read can be dropped. Dropping a write before it completes fails
/// the migration, because the body cannot know its result.
///
/// `with` sets options of the driver's action and keeps those that are already set. Its closure is called when the operation is
/// sent, so it must own what it captures (`move`).
///
/// ```
/// # use mongrate::{Tx, migration};
/// # use mongodb::bson::{Document, doc};
/// # async fn body(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
/// tx.collection::<Document>("settings")
///     .update_one(doc! { "_id": "theme" }, doc! { "$set": { "dark": true } })
///     .with(|action| action.upsert(true))
///     .await?;
/// # Ok(()) }
/// ```
#[must_use = "an operation does nothing until it is awaited"]
pub struct TxAction<A: Transactional> {
    tx: Arc<Shared>,
    kind: &'static str,
    collection: Collection<A::Item>,
    affected: Affected,
    build: Result<Build<A>>,
}

/// Creates the driver's action, which borrows its collection, right before it is sent.
type Build<A> = Box<
    dyn for<'c> FnOnce(&'c Collection<<A as Transactional>::Item>) -> <A as Transactional>::Action<'c> + Send + 'static,
>;

/// The driver's actions that can run in a transaction.
pub trait Transactional: sealed::Sealed + Sized + 'static {
    /// The driver's action, which borrows its collection.
    type Action<'c>: Send;
    /// The type of documents in the collection.
    type Item: Send + Sync + 'static;
    /// The result of the driver's action.
    type DriverOutput: Send + 'static;
    /// The result of the operation.
    type Output: Send;

    #[doc(hidden)]
    const WRITES: bool;
    #[doc(hidden)]
    fn run<'s>(action: Self::Action<'s>, session: &'s mut ClientSession) -> BoxFuture<'s, Result<Self::DriverOutput>>;
    #[doc(hidden)]
    fn counts(output: &Self::DriverOutput) -> Counts;
    #[doc(hidden)]
    #[must_use]
    fn inserted(_: &Self::DriverOutput) -> Vec<Bson> {
        Vec::new()
    }
    #[doc(hidden)]
    fn convert(output: Self::DriverOutput, origin: Origin) -> Self::Output;
}

/// The transaction of an operation, and the index of the operation in the journal.
#[doc(hidden)]
pub struct Origin(pub(super) Arc<Shared>, usize);

mod sealed {
    pub trait Sealed {}
}

impl<A: Transactional> TxAction<A> {
    pub(super) fn new(
        tx: Arc<Shared>,
        kind: &'static str,
        collection: Collection<A::Item>,
        affected: Affected,
        build: Result<Build<A>>,
    ) -> Self {
        Self { tx, kind, collection, affected, build }
    }

    /// Changes the driver's action, which may become one of another type.
    fn map<B: Transactional<Item = A::Item>>(
        self,
        map: impl for<'c> FnOnce(A::Action<'c>, PhantomData<&'c ()>) -> B::Action<'c> + Send + 'static,
    ) -> TxAction<B> {
        let Self { tx, kind, collection, affected, build } = self;
        let build = build.map(|build| boxed::<B>(move |collection| map(build(collection), PhantomData)));
        TxAction { tx, kind, collection, affected, build }
    }
}

impl<A: Transactional> fmt::Debug for TxAction<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut action = f.debug_struct("TxAction");
        action.field("kind", &self.kind).field("collection", &self.collection.name()).finish_non_exhaustive()
    }
}

pub(super) fn boxed<A: Transactional>(
    build: impl for<'c> FnOnce(&'c Collection<A::Item>) -> A::Action<'c> + Send + 'static,
) -> Build<A> {
    Box::new(build)
}

impl<A: Transactional> IntoFuture for TxAction<A> {
    type Output = Result<A::Output>;
    type IntoFuture = BoxFuture<'static, Result<A::Output>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { tx, kind, collection, affected, build } = self;
            let name = tx.name_of(&collection);
            let build = match build {
                Ok(build) => build,
                Err(error) => return Err(tx.failed(kind, &name, error)),
            };
            let awaited = Awaited { tx: &tx, kind, collection: &name, writes: A::WRITES };
            let turn = Turn { tx: tx.clone(), kind, name: name.clone(), collection, affected, build };
            let result = tx.turns.take(move |session| turn.run(session).boxed()).wait().await;
            awaited.ended();
            let (output, index) = result.unwrap_or_else(|| Err(tx.failed(kind, &name, ended())))?;
            Ok(A::convert(output, Origin(tx, index)))
        })
    }
}

/// An operation in the queue.
struct Turn<A: Transactional> {
    tx: Arc<Shared>,
    kind: &'static str,
    name: String,
    collection: Collection<A::Item>,
    affected: Affected,
    build: Build<A>,
}

impl<A: Transactional> Turn<A> {
    /// Runs the operation and records its result before the next one gets the session. Also returns its index in the journal.
    async fn run(self, session: &mut ClientSession) -> Result<(A::DriverOutput, usize)> {
        let Self { tx, kind, name, collection, affected, build } = self;
        let result = async {
            tx.check_permit()?;
            let Some(probe) = Probe::new(&tx, &collection, affected) else {
                return Ok((A::run(build(&collection), session).await?, Shown::default()));
            };
            let before = probe.before(session).await?;
            let output = A::run(build(&collection), session).await?;
            let shown = probe.after(before, A::inserted(&output), A::counts(&output), session).await?;
            Ok((output, shown))
        };
        match result.await {
            Ok((output, Shown { samples, notes })) => {
                let index = tx.journal.rehearsed(kind, &name, A::counts(&output), samples, notes);
                Ok((output, index))
            }
            Err(error) => Err(tx.failed(kind, &name, error)),
        }
    }
}

/// An operation that the body is waiting for. Dropping a write before [`Awaited::ended`] is an error: the body does not know its
/// result, so the transaction must not commit.
struct Awaited<'a> {
    tx: &'a Shared,
    kind: &'static str,
    collection: &'a str,
    writes: bool,
}

impl Awaited<'_> {
    fn ended(mut self) {
        self.writes = false;
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        if self.writes {
            let error = Error::custom("it was dropped before its result was there; await every write".to_owned());
            self.tx.journal.failed(self.kind, self.collection, &error);
        }
    }
}
