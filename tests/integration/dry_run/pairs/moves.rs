//! Renames: within a kind, across kinds, over something.

use mongodb::bson::doc;

use super::{C, Change, Fail, Nothing, Pair, create, documents, index, pairs, series, view};

pub(super) fn pairs() -> Vec<Pair> {
    pairs! {
        "renamed": [documents([doc! {}])], |schema| schema.rename_collection(C, "d") => Change;
        "renamed already": [doc! { "create": "d" }], |schema| schema.rename_collection(C, "d") => Nothing;
        "renamed, neither there": [], |schema| schema.rename_collection(C, "d") => Fail(26);
        "renamed over a collection": [create(doc! {}), doc! { "create": "d" }], |schema| schema.rename_collection(C, "d") => Fail(48);
        "renamed over a view": [create(doc! {}), view("d", "other", [])], |schema| schema.rename_collection(C, "d") => Fail(48);
        "renamed over a time series": [doc! { "create": "d" }, series()], |schema| schema.rename_collection("d", C) => Fail(48);
        "renamed to itself": [create(doc! {})], |schema| schema.rename_collection(C, C) => Fail(48);
        "renamed in place of a collection": [documents([doc! {}]), doc! { "create": "d" }], |schema| schema.rename_collection(C, "d").replacing() => Change;
        "renamed in place of nothing": [documents([doc! {}])], |schema| schema.rename_collection(C, "d").replacing() => Change;
        "renamed in place of a collection already": [doc! { "create": "d" }], |schema| schema.rename_collection(C, "d").replacing() => Nothing;
        "renamed in place of a collection, neither there": [], |schema| schema.rename_collection(C, "d").replacing() => Fail(26);
        "renamed in place of a view": [create(doc! {}), view("d", "other", [])], |schema| schema.rename_collection(C, "d").replacing() => Fail(48);
        "renamed in place of a time series": [doc! { "create": "d" }, series()], |schema| schema.rename_collection("d", C).replacing() => Fail(48);
        "renamed in place of itself": [create(doc! {})], |schema| schema.rename_collection(C, C).replacing() => Fail(20);
        "a view, renamed in place of a collection": [doc! { "create": "d" }, view(C, "d", [])], |schema| schema.rename_collection(C, "d").replacing() => Fail(166);
        "renamed in place of an indexed collection, then indexed": [index(doc! { "a": 1 }, "a_1", doc! {}), doc! { "create": "d" }], |schema| { schema.rename_collection("d", C).replacing().await?; schema.create_index(C, doc! { "a": 1 }).unique() } => Change;
        "renamed in place of a collection made just now": [documents([doc! {}])], |schema| { schema.create_collection("d").await?; schema.rename_collection(C, "d").replacing() } => Change;
        "renamed, replacing": [documents([doc! {}]), doc! { "create": "d" }], |schema| { schema.drop_collection("d").await?; schema.rename_collection(C, "d") } => Change;
        "renamed, replacing a view": [documents([doc! {}]), view("d", C, [])], |schema| { schema.drop_collection("d").await?; schema.rename_collection(C, "d") } => Change;
        "a view, renamed": [view(C, "other", [])], |schema| schema.rename_collection(C, "d") => Fail(166);
        "a time series, renamed": [series()], |schema| schema.rename_collection(C, "d") => Fail(166);
        "a capped collection, renamed": [create(doc! { "capped": true, "size": 4096 })], |schema| schema.rename_collection(C, "d") => Change;
        "a clustered collection, renamed": [create(doc! { "clusteredIndex": { "key": { "_id": 1 }, "unique": true } })], |schema| schema.rename_collection(C, "d") => Change;
        "a collection that a view shows, renamed": [create(doc! {}), view("v", C, [])], |schema| schema.rename_collection(C, "d") => Change;
        "renamed with a dollar": [create(doc! {})], |schema| schema.rename_collection(C, "d$e") => Fail(20);
        "renamed, then indexed": [documents([doc! { "a": 1 }, doc! { "a": 1 }])], |schema| { schema.rename_collection(C, "d").await?; schema.create_index("d", doc! { "a": 1 }).unique() } => Fail(11000);
        "renamed, then indexed as before": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| { schema.rename_collection(C, "d").await?; schema.create_index("d", doc! { "a": 1.0 }) } => Change;
        "renamed there and back, then indexed": [documents([doc! {}])], |schema| { schema.rename_collection(C, "d").await?; schema.rename_collection("d", C).await?; schema.create_index(C, doc! { "a": 1 }) } => Change;
        "two that change places": [documents([doc! {}]), doc! { "create": "d" }], |schema| { schema.rename_collection("d", "e").await?; schema.rename_collection(C, "d").await?; schema.rename_collection("e", C) } => Change;
        "renamed, then made again": [documents([doc! {}])], |schema| { schema.rename_collection(C, "d").await?; schema.create_collection(C).validator(doc! { "a": 1 }) } => Change;
    }
}
