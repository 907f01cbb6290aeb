//! The driver's actions that can run in a transaction.

use mongodb::action::{
    Aggregate, CountDocuments, Delete, Distinct, Find, FindOne, FindOneAndDelete, FindOneAndReplace, FindOneAndUpdate,
    ImplicitSession, InsertMany, InsertOne, ReplaceOne, Update,
};
use mongodb::bson::{Bson, Document, RawDocumentBuf};
use mongodb::error::Result;
use mongodb::options::Collation;
use mongodb::results::{DeleteResult, InsertManyResult, InsertOneResult, UpdateResult};
use mongodb::{BoxFuture, ClientSession, SessionCursor};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Origin, Transactional, TxAction, sealed};
use crate::context::tx::each::Updated;
use crate::context::tx::probe::SAMPLES;
use crate::context::tx::raw::Replaced;
use crate::context::tx::{TxCursor, UpdateEach};
use crate::report::Counts;

/// Implements [`Transactional`] for one of the driver's actions: whether it writes, the type of documents, its result, and its
/// counts.
macro_rules! transactional {
    (
        $writes:literal [$($generics:tt)*] $action:ident $(<$($of:ty),+>)? on $item:ty => $output:ty,
        |$result:pat_param| $counts:expr
        $(, |$new:pat_param| $inserted:expr)?
    ) => {
        transactional! {
            $writes [$($generics)*] $action $(<$($of),+>)? on $item => $output, $output, |output, _| output, |$result| $counts
            $(, |$new| $inserted)?
        }
    };
    (
        $writes:literal [$($generics:tt)*] $action:ident $(<$($of:ty),+>)? on $item:ty => $output:ty, $given:ty,
        |$found:pat_param, $tx:pat_param| $convert:expr, |$result:pat_param| $counts:expr
        $(, |$new:pat_param| $inserted:expr)?
    ) => {
        impl<$($generics)*> TxAction<$action<'static $($(, $of)+)?>> {
            /// Sets options of the driver's action.
            pub fn with(
                self,
                set: impl for<'c> FnOnce($action<'c $($(, $of)+)?>) -> $action<'c $($(, $of)+)?> + Send + 'static,
            ) -> Self {
                let mut pending = self.map(|action, _| set(action));
                pending.affected.with_options();
                pending
            }
        }
        impl<$($generics)*> sealed::Sealed for $action<'static $($(, $of)+)?> {}
        impl<$($generics)*> Transactional for $action<'static $($(, $of)+)?> {
            type Action<'c> = $action<'c $($(, $of)+)?>;
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
transactional!(true [] UpdateEach on Document => Updated, Counts,
    |updated, _| updated.counts, |updated| updated.counts, |updated| updated.upserted.iter().take(SAMPLES).cloned().collect()
);
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
transactional!(false [T: DeserializeOwned + Send + Sync + 'static]
    Aggregate<ImplicitSession, T> on Document => SessionCursor<T>, TxCursor<T>,
    |cursor, tx| TxCursor::new(tx.0, cursor, tx.1), |_| Counts::default()
);

impl<T: DeserializeOwned + Send + Sync + 'static> TxAction<Aggregate<'static, ImplicitSession, T>> {
    /// Sets the type of the results. See [`Aggregate::with_type`].
    ///
    /// ```
    /// # use mongodb::bson::{Document, doc};
    /// #[derive(serde::Deserialize)]
    /// struct Total {
    ///     #[serde(rename = "_id")]
    ///     customer: String,
    ///     cents: i64,
    /// }
    ///
    /// # async fn body(tx: &mut mongrate::Tx) -> Result<(), mongodb::error::Error> {
    /// let group = doc! { "$group": { "_id": "$customer", "cents": { "$sum": "$cents" } } };
    /// let totals = tx.collection::<Document>("orders").aggregate([group]).with_type::<Total>().await?.collect().await?;
    /// # Ok(()) }
    /// ```
    pub fn with_type<U: DeserializeOwned + Send + Sync + 'static>(
        self,
    ) -> TxAction<Aggregate<'static, ImplicitSession, U>> {
        self.map(|action, _| action.with_type())
    }
}

/// Implements `collation` for an action, so that a dry run can use it.
macro_rules! collated {
    ($([$($generics:tt)*] $action:ident $(<$of:ty>)?;)*) => {
        $(impl<$($generics)*> TxAction<$action<'static $(, $of)?>> {
            /// Sets the rules by which the filter compares strings. A dry run can use them only if they are set here, and not
            /// through `with`.
            pub fn collation(mut self, collation: Collation) -> Self {
                self.affected.collate(&collation);
                self.map(|action, _| action.collation(collation))
            }
        })*
    };
}

collated! {
    [] Update;
    [] ReplaceOne;
    [] UpdateEach;
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
