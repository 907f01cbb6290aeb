//! Methods that a transaction does not have. Calling one fails to compile, with a message that says what to write instead.
//!
//! Each is hidden and has a bound that no type satisfies. Its result has any type, so that an `.await` or a further call is no
//! error of its own. The names of traits are `tt`, so that rustc shows their place here and not the whole macro.

use super::{Transactional, Tx, TxAction, TxCollection, TxDatabase};

macro_rules! hints {
    ($(
        #[$message:meta]
        $hint:tt {
            $([$($generics:tt)*] $on:ty: $($method:ident($($argument:ident),*)),+;)+
        }
    )+) => {$(
        #[$message]
        pub trait $hint {}

        $(impl<$($generics)*> $on {$(
            #[doc(hidden)]
            pub fn $method<Any>(&self $(, $argument: impl Sized)*) -> Any
            where
                // A bound without a lifetime would have to hold here already.
                for<'never> Self: $hint,
            {
                $(let _ = $argument;)*
                unreachable!("no type has this trait")
            }
        )+})+
    )+};
}

hints! {
    #[diagnostic::on_unimplemented(
        message = "an index is not an operation of a transaction: take `&mut Schema`",
        label = "not in a transaction",
        note = "a migration with `schema: &mut Schema` calls `schema.create_index(\"users\", doc! {{ \"email\": 1 }}).await?`"
    )]
    IndexInTransaction {
        [] Tx: create_index(collection, keys), create_indexes(collection, models), drop_index(collection, name),
            drop_indexes(collection);
        [T: Send + Sync] TxCollection<T>: create_index(model), create_indexes(models), drop_index(name), drop_indexes();
    }

    #[diagnostic::on_unimplemented(
        message = "indexes are not listed in a transaction: take `&Database`",
        label = "not in a transaction",
        note = "to create or drop an index, take `&mut Schema`: both do nothing if there is nothing to do"
    )]
    ListIndexesInTransaction {
        [T: Send + Sync] TxCollection<T>: list_indexes(), list_index_names();
    }

    #[diagnostic::on_unimplemented(
        message = "a collection is not created, dropped or renamed in a transaction: take `&mut Schema`",
        label = "not in a transaction",
        note = "an insert creates a collection that does not exist; `delete_many(doc! {{}})` empties one"
    )]
    CollectionInTransaction {
        [] Tx: create_collection(name), drop_collection(name), rename_collection(from, to), modify_collection(name, fields),
            set_validator(name, validator);
        [] TxDatabase: create_collection(name), drop();
        [T: Send + Sync] TxCollection<T>: drop(), rename(to);
    }

    #[diagnostic::on_unimplemented(
        message = "a transaction has no `bulk_write`: use `update_each`, `replace_each` or `insert_many`",
        label = "not in a transaction",
        note = "`tx.collection(..).update_each(pairs)` takes pairs of a filter and an update, and sends 1,000 in a command"
    )]
    BulkWriteInTransaction {
        [] Tx: bulk_write(models);
        [T: Send + Sync] TxCollection<T>: bulk_write(models);
    }

    #[diagnostic::on_unimplemented(
        message = "a change stream is not opened in a transaction: take `&Database`",
        label = "not in a transaction"
    )]
    WatchInTransaction {
        [] Tx: watch();
        [T: Send + Sync] TxCollection<T>: watch();
    }

    #[diagnostic::on_unimplemented(
        message = "an estimate is not available in a transaction: use `count_documents(doc! {{}})`",
        label = "not in a transaction"
    )]
    EstimateInTransaction {
        [T: Send + Sync] TxCollection<T>: estimated_document_count();
    }

    #[diagnostic::on_unimplemented(
        message = "a transaction sends no other commands: use the methods of `tx.collection(..)`, or take `&Database`",
        label = "not in a transaction"
    )]
    CommandInTransaction {
        [] Tx: run_command(command), list_collection_names();
        [] TxDatabase: run_command(command), list_collection_names();
    }

    #[diagnostic::on_unimplemented(
        message = "options are set through `.with(..)`, like `.with(|action| action.upsert(true))`",
        label = "set this option through `.with(..)`"
    )]
    OptionOfAction {
        [A: Transactional] TxAction<A>: allow_disk_use(allow), array_filters(filters), batch_size(size),
            bypass_document_validation(bypass), comment(comment), hint(hint), let_vars(variables), limit(limit),
            max_time(limit), ordered(ordered), projection(fields), return_document(which), skip(count), sort(order),
            upsert(upsert);
    }

    #[diagnostic::on_unimplemented(
        message = "an operation of a transaction has its session already: remove `.session(..)`",
        label = "not needed"
    )]
    SessionOfAction {
        [A: Transactional] TxAction<A>: session(session);
    }
}
