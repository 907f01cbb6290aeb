//! A generic wrapper around the driver's actions, with all of their options.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::FutureExt;
use mongodb::action::{
    Aggregate, CountDocuments, Delete, Distinct, Find, FindOne, FindOneAndDelete, FindOneAndReplace, FindOneAndUpdate,
    InsertMany, InsertOne, ReplaceOne, Update,
};
use mongodb::bson::{Bson, Document, RawDocumentBuf};
use mongodb::error::{Error, Result};
use mongodb::options::Collation;
use mongodb::results::{DeleteResult, InsertManyResult, InsertOneResult, UpdateResult};
use mongodb::{BoxFuture, ClientSession, Collection, SessionCursor};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::probe::{Affected, Probe, SAMPLES, Shown};
use super::raw::Replaced;
use super::{Shared, TxCursor, ended};
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

    fn set(
        self,
        set: impl for<'c> FnOnce(A::Action<'c>, PhantomData<&'c ()>) -> A::Action<'c> + Send + 'static,
    ) -> Self {
        let build = self.build.map(|build| boxed::<A>(move |collection| set(build(collection), PhantomData)));
        Self { build, ..self }
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
            let name = collection.name().to_owned();
            let build = match build {
                Ok(build) => build,
                Err(error) => return Err(tx.failed(kind, &name, error)),
            };
            let awaited = Awaited { tx: &tx, kind, collection: &name, writes: A::WRITES };
            let turn = Turn { tx: tx.clone(), kind, collection, affected, build };
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
    collection: Collection<A::Item>,
    affected: Affected,
    build: Build<A>,
}

impl<A: Transactional> Turn<A> {
    /// Runs the operation and records its result before the next one gets the session. Also returns its index in the journal.
    async fn run(self, session: &mut ClientSession) -> Result<(A::DriverOutput, usize)> {
        let Self { tx, kind, collection, affected, build } = self;
        let result = async {
            tx.check_permit()?;
            let Some(probe) = Probe::new(&tx, collection.name(), affected) else {
                return Ok((A::run(build(&collection), session).await?, Shown::default()));
            };
            let before = probe.before(session).await?;
            let output = A::run(build(&collection), session).await?;
            let shown = probe.after(before, A::inserted(&output), A::counts(&output), session).await?;
            Ok((output, shown))
        };
        match result.await {
            Ok((output, Shown { samples, notes })) => {
                let index = tx.journal.rehearsed(kind, collection.name(), A::counts(&output), samples, notes);
                Ok((output, index))
            }
            Err(error) => Err(tx.failed(kind, collection.name(), error)),
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

/// Implements [`Transactional`] for one of the driver's actions: whether it writes, the type of documents, its result, and its
/// counts.
macro_rules! transactional {
    (
        $writes:literal [$($generics:tt)*] $action:ident $(<$of:ty>)? on $item:ty => $output:ty,
        |$result:pat_param| $counts:expr
        $(, |$new:pat_param| $inserted:expr)?
    ) => {
        transactional! {
            $writes [$($generics)*] $action $(<$of>)? on $item => $output, $output, |output, _| output, |$result| $counts
            $(, |$new| $inserted)?
        }
    };
    (
        $writes:literal [$($generics:tt)*] $action:ident $(<$of:ty>)? on $item:ty => $output:ty, $given:ty,
        |$found:pat_param, $tx:pat_param| $convert:expr, |$result:pat_param| $counts:expr
        $(, |$new:pat_param| $inserted:expr)?
    ) => {
        impl<$($generics)*> TxAction<$action<'static $(, $of)?>> {
            /// Sets options of the driver's action.
            pub fn with(
                self,
                set: impl for<'c> FnOnce($action<'c $(, $of)?>) -> $action<'c $(, $of)?> + Send + 'static,
            ) -> Self {
                let mut pending = self.set(|action, _| set(action));
                pending.affected.with_options();
                pending
            }
        }
        impl<$($generics)*> sealed::Sealed for $action<'static $(, $of)?> {}
        impl<$($generics)*> Transactional for $action<'static $(, $of)?> {
            type Action<'c> = $action<'c $(, $of)?>;
            type Item = $item;
            type DriverOutput = $output;
            type Output = $given;
            const WRITES: bool = $writes;
            fn run<'s>(action: Self::Action<'s>, session: &'s mut ClientSession) -> BoxFuture<'s, Result<$output>> {
                Box::pin(async move { action.session(session).await })
            }
            fn counts($result: &$output) -> Counts {
                $counts
            }
            $(fn inserted($new: &$output) -> Vec<Bson> {
                $inserted
            })?
            fn convert($found: $output, $tx: Origin) -> $given {
                $convert
            }
        }
    };
}

