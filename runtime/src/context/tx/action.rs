//! One generic wrapper around the driver's own actions, so that all of their options stay.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use mongodb::action::{
    Aggregate, CountDocuments, Delete, Distinct, Find, FindOne, FindOneAndDelete, FindOneAndReplace, FindOneAndUpdate,
    InsertMany, InsertOne, ReplaceOne, Update,
};
use mongodb::bson::{Bson, Document};
use mongodb::error::Result;
use mongodb::results::{DeleteResult, InsertManyResult, InsertOneResult, UpdateResult};
use mongodb::{BoxFuture, ClientSession, SessionCursor};
use serde::de::DeserializeOwned;

use super::probe::{Aim, Probe, SAMPLES};
use super::{Shared, TxCursor, open};
use crate::context::operation::Counts;

/// An operation of a transaction, not sent yet: `.await` sends it.
#[must_use = "an operation does nothing until it is awaited"]
pub struct Pending<'c, A> {
    tx: Arc<Shared>,
    kind: &'static str,
    collection: String,
    aim: Aim,
    action: Result<A>,
    /// The action borrows the collection.
    collection_lifetime: PhantomData<&'c ()>,
}

/// The driver's actions that can run in a transaction.
pub trait Transactional: sealed::Sealed + Send + Sized {
    /// What the driver gives back.
    type Output: Send;
    /// What the caller gets.
    type Given: Send;

    #[doc(hidden)]
    fn run<'s>(self, session: &'s mut ClientSession) -> BoxFuture<'s, Result<Self::Output>>
    where
        Self: 's;
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

impl<A> Pending<'_, A> {
    pub(super) fn new(tx: Arc<Shared>, kind: &'static str, collection: &str, aim: Aim, action: Result<A>) -> Self {
        Self { tx, kind, collection: collection.to_owned(), aim, action, collection_lifetime: PhantomData }
    }

    /// Sets options of the driver's own action.
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
    pub fn with(mut self, set: impl FnOnce(A) -> A) -> Self {
        self.action = self.action.map(set);
        self
    }
}

impl<'c, A: Transactional + 'c> IntoFuture for Pending<'c, A> {
    type Output = Result<A::Given>;
    type IntoFuture = BoxFuture<'c, Result<A::Given>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { tx, kind, collection, aim, action, .. } = self;
            let probe = Probe::new(&tx, &collection, aim);
            // Kept until it is noted how the operation ended: whoever takes the session back reads the notes next.
            let mut entered = None;
            let result = async {
                let action = action?;
                let entered = entered.insert(tx.enter().await?);
                let session = open(entered)?;
                let under_way = tx.journal.begins(kind, &collection);
                let result = async {
                    let Some(probe) = probe else { return Ok((action.run(session).await?, Vec::new())) };
                    let before = probe.before(session).await?;
                    let output = action.run(session).await?;
                    let samples = probe.after(before, A::inserted(&output), session).await?;
                    Ok((output, samples))
                }
                .await;
                under_way.ended();
                result
            }
            .await;
            let result = match result {
                Ok((output, samples)) => {
                    let place = tx.journal.succeeded(kind, &collection, A::counts(&output), samples);
                    Ok((output, place))
                }
                Err(error) => {
                    tx.journal.failed(kind, &collection, &error);
                    Err(error)
                }
            };
            drop(entered);
            result.map(|(output, place)| A::give(output, Given(tx, place)))
        })
    }
}

/// Implements [`Transactional`] for one of the driver's actions: its type, what it gives, and its counts.
macro_rules! transactional {
    ([$($generics:tt)*] $action:ty => $output:ty, |$result:pat_param| $counts:expr $(, |$new:pat_param| $inserted:expr)?) => {
        impl<'a, $($generics)*> sealed::Sealed for $action {}
        impl<'a, $($generics)*> Transactional for $action {
            type Output = $output;
            type Given = $output;
            fn run<'s>(self, session: &'s mut ClientSession) -> BoxFuture<'s, Result<$output>>
            where
                Self: 's,
            {
                Box::pin(async move { self.session(session).await })
            }
            fn counts($result: &$output) -> Counts {
                $counts
            }
            $(fn inserted($new: &$output) -> Vec<Bson> {
                $inserted
            })?
            fn give(output: $output, _: Given) -> $output {
                output
            }
        }
    };
}

transactional!([] InsertOne<'a> => InsertOneResult,
    |_| Counts { inserted: 1, ..Counts::default() },
    |result| vec![result.inserted_id.clone()]
);
transactional!([] InsertMany<'a> => InsertManyResult,
    |result| Counts { inserted: result.inserted_ids.len() as u64, ..Counts::default() },
    // By their places in the call.
    |result| (0..SAMPLES).filter_map(|place| result.inserted_ids.get(&place).cloned()).collect()
);
transactional!([] Update<'a> => UpdateResult, |result| updated(result), |result| upserted(result));
transactional!([] ReplaceOne<'a> => UpdateResult, |result| updated(result), |result| upserted(result));
transactional!([] Delete<'a> => DeleteResult, |result| Counts { deleted: result.deleted_count, ..Counts::default() });
transactional!([] CountDocuments<'a> => u64, |count| Counts { matched: *count, ..Counts::default() });
transactional!([] Distinct<'a> => Vec<Bson>, |_| Counts::default());
transactional!([T: DeserializeOwned + Send + Sync] FindOne<'a, T> => Option<T>, |found| Counts {
    matched: u64::from(found.is_some()),
    ..Counts::default()
});
transactional!([T: DeserializeOwned + Send + Sync] FindOneAndUpdate<'a, T> => Option<T>, |found| Counts {
    matched: u64::from(found.is_some()),
    modified: u64::from(found.is_some()),
    ..Counts::default()
});
transactional!([T: DeserializeOwned + Send + Sync] FindOneAndReplace<'a, T> => Option<T>, |found| Counts {
    matched: u64::from(found.is_some()),
    modified: u64::from(found.is_some()),
    ..Counts::default()
});
transactional!([T: DeserializeOwned + Send + Sync] FindOneAndDelete<'a, T> => Option<T>, |found| Counts {
    deleted: u64::from(found.is_some()),
    ..Counts::default()
});

fn updated(result: &UpdateResult) -> Counts {
    Counts {
        matched: result.matched_count,
        modified: result.modified_count,
        inserted: u64::from(result.upserted_id.is_some()),
        ..Counts::default()
    }
}

fn upserted(result: &UpdateResult) -> Vec<Bson> {
    result.upserted_id.iter().cloned().collect()
}

/// The same for the two that give a cursor, which goes on using the transaction.
macro_rules! transactional_cursor {
    ([$($generics:tt)*] $action:ty => $item:ty) => {
        impl<'a, $($generics)*> sealed::Sealed for $action {}
        impl<'a, $($generics)*> Transactional for $action {
            type Output = SessionCursor<$item>;
            type Given = TxCursor<$item>;
            fn run<'s>(self, session: &'s mut ClientSession) -> BoxFuture<'s, Result<SessionCursor<$item>>>
            where
                Self: 's,
            {
                Box::pin(async move { self.session(session).await })
            }
            fn counts(_: &SessionCursor<$item>) -> Counts {
                Counts::default()
            }
            fn give(output: SessionCursor<$item>, tx: Given) -> TxCursor<$item> {
                TxCursor::new(tx.0, output, tx.1)
            }
        }
    };
}

transactional_cursor!([T: DeserializeOwned + Send + Sync] Find<'a, T> => T);
transactional_cursor!([] Aggregate<'a> => Document);
