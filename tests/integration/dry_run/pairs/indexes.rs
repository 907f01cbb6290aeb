//! Indexes on values in order, each option there and asked for.

use std::time::Duration;

use mongodb::bson::{Bson, doc};
use mongodb::options::{Collation, CollationStrength, IndexVersion};
use mongrate::context::Index;

use super::{C, Change, Fail, Nothing, Pair, create, documents, index, pairs, series, view};

fn german() -> Collation {
    Collation::builder().locale("de").build()
}

fn german_of(strength: CollationStrength) -> Collation {
    Collation::builder().locale("de").strength(strength).build()
}

fn full() -> Vec<mongodb::bson::Document> {
    (0..63).map(|place| index(doc! { format!("f{place}"): 1 }, &format!("f{place}_1"), doc! {})).collect()
}

pub(super) fn pairs() -> Vec<Pair> {
    let mut pairs = pairs! {
        "an index, no collection": [], |schema| schema.create_index(C, doc! { "a": 1 }) => Change;
        "two indexes, no collection": [], |schema| schema.create_indexes(C, [doc! { "a": 1 }, doc! { "b": 1 }]) => Change;
        "two indexes, one there": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_indexes(C, [doc! { "a": 1 }, doc! { "b": 1 }]) => Change;
        "two indexes, both there": [index(doc! { "a": 1 }, "a_1", doc! {}), index(doc! { "b": 1 }, "b_1", doc! {})], |schema| schema.create_indexes(C, [doc! { "a": 1 }, doc! { "b": 1 }]) => Nothing;
        "two indexes, one there that differs": [index(doc! { "b": 1 }, "b_1", doc! { "unique": true })], |schema| schema.create_indexes(C, [doc! { "a": 1 }, doc! { "b": 1 }]) => Fail(86);
        "two indexes with the same keys": [create(doc! {})], |schema| schema.create_indexes(C, [Index::new(doc! { "a": 1 }), Index::new(doc! { "a": 1 }).named("b")]) => Fail(85);
        "two indexes, one that is unique, and documents that are not": [documents([doc! { "a": 1 }, doc! { "a": 1 }])], |schema| schema.create_indexes(C, [Index::new(doc! { "b": 1 }), Index::new(doc! { "a": 1 }).unique()]) => Fail(11000);
        "two indexes on a view": [view(C, "other", [])], |schema| schema.create_indexes(C, [doc! { "a": 1 }, doc! { "b": 1 }]) => Fail(166);
        "two indexes on a time series": [series()], |schema| schema.create_indexes(C, [doc! { "meta.a": 1 }, doc! { "meta.b": 1 }]) => Change;
        "an index, none there": [create(doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }) => Change;
        "the same index": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }) => Nothing;
        "a double there": [index(doc! { "a": 1.0 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }) => Nothing;
        "a long asked for": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": Bson::Int64(1) }) => Nothing;
        "another direction": [index(doc! { "a": -1 }, "a_-1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }) => Change;
        "another magnitude": [index(doc! { "a": 2 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }) => Fail(86);
        "another order": [index(doc! { "a": 1, "b": 1 }, "a_1_b_1", doc! {})], |schema| schema.create_index(C, doc! { "b": 1, "a": 1 }) => Change;
        "another order, the same name": [index(doc! { "a": 1, "b": 1 }, "ab", doc! {})], |schema| schema.create_index(C, doc! { "b": 1, "a": 1 }).named("ab") => Fail(86);
        "another name": [index(doc! { "a": 1 }, "mine", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }) => Fail(85);
        "other keys": [index(doc! { "b": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }) => Fail(86);
        "the same in the background": [index(doc! { "a": 1 }, "a_1", doc! { "background": true })], |schema| schema.create_index(C, doc! { "a": 1 }) => Nothing;
        "an old version there": [index(doc! { "a": 1 }, "a_1", doc! { "v": 1 })], |schema| schema.create_index(C, doc! { "a": 1 }) => Nothing;
        "an old version asked for": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).with(|options| options.version = Some(IndexVersion::V1)) => Nothing;
        "no keys": [create(doc! {})], |schema| schema.create_index(C, doc! {}).named("none") => Fail(67);
        "a zero": [create(doc! {})], |schema| schema.create_index(C, doc! { "a": 0 }) => Fail(67);
        "an unknown kind": [create(doc! {})], |schema| schema.create_index(C, doc! { "a": "fuzzy" }) => Fail(67);
        "a field with a dollar": [create(doc! {})], |schema| schema.create_index(C, doc! { "$a": 1 }) => Fail(67);
        "an index called *": [create(doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).named("*") => Fail(2);
        "a fresh collection's bad index": [], |schema| schema.create_index(C, doc! { "a": 0 }) => Fail(67);
        "the index on _id": [create(doc! {})], |schema| schema.create_index(C, doc! { "_id": 1 }) => Nothing;
        "the index on _id, by its name": [create(doc! {})], |schema| schema.create_index(C, doc! { "_id": 1 }).named("_id_") => Nothing;
        "the index on _id, unique": [create(doc! {})], |schema| schema.create_index(C, doc! { "_id": 1 }).unique() => Fail(197);
        "the index on _id, descending": [create(doc! {})], |schema| schema.create_index(C, doc! { "_id": -1 }) => Fail(2);
        "the index on _id of a clustered collection": [create(doc! { "clusteredIndex": { "key": { "_id": 1 }, "unique": true } })], |schema| schema.create_index(C, doc! { "_id": 1 }) => Nothing;
        "an index of a clustered collection": [create(doc! { "clusteredIndex": { "key": { "_id": 1 }, "unique": true } })], |schema| schema.create_index(C, doc! { "a": 1 }) => Change;
        "a TTL index of a capped collection": [create(doc! { "capped": true, "size": 4096 })], |schema| schema.create_index(C, doc! { "a": 1 }).expire_after(Duration::from_secs(60)) => Fail(67);

        "unique, there": [index(doc! { "a": 1 }, "a_1", doc! { "unique": true })], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Nothing;
        "unique, there without": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Fail(86);
        "not unique, there unique": [index(doc! { "a": 1 }, "a_1", doc! { "unique": true })], |schema| schema.create_index(C, doc! { "a": 1 }) => Fail(86);
        "unique beside one without": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).unique().named("u") => Change;
        "unique: false there": [index(doc! { "a": 1 }, "a_1", doc! { "unique": false })], |schema| schema.create_index(C, doc! { "a": 1 }) => Nothing;
        "unique: 1 there": [index(doc! { "a": 1 }, "a_1", doc! { "unique": 1 })], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Nothing;

        "sparse, there": [index(doc! { "a": 1 }, "a_1", doc! { "sparse": true })], |schema| schema.create_index(C, doc! { "a": 1 }).sparse() => Nothing;
        "sparse, there without": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).sparse() => Fail(86);
        "sparse beside one without": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).sparse().named("s") => Change;

        "TTL, there": [index(doc! { "a": 1 }, "a_1", doc! { "expireAfterSeconds": 60 })], |schema| schema.create_index(C, doc! { "a": 1 }).expire_after(Duration::from_secs(60)) => Nothing;
        "TTL, there as a double": [index(doc! { "a": 1 }, "a_1", doc! { "expireAfterSeconds": 60.0 })], |schema| schema.create_index(C, doc! { "a": 1 }).expire_after(Duration::from_secs(60)) => Nothing;
        "TTL, another age": [index(doc! { "a": 1 }, "a_1", doc! { "expireAfterSeconds": 60 })], |schema| schema.create_index(C, doc! { "a": 1 }).expire_after(Duration::from_secs(61)) => Fail(85);
        "TTL, there without": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).expire_after(Duration::from_secs(60)) => Fail(85);
        "no TTL, there with": [index(doc! { "a": 1 }, "a_1", doc! { "expireAfterSeconds": 60 })], |schema| schema.create_index(C, doc! { "a": 1 }) => Fail(85);
        "TTL of two fields": [create(doc! {})], |schema| schema.create_index(C, doc! { "a": 1, "b": 1 }).expire_after(Duration::from_secs(60)) => Fail(67);
        "TTL of _id": [create(doc! {})], |schema| schema.create_index(C, doc! { "_id": 1 }).expire_after(Duration::from_secs(60)) => Fail(197);

        "partial, there": [index(doc! { "a": 1 }, "a_1", doc! { "partialFilterExpression": { "b": { "$gt": 5 } } })], |schema| schema.create_index(C, doc! { "a": 1 }).partial(doc! { "b": { "$gt": 5 } }) => Nothing;
        "partial, there as a double": [index(doc! { "a": 1 }, "a_1", doc! { "partialFilterExpression": { "b": { "$gt": 5.0 } } })], |schema| schema.create_index(C, doc! { "a": 1 }).partial(doc! { "b": { "$gt": 5 } }) => Nothing;
        "partial, there with $eq": [index(doc! { "a": 1 }, "a_1", doc! { "partialFilterExpression": { "b": { "$eq": 5 } } })], |schema| schema.create_index(C, doc! { "a": 1 }).partial(doc! { "b": 5 }) => Nothing;
        "partial, in another order": [index(doc! { "a": 1 }, "a_1", doc! { "partialFilterExpression": { "c": 1, "b": 1 } })], |schema| schema.create_index(C, doc! { "a": 1 }).partial(doc! { "b": 1, "c": 1 }) => Nothing;
        "partial, with $and": [index(doc! { "a": 1 }, "a_1", doc! { "partialFilterExpression": { "$and": [{ "b": 1 }, { "c": 1 }] } })], |schema| schema.create_index(C, doc! { "a": 1 }).partial(doc! { "b": 1, "c": 1 }) => Nothing;
        "partial, another filter": [index(doc! { "a": 1 }, "a_1", doc! { "partialFilterExpression": { "b": { "$gt": 5 } } })], |schema| schema.create_index(C, doc! { "a": 1 }).partial(doc! { "b": { "$gt": 6 } }) => Fail(86);
        "partial, another filter and name": [index(doc! { "a": 1 }, "a_1", doc! { "partialFilterExpression": { "b": { "$gt": 5 } } })], |schema| schema.create_index(C, doc! { "a": 1 }).partial(doc! { "b": { "$gt": 6 } }).named("p") => Change;
        "partial, there without": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).partial(doc! { "b": 1 }) => Fail(86);
        "partial by $ne": [create(doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).partial(doc! { "b": { "$ne": 1 } }) => Fail(67);
        "partial by nonsense": [create(doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).partial(doc! { "b": { "$nonsense": 1 } }) => Fail(2);
        "partial and sparse": [create(doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).partial(doc! { "b": 1 }).sparse() => Fail(67);

        "collation, there": [index(doc! { "a": 1 }, "a_1", doc! { "collation": { "locale": "de" } })], |schema| schema.create_index(C, doc! { "a": 1 }).collation(german()) => Nothing;
        "collation, the default strength": [index(doc! { "a": 1 }, "a_1", doc! { "collation": { "locale": "de" } })], |schema| schema.create_index(C, doc! { "a": 1 }).collation(german_of(CollationStrength::Tertiary)) => Nothing;
        "collation, another strength": [index(doc! { "a": 1 }, "a_1", doc! { "collation": { "locale": "de" } })], |schema| schema.create_index(C, doc! { "a": 1 }).collation(german_of(CollationStrength::Primary)) => Fail(86);
        "collation, another case order": [index(doc! { "a": 1 }, "a_1", doc! { "collation": { "locale": "de", "caseFirst": "upper" } })], |schema| schema.create_index(C, doc! { "a": 1 }).collation(german()) => Fail(86);
        "collation, another name": [index(doc! { "a": 1 }, "plain", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).collation(german()) => Change;
        "collation, there without": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).collation(german()) => Fail(86);
        "collation of the collection": [create(doc! { "collation": { "locale": "de" } }), index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }) => Nothing;
        "collation of the collection, asked for": [create(doc! { "collation": { "locale": "de" } }), index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).collation(german()) => Nothing;
        "collation of the collection, asked without": [create(doc! { "collation": { "locale": "de" } }), index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).collation(Collation::builder().locale("simple").build()) => Fail(86);
        "no such collation": [create(doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).collation(Collation::builder().locale("klingon").build()) => Fail(2);

        "hidden, there": [index(doc! { "a": 1 }, "a_1", doc! { "hidden": true })], |schema| schema.create_index(C, doc! { "a": 1 }).hidden() => Nothing;
        "hidden, there not": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": 1 }).hidden() => Nothing;
        "not hidden, there hidden": [index(doc! { "a": 1 }, "a_1", doc! { "hidden": true })], |schema| schema.create_index(C, doc! { "a": 1 }) => Nothing;

        "two calls that agree": [create(doc! {})], |schema| { schema.create_index(C, doc! { "a": 1 }).unique().await?; schema.create_index(C, doc! { "a": 1.0 }).unique() } => Change;
        "two calls that do not": [create(doc! {})], |schema| { schema.create_index(C, doc! { "a": 1 }).await?; schema.create_index(C, doc! { "a": 1 }).unique() } => Fail(86);
        "one dropped before": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| { schema.drop_index(C, "a_1").await?; schema.create_index(C, doc! { "a": 1 }).unique() } => Change;
    };
    pairs.extend(
        pairs! {
            "the 65th index": [], |schema| schema.create_index(C, doc! { "a": 1 }) => Fail(67);
            "one of 64 indexes": [], |schema| schema.create_index(C, doc! { "f0": 1 }) => Nothing;
        }
        .into_iter()
        .map(|pair| Pair { there: full(), ..pair }),
    );
    pairs
}
