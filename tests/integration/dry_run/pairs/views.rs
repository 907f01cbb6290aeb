//! Views: their names, definitions and sources.

use mongodb::bson::doc;

use super::{C, Change, Fail, Nothing, Pair, create, documents, pairs, series, view};

pub(super) fn pairs() -> Vec<Pair> {
    pairs! {
        "a view": [create(doc! {})], |schema| schema.create_view("v", C, [doc! { "$match": { "a": 1 } }]) => Change;
        "a view of nothing": [], |schema| schema.create_view("v", C, []) => Change;
        "a view, there": [view("v", C, [doc! { "$match": { "a": 1 } }])], |schema| schema.create_view("v", C, [doc! { "$match": { "a": 1 } }]) => Nothing;
        "a view, there as a double": [view("v", C, [doc! { "$match": { "a": 1.0 } }])], |schema| schema.create_view("v", C, [doc! { "$match": { "a": 1 } }]) => Nothing;
        "a view, another definition": [view("v", C, [doc! { "$match": { "a": 1 } }])], |schema| schema.create_view("v", C, [doc! { "$match": { "a": 2 } }]) => Change;
        "a view, of another collection": [view("v", C, [])], |schema| schema.create_view("v", "other", []) => Change;
        "a view, a collection there": [documents([doc! {}])], |schema| schema.create_view(C, "other", []) => Fail(48);
        "a view, an empty collection there": [create(doc! {})], |schema| schema.create_view(C, "other", []) => Fail(48);
        "a view, a time series there": [series()], |schema| schema.create_view(C, "other", []) => Fail(48);
        "a view of a view": [view("w", C, [])], |schema| schema.create_view("v", "w", [doc! { "$match": {} }]) => Change;
        "a view of a time series": [series()], |schema| schema.create_view("v", C, []) => Change;
        "a view of itself": [], |schema| schema.create_view("v", "v", []) => Fail(5);
        "a view of itself by another": [view("w", "v", [])], |schema| schema.create_view("v", "w", []) => Fail(5);
        "a view of itself by a lookup": [view("w", "v", [])], |schema| schema.create_view("v", C, [doc! { "$lookup": { "from": "w", "localField": "a", "foreignField": "a", "as": "b" } }]) => Fail(5);
        "a view with an unknown stage": [create(doc! {})], |schema| schema.create_view("v", C, [doc! { "$nonsense": 1 }]) => Fail(40324);
        "a view with an unknown stage, of nothing": [], |schema| schema.create_view("v", C, [doc! { "$nonsense": 1 }]) => Fail(40324);
        "a view with a bad expression": [create(doc! {})], |schema| schema.create_view("v", C, [doc! { "$project": { "a": { "$nonsense": 1 } } }]) => Fail(31325);
        "a view with a dollar": [], |schema| schema.create_view("v$w", C, []) => Fail(73);
        "a view, twice": [create(doc! {})], |schema| { schema.create_view("v", C, []).await?; schema.create_view("v", C, []) } => Change;
        "a view, made a collection's place": [documents([doc! {}])], |schema| { schema.rename_collection(C, "old").await?; schema.create_view(C, "old", []) } => Change;
        "a view, modified": [view("v", C, [])], |schema| schema.modify_collection("v", doc! { "viewOn": C, "pipeline": [{ "$match": { "a": 1 } }] }) => Change;
        "a view, modified to the same": [view("v", C, [doc! { "$match": { "a": 1 } }])], |schema| schema.modify_collection("v", doc! { "viewOn": C, "pipeline": [{ "$match": { "a": 1 } }] }) => Nothing;
        "a collection, modified as a view": [create(doc! {})], |schema| schema.modify_collection(C, doc! { "viewOn": "other", "pipeline": [] }) => Fail(72);
        "a view, dropped": [view("v", C, [])], |schema| schema.drop_collection("v") => Change;
        "an index of a view": [view("v", C, [])], |schema| schema.create_index("v", doc! { "a": 1 }) => Fail(166);
        "an index of a view that is dropped before": [view("v", C, [])], |schema| { schema.drop_collection("v").await?; schema.create_index("v", doc! { "a": 1 }) } => Change;
    }
}
