//! Collections of every kind: plain, capped, clustered, time series.

use std::time::Duration;

use mongodb::bson::doc;

use super::{C, Change, Fail, Nothing, Pair, Unknown, create, documents, index, pairs, series, view};

pub(super) fn pairs() -> Vec<Pair> {
    pairs! {
        "a collection": [], |schema| schema.create_collection(C) => Change;
        "a collection, there": [create(doc! {})], |schema| schema.create_collection(C) => Nothing;
        "a collection, a view there": [view(C, "other", [])], |schema| schema.create_collection(C) => Nothing;
        "a collection, a time series there": [series()], |schema| schema.create_collection(C) => Nothing;
        "capped": [], |schema| schema.create_collection(C).options(doc! { "capped": true, "size": 4096 }) => Change;
        "capped, there": [create(doc! { "capped": true, "size": 4096 })], |schema| schema.create_collection(C).options(doc! { "capped": true, "size": 4096 }) => Nothing;
        "capped, there plain": [create(doc! {})], |schema| schema.create_collection(C).options(doc! { "capped": true, "size": 4096 }) => Nothing;
        "capped without a size": [], |schema| schema.create_collection(C).options(doc! { "capped": true }) => Fail(72);
        "a size without capped": [], |schema| schema.create_collection(C).options(doc! { "size": 4096, "max": 5 }) => Fail(72);
        "clustered": [], |schema| schema.create_collection(C).options(doc! { "clusteredIndex": { "key": { "_id": 1 }, "unique": true } }) => Change;
        "clustered by another field": [], |schema| schema.create_collection(C).options(doc! { "clusteredIndex": { "key": { "a": 1 }, "unique": true } }) => Fail(197);
        "with a collation": [], |schema| schema.create_collection(C).options(doc! { "collation": { "locale": "de" } }) => Change;
        "with no such collation": [], |schema| schema.create_collection(C).options(doc! { "collation": { "locale": "klingon" } }) => Fail(2);
        "with an unknown option": [], |schema| schema.create_collection(C).options(doc! { "nonsense": true }) => Fail(40415);
        "with images": [], |schema| schema.create_collection(C).options(doc! { "changeStreamPreAndPostImages": { "enabled": true } }) => Change;
        "with a dollar": [], |schema| schema.create_collection("a$b") => Fail(73);

        "a time series": [], |schema| schema.create_collection(C).options(doc! { "timeseries": { "timeField": "at", "granularity": "hours" }, "expireAfterSeconds": 60 }) => Change;
        "a time series with a validator": [], |schema| schema.create_collection(C).validator(doc! { "a": 1 }).options(doc! { "timeseries": { "timeField": "at" } }) => Fail(72);
        "a time series with odd options": [], |schema| schema.create_collection(C).options(doc! { "timeseries": { "timeField": "at", "metaField": "at" } }) => Unknown;
        "a collection with a validator, a time series there": [series()], |schema| schema.create_collection(C).validator(doc! { "a": 1 }) => Fail(72);
        "a validator of a time series": [series()], |schema| schema.set_validator(C, doc! { "a": 1 }) => Fail(72);
        "an index of a time series": [series()], |schema| schema.create_index(C, doc! { "meta": 1, "at": 1 }) => Change;
        "an index of a time series, there": [series(), index(doc! { "meta.a": 1 }, "m", doc! {})], |schema| schema.create_index(C, doc! { "meta.a": 1 }).named("m") => Nothing;
        "a unique index of a time series": [series()], |schema| schema.create_index(C, doc! { "meta": 1 }).unique() => Fail(72);
        "a sparse index of a time series": [series()], |schema| schema.create_index(C, doc! { "meta": 1 }).sparse() => Unknown;
        "a text index of a time series": [series()], |schema| schema.create_index(C, doc! { "meta": "text" }) => Fail(72);
        "a TTL index of a time series": [series()], |schema| schema.create_index(C, doc! { "at": 1 }).expire_after(Duration::from_secs(60)).partial(doc! { "meta": 1 }) => Unknown;
        "an index of a time series, dropped": [series(), index(doc! { "meta.a": 1 }, "m", doc! {})], |schema| schema.drop_index(C, "m") => Change;
        "a time series, dropped": [series()], |schema| schema.drop_collection(C) => Change;

        "dropped": [documents([doc! {}])], |schema| schema.drop_collection(C) => Change;
        "dropped, not there": [], |schema| schema.drop_collection(C) => Nothing;
        "dropped and made again": [create(doc! { "capped": true, "size": 4096 })], |schema| { schema.drop_collection(C).await?; schema.create_collection(C) } => Change;
        "an index, dropped": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.drop_index(C, "a_1") => Change;
        "an index, not there": [create(doc! {})], |schema| schema.drop_index(C, "a_1") => Nothing;
        "an index, no collection": [], |schema| schema.drop_index(C, "a_1") => Nothing;
        "the index on _id, dropped": [create(doc! {})], |schema| schema.drop_index(C, "_id_") => Fail(72);
        "the index on _id, no collection": [], |schema| schema.drop_index(C, "_id_") => Nothing;
        "all indexes, dropped": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.drop_indexes(C) => Change;
        "all indexes, dropped by a star": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.drop_index(C, "*") => Change;
        "all indexes, none there": [create(doc! {})], |schema| schema.drop_indexes(C) => Nothing;
        "all indexes, no collection": [], |schema| schema.drop_indexes(C) => Nothing;
        "all indexes, dropped and one made again": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| { schema.drop_indexes(C).await?; schema.create_index(C, doc! { "a": 1 }).unique() } => Change;
        "all indexes of a clustered collection, dropped": [create(doc! { "clusteredIndex": { "key": { "_id": 1 }, "unique": true, "name": "mine" } })], |schema| schema.drop_indexes(C) => Nothing;
        "all indexes of a view, dropped": [view(C, "other", [])], |schema| schema.drop_indexes(C) => Fail(166);
        "all indexes of a time series, dropped": [series(), index(doc! { "meta.a": 1 }, "a_1", doc! {})], |schema| schema.drop_indexes(C) => Change;
        "the index of a clustered collection, dropped": [create(doc! { "clusteredIndex": { "key": { "_id": 1 }, "unique": true, "name": "mine" } })], |schema| schema.drop_index(C, "mine") => Fail(5_979_800);
        "an index of a view, dropped": [view(C, "other", [])], |schema| schema.drop_index(C, "a_1") => Fail(166);

        "an index, hidden": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.modify_collection(C, doc! { "index": { "name": "a_1", "hidden": true } }) => Change;
        "an index, hidden by its keys": [index(doc! { "a": 1 }, "a_1", doc! { "hidden": true })], |schema| schema.modify_collection(C, doc! { "index": { "keyPattern": { "a": 1.0 }, "hidden": true } }) => Nothing;
        "no index to hide": [create(doc! {})], |schema| schema.modify_collection(C, doc! { "index": { "name": "a_1", "hidden": true } }) => Fail(27);
        "images": [create(doc! {})], |schema| schema.modify_collection(C, doc! { "changeStreamPreAndPostImages": { "enabled": true } }) => Change;
        "a modification of nothing": [], |schema| schema.modify_collection(C, doc! { "validationLevel": "off" }) => Fail(26);
        "a modification that is nonsense": [create(doc! {})], |schema| schema.modify_collection(C, doc! { "nonsense": true }) => Unknown;
    }
}
