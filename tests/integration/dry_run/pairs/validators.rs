//! Validators, with level and action, on empty, valid and invalid data.

use mongodb::bson::{Document, doc};

use super::{C, Change, Fail, Nothing, Pair, create, documents, pairs, view};

fn bad() -> Document {
    documents([doc! { "a": 0 }])
}

fn good() -> Document {
    documents([doc! { "a": 1 }])
}

fn validated(options: Document) -> Document {
    let mut options = options;
    options.insert("validator", doc! { "a": { "$gte": 1 } });
    create(options)
}

fn asked() -> Document {
    doc! { "a": { "$gte": 1 } }
}

pub(super) fn pairs() -> Vec<Pair> {
    pairs! {
        "a validator, no collection": [], |schema| schema.set_validator(C, asked()) => Fail(26);
        "a validator, no documents": [create(doc! {})], |schema| schema.set_validator(C, asked()) => Change;
        "a validator, valid documents": [good()], |schema| schema.set_validator(C, asked()) => Change;
        "a validator, invalid documents": [bad()], |schema| schema.set_validator(C, asked()) => Change;
        "a validator, there": [validated(doc! {})], |schema| schema.set_validator(C, asked()) => Nothing;
        "a validator, there as a double": [create(doc! { "validator": { "a": { "$gte": 1.0 } } })], |schema| schema.set_validator(C, asked()) => Nothing;
        "another validator": [validated(doc! {})], |schema| schema.set_validator(C, doc! { "b": 1 }) => Change;
        "no validator": [validated(doc! {})], |schema| schema.set_validator(C, doc! {}) => Change;
        "no validator, none there": [create(doc! {})], |schema| schema.set_validator(C, doc! {}) => Nothing;
        "a validator that is nonsense": [bad()], |schema| schema.set_validator(C, doc! { "$nonsense": 1 }) => Fail(2);
        "a validator with $near": [bad()], |schema| schema.set_validator(C, doc! { "a": { "$near": [1, 2] } }) => Fail(5_626_500);
        "a validator with $where": [bad()], |schema| schema.set_validator(C, doc! { "$where": "true" }) => Fail(2);
        "a schema that is nonsense": [bad()], |schema| schema.set_validator(C, doc! { "$jsonSchema": { "required": "a" } }) => Fail(14);
        "a validator of a view": [view(C, "other", [])], |schema| schema.set_validator(C, asked()) => Fail(72);
        "a validator that can fail by itself": [documents([doc! { "a": 0 }])], |schema| schema.set_validator(C, doc! { "$expr": { "$gt": [{ "$divide": [1, "$a"] }, 0] } }) => Change;

        "a level": [bad()], |schema| schema.modify_collection(C, doc! { "validator": asked(), "validationLevel": "moderate" }) => Change;
        "a level, there": [validated(doc! { "validationLevel": "moderate" })], |schema| schema.modify_collection(C, doc! { "validationLevel": "moderate" }) => Nothing;
        "the default level": [validated(doc! {})], |schema| schema.modify_collection(C, doc! { "validationLevel": "strict" }) => Nothing;
        "no level": [bad()], |schema| schema.modify_collection(C, doc! { "validator": asked(), "validationLevel": "off" }) => Change;
        "no such level": [bad()], |schema| schema.modify_collection(C, doc! { "validationLevel": "harsh" }) => Fail(2);
        "an action": [bad()], |schema| schema.modify_collection(C, doc! { "validator": asked(), "validationAction": "warn" }) => Change;
        "an action, there": [validated(doc! { "validationAction": "warn" })], |schema| schema.modify_collection(C, doc! { "validationAction": "warn" }) => Nothing;
        "another action": [validated(doc! { "validationAction": "warn" })], |schema| schema.modify_collection(C, doc! { "validationAction": "error" }) => Change;
        "no such action": [bad()], |schema| schema.modify_collection(C, doc! { "validationAction": "shout" }) => Fail(2);

        "a collection with a validator": [], |schema| schema.create_collection(C).validator(asked()) => Change;
        "a collection with a validator, there": [validated(doc! {})], |schema| schema.create_collection(C).validator(asked()) => Nothing;
        "a collection with a validator, there as a double": [create(doc! { "validator": { "a": { "$gte": 1.0 } } })], |schema| schema.create_collection(C).validator(asked()) => Nothing;
        "a collection with a validator, there without": [bad()], |schema| schema.create_collection(C).validator(asked()) => Change;
        "a collection with a validator that is nonsense": [], |schema| schema.create_collection(C).validator(doc! { "$nonsense": 1 }) => Fail(2);
        "a collection with a validator that is nonsense, there": [create(doc! {})], |schema| schema.create_collection(C).validator(doc! { "$nonsense": 1 }) => Fail(2);
        "a collection with a validator, a view there": [view(C, "other", [])], |schema| schema.create_collection(C).validator(asked()) => Fail(72);
        "a collection with a level, there without": [bad()], |schema| schema.create_collection(C).validator(asked()).options(doc! { "validationLevel": "moderate" }) => Change;
        "a validator twice": [bad()], |schema| { schema.set_validator(C, asked()).await?; schema.create_collection(C).validator(asked()) } => Change;
    }
}
