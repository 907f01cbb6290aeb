//! Bodies that ask before they act.

use mongodb::bson::{Document, doc};
use mongrate::{Error, Schema};

use super::{C, Change, Fail, Nothing, Pair, Unknown, create, documents, index, pairs, view};

/// Drops `d` if the answer is the expected one, and fails otherwise.
async fn drop_if(schema: &mut Schema, expected: bool) -> Result<(), Error> {
    if expected { schema.drop_collection("d").await } else { schema.rename_collection("none", "neither").await }
}

fn d() -> Document {
    doc! { "create": "d" }
}

fn text() -> Document {
    doc! { "a": "text" }
}

pub(super) fn pairs() -> Vec<Pair> {
    pairs! {
        "asked for a collection": [create(doc! {})], |schema| { let is = schema.collection_exists(C).await?; if is { schema.drop_collection(C).await?; } schema.create_collection(C) } => Change;
        "asked for a missing collection": [], |schema| { let is = schema.collection_exists(C).await?; drop_if(schema, !is) } => Nothing;
        "asked for a collection just created": [d()], |schema| { schema.create_collection(C).await?; let is = schema.collection_exists(C).await?; drop_if(schema, is) } => Change;
        "asked for a collection just dropped": [create(doc! {}), d()], |schema| { schema.drop_collection(C).await?; let is = schema.collection_exists(C).await?; drop_if(schema, !is) } => Change;
        "asked for a collection just renamed": [create(doc! {}), d()], |schema| { schema.rename_collection(C, "e").await?; let is = schema.collection_exists("e").await? && !schema.collection_exists(C).await?; drop_if(schema, is) } => Change;
        "asked, and given up": [create(doc! {})], |schema| { let is = schema.collection_exists(C).await?; drop_if(schema, !is) } => Fail(26);
        "asked for an index": [index(doc! { "a": 1 }, "a_1", doc! {}), d()], |schema| { let is = schema.index_exists(C, "a_1").await?; drop_if(schema, is) } => Change;
        "asked for an index just created": [create(doc! {}), d()], |schema| { schema.create_index(C, doc! { "a": 1 }).await?; let is = schema.index_exists(C, "a_1").await?; drop_if(schema, is) } => Change;
        "asked for a text index just created": [create(doc! {}), d()], |schema| { schema.create_index(C, text()).await?; let is = schema.index_exists(C, "a_text").await?; drop_if(schema, is) } => Change;
        "asked for an index of a renamed collection": [index(doc! { "a": 1 }, "a_1", doc! {}), d()], |schema| { schema.rename_collection(C, "e").await?; let is = schema.index_exists("e", "a_1").await?; drop_if(schema, is) } => Change;
        "every index, dropped by its name": [index(doc! { "a": 1 }, "a_1", doc! {}), index(doc! { "b": 1 }, "b_1", doc! {})], |schema| {
            for index in schema.indexes(C).await? {
                let name = index.get_str("name").unwrap_or_default();
                if name != "_id_" { schema.drop_index(C, name).await?; }
            }
            schema.create_index(C, doc! { "a": -1 })
        } => Change;
        "the indexes of a new collection": [d()], |schema| {
            schema.create_indexes(C, [doc! { "a": 1 }, doc! { "b": 1 }]).await?;
            let expected = [doc! { "key": { "_id": 1 }, "name": "_id_" }, doc! { "key": { "a": 1 }, "name": "a_1" }, doc! { "key": { "b": 1 }, "name": "b_1" }];
            let is = schema.indexes(C).await? == expected;
            drop_if(schema, is)
        } => Change;
        "the indexes after one on text": [create(doc! {}), d()], |schema| { schema.create_index(C, text()).await?; let is = schema.indexes(C).await?.len() == 2; drop_if(schema, is) } => Unknown;
        "the options of a new collection": [d()], |schema| { schema.create_collection(C).validator(doc! { "a": 1 }).await?; let is = schema.options(C).await? == Some(doc! { "validator": { "a": 1 } }); drop_if(schema, is) } => Change;
        "the options after a new validator": [create(doc! { "capped": true, "size": 4096 }), d()], |schema| { schema.set_validator(C, doc! { "a": 1 }).await?; let is = schema.options(C).await? == Some(doc! { "capped": true, "size": 4096, "validator": { "a": 1 } }); drop_if(schema, is) } => Change;
        "the options after the validator is removed": [create(doc! { "validator": { "a": 1 } }), d()], |schema| { schema.set_validator(C, doc! {}).await?; let is = schema.options(C).await? == Some(doc! {}); drop_if(schema, is) } => Change;
        "the options of a collection just dropped": [create(doc! {}), d()], |schema| { schema.drop_collection(C).await?; let is = schema.options(C).await?.is_none(); drop_if(schema, is) } => Change;
        "counted": [documents([doc! { "a": 1 }, doc! { "a": 2 }]), d()], |schema| { let is = schema.count(C, doc! { "a": 1 }).await? == 1; drop_if(schema, is) } => Change;
        "counted after a rename": [documents([doc! {}, doc! {}]), d()], |schema| { schema.rename_collection(C, "e").await?; let is = schema.count("e", doc! {}).await? == 2 && schema.count(C, doc! {}).await? == 0; drop_if(schema, is) } => Change;
        "counted after a rename in place of it": [documents([doc! {}, doc! {}]), d()], |schema| { schema.create_collection("e").await?; schema.rename_collection("e", C).replacing().await?; let is = schema.count(C, doc! {}).await? == 0; drop_if(schema, is) } => Change;
        "counted after it was made again": [documents([doc! {}]), d()], |schema| { schema.drop_collection(C).await?; schema.create_collection(C).await?; let is = schema.count(C, doc! {}).await? == 0; drop_if(schema, is) } => Change;
        "counted through a view": [documents([doc! {}]), view("v", C, []), d()], |schema| { schema.drop_collection(C).await?; let is = schema.count("v", doc! {}).await? == 0; drop_if(schema, is) } => Unknown;
        "found": [documents([doc! { "_id": 1 }]), d()], |schema| { let is = schema.find_one(C, doc! { "_id": 1 }).await? == Some(doc! { "_id": 1 }); drop_if(schema, is) } => Change;
        "not found after a drop": [documents([doc! { "_id": 1 }]), d()], |schema| { schema.drop_collection(C).await?; let is = schema.find_one(C, doc! {}).await?.is_none(); drop_if(schema, is) } => Change;
    }
}