transactional!(true [] InsertOne on RawDocumentBuf => InsertOneResult,
    |_| Counts { inserted: 1, ..Counts::default() },
    |result| vec![result.inserted_id.clone()]
);
transactional!(true [] InsertMany on RawDocumentBuf => InsertManyResult,
    |result| Counts { inserted: result.inserted_ids.len() as u64, ..Counts::default() },
    // The driver numbers them by their position in the call.
    |result| (0..SAMPLES).filter_map(|index| result.inserted_ids.get(&index).cloned()).collect()
);
transactional!(true [] Update on Document => UpdateResult, |result| updated(result), |result| upserted(result));
transactional!(true [] ReplaceOne on RawDocumentBuf => UpdateResult, |result| updated(result), |result| upserted(result));
transactional!(true [] Delete on Document => DeleteResult,
    |result| Counts { deleted: result.deleted_count, ..Counts::default() }
);
transactional!(false [] CountDocuments on Document => u64, |count| Counts { matched: *count, ..Counts::default() });
transactional!(false [] Distinct on Document => Vec<Bson>, |_| Counts::default());
transactional!(false [T: DeserializeOwned + Send + Sync + 'static] FindOne<T> on T => Option<T>,
    |found| Counts { matched: u64::from(found.is_some()), ..Counts::default() }
);
transactional!(true [T: DeserializeOwned + Send + Sync + 'static] FindOneAndUpdate<T> on T => Option<T>,
    |found| found_and_modified(found.is_some())
);
transactional!(true [T: Serialize + DeserializeOwned + Send + Sync + 'static]
    FindOneAndReplace<Replaced<T>> on Replaced<T> => Option<Replaced<T>>, Option<T>,
    |found, _| found.and_then(Replaced::found),
    |found| found_and_modified(found.is_some())
);
transactional!(true [T: DeserializeOwned + Send + Sync + 'static] FindOneAndDelete<T> on T => Option<T>,
    |found| Counts { deleted: u64::from(found.is_some()), ..Counts::default() }
);
// These two return a cursor, which continues to use the transaction.
transactional!(false [T: DeserializeOwned + Send + Sync + 'static] Find<T> on T => SessionCursor<T>, TxCursor<T>,
    |cursor, tx| TxCursor::new(tx.0, cursor, tx.1), |_| Counts::default()
);
transactional!(false [] Aggregate on Document => SessionCursor<Document>, TxCursor<Document>,
    |cursor, tx| TxCursor::new(tx.0, cursor, tx.1), |_| Counts::default()
);

/// Implements `collation` for an action, so that a dry run can use it.
macro_rules! collated {
    ($([$($generics:tt)*] $action:ident $(<$of:ty>)?;)*) => {
        $(impl<$($generics)*> TxAction<$action<'static $(, $of)?>> {
            /// Sets the rules by which the filter compares strings. A dry run can use them only if they are set here, and not
            /// through `with`.
            pub fn collation(mut self, collation: Collation) -> Self {
                self.affected.collate(&collation);
                self.set(|action, _| action.collation(collation))
            }
        })*
    };
}

collated! {
    [] Update;
    [] ReplaceOne;
    [] Delete;
    [T: DeserializeOwned + Send + Sync + 'static] FindOneAndUpdate<T>;
    [T: Serialize + DeserializeOwned + Send + Sync + 'static] FindOneAndReplace<Replaced<T>>;
    [T: DeserializeOwned + Send + Sync + 'static] FindOneAndDelete<T>;
}

fn updated(result: &UpdateResult) -> Counts {
    Counts {
        matched: result.matched_count,
        modified: result.modified_count,
        inserted: u64::from(result.upserted_id.is_some()),
        ..Counts::default()
    }
}

fn found_and_modified(found: bool) -> Counts {
    Counts { matched: u64::from(found), modified: u64::from(found), ..Counts::default() }
}

fn upserted(result: &UpdateResult) -> Vec<Bson> {
    result.upserted_id.iter().cloned().collect()
}
