//! One generic wrapper around the driver's own actions, so that all of their options stay.

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

use super::probe::{Aim, Probe, SAMPLES, Shown};
use super::raw::Replaced;
use super::{Shared, TxCursor, ended};
use crate::report::Counts;

/// An operation of a transaction, not sent yet: `.await` sends it.
///
/// The operations of one [`Tx`](crate::context::tx::Tx) run one after the other, in the order in which they were first polled. Each
/// runs to its end, even if its future is not polled any more. An operation that reads may be dropped. A write whose
/// future is dropped before its result was there fails the migration, because the body cannot know what it did.
///
/// `with` sets options of the driver's own action. Its closure is called when the operation is sent, so it owns what it
/// uses (`move`).
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
    aim: Aim,
    build: Result<Build<A>>,
}

/// Makes the driver's action, which borrows its collection, when its turn has come.
type Build<A> = Box<
    dyn for<'c> FnOnce(&'c Collection<<A as Transactional>::Item>) -> <A as Transactional>::Action<'c> + Send + 'static,
>;

/// The driver's actions that can run in a transaction.
pub trait Transactional: sealed::Sealed + Sized + 'static {
    /// The action, which borrows its collection.
    type Action<'c>: Send;
    /// What the collection holds.
    type Item: Send + Sync + 'static;
    /// What the driver gives back.
    type Output: Send + 'static;
    /// What the caller gets.
    type Given: Send;

    #[doc(hidden)]
    const WRITES: bool;
    #[doc(hidden)]
    fn run<'s>(action: Self::Action<'s>, session: &'s mut ClientSession) -> BoxFuture<'s, Result<Self::Output>>;
    #[doc(hidden)]
    fn counts(output: &Self::Output) -> Counts;
    #[doc(hidden)]
    #[must_use]
    fn inserted(_: &Self::Output) -> Vec<Bson> {
        Vec::new()
    }
    #[doc(hidden)]
    fn give(output: Self::Output, tx: Given) -> Self::Given;
}

/// What a result may need of its transaction.
#[doc(hidden)]
pub struct Given(pub(super) Arc<Shared>, usize);

mod sealed {
    pub trait Sealed {}
}

impl<A: Transactional> TxAction<A> {
    pub(super) fn new(
        tx: Arc<Shared>,
        kind: &'static str,
        collection: Collection<A::Item>,
        aim: Aim,
        build: Result<Build<A>>,
    ) -> Self {
        Self { tx, kind, collection, aim, build }
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
    type Output = Result<A::Given>;
    type IntoFuture = BoxFuture<'static, Result<A::Given>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { tx, kind, collection, aim, build } = self;
            let name = collection.name().to_owned();
            let build = match build {
                Ok(build) => build,
                Err(error) => return Err(tx.failed(kind, &name, error)),
            };
            let awaited = Awaited { tx: &tx, kind, collection: &name, writes: A::WRITES };
            let turn = Turn { tx: tx.clone(), kind, collection, aim, build };
            let result = tx.turns.take(move |session| turn.run(session).boxed()).wait().await;
            awaited.ended();
            let (output, place) = result.unwrap_or_else(|| Err(tx.failed(kind, &name, ended())))?;
            Ok(A::give(output, Given(tx, place)))
        })
    }
}

/// An operation that was polled for the first time.
struct Turn<A: Transactional> {
    tx: Arc<Shared>,
    kind: &'static str,
    collection: Collection<A::Item>,
    aim: Aim,
    build: Build<A>,
}

impl<A: Transactional> Turn<A> {
    /// Runs it and notes how it ended, before anybody else has the session. Gives its place among the notes, too.
    async fn run(self, session: &mut ClientSession) -> Result<(A::Output, usize)> {
        let Self { tx, kind, collection, aim, build } = self;
        let result = async {
            tx.may_go_on()?;
            let Some(probe) = Probe::new(&tx, collection.name(), aim) else {
                return Ok((A::run(build(&collection), session).await?, Shown::default()));
            };
            let before = probe.before(session).await?;
            let output = A::run(build(&collection), session).await?;
            let shown = probe.after(before, A::inserted(&output), A::counts(&output), session).await?;
            Ok((output, shown))
        };
        match result.await {
            Ok((output, Shown { samples, notes })) => {
                let place = tx.journal.rehearsed(kind, collection.name(), A::counts(&output), samples, notes);
                Ok((output, place))
            }
            Err(error) => Err(tx.failed(kind, collection.name(), error)),
        }
    }
}

/// An operation that somebody waits for. Dropped before [`Awaited::ended`], a write is an error: the body does not know
/// what has become of it, so the transaction must not commit.
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

/// Implements [`Transactional`] for one of the driver's actions: what its collection holds, whether it writes, what it
/// gives, and its counts.
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
        |$found:pat_param, $tx:pat_param| $give:expr, |$result:pat_param| $counts:expr
        $(, |$new:pat_param| $inserted:expr)?
    ) => {
        impl<$($generics)*> TxAction<$action<'static $(, $of)?>> {
            /// Sets options of the driver's own action.
            pub fn with(
                self,
                set: impl for<'c> FnOnce($action<'c $(, $of)?>) -> $action<'c $(, $of)?> + Send + 'static,
            ) -> Self {
                let mut pending = self.set(|action, _| set(action));
                pending.aim.with_options();
                pending
            }
        }
        impl<$($generics)*> sealed::Sealed for $action<'static $(, $of)?> {}
        impl<$($generics)*> Transactional for $action<'static $(, $of)?> {
            type Action<'c> = $action<'c $(, $of)?>;
            type Item = $item;
            type Output = $output;
            type Given = $given;
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
            fn give($found: $output, $tx: Given) -> $given {
                $give
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
    // By their places in the call.
    |result| (0..SAMPLES).filter_map(|place| result.inserted_ids.get(&place).cloned()).collect()
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
// These two give a cursor, which goes on using the transaction.
transactional!(false [T: DeserializeOwned + Send + Sync + 'static] Find<T> on T => SessionCursor<T>, TxCursor<T>,
    |cursor, tx| TxCursor::new(tx.0, cursor, tx.1), |_| Counts::default()
);
transactional!(false [] Aggregate on Document => SessionCursor<Document>, TxCursor<Document>,
    |cursor, tx| TxCursor::new(tx.0, cursor, tx.1), |_| Counts::default()
);

/// A collation that a dry run knows of.
macro_rules! collated {
    ($([$($generics:tt)*] $action:ident $(<$of:ty>)?;)*) => {
        $(impl<$($generics)*> TxAction<$action<'static $(, $of)?>> {
            /// The rules by which the filter compares texts. A dry run then looks for the documents by the same rules, which it
            /// cannot when they are set through `with`.
            pub fn collation(mut self, collation: Collation) -> Self {
                self.aim.collate(&collation);
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
