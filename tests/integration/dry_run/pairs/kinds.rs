//! Indexes of other kinds: text, geographic, hashed, wildcard.

use mongodb::bson::doc;
use mongodb::options::{Sphere2DIndexVersion, TextIndexVersion};

use super::{C, Change, Fail, Nothing, Pair, create, index, pairs};

fn text() -> mongodb::bson::Document {
    index(doc! { "title": "text" }, "search", doc! {})
}

pub(super) fn pairs() -> Vec<Pair> {
    pairs! {
        "text, there": [text()], |schema| schema.create_index(C, doc! { "title": "text" }).named("search") => Nothing;
        "text, other fields": [text()], |schema| schema.create_index(C, doc! { "body": "text" }).named("search") => Fail(85);
        "text, another name": [text()], |schema| schema.create_index(C, doc! { "title": "text" }).named("find") => Fail(85);
        "text, other fields and name": [text()], |schema| schema.create_index(C, doc! { "body": "text" }).named("find") => Fail(85);
        "text, the default weights": [text()], |schema| schema.create_index(C, doc! { "title": "text" }).named("search").weights(doc! { "title": 1.0 }) => Nothing;
        "text, other weights": [text()], |schema| schema.create_index(C, doc! { "title": "text" }).named("search").weights(doc! { "title": 5 }) => Fail(85);
        "text, the weights of more fields": [index(doc! { "title": "text", "body": "text" }, "search", doc! {})], |schema| schema.create_index(C, doc! { "title": "text" }).named("search").weights(doc! { "body": 1 }) => Nothing;
        "text, in another order": [index(doc! { "title": "text", "body": "text" }, "search", doc! {})], |schema| schema.create_index(C, doc! { "body": "text", "title": "text" }).named("search") => Nothing;
        "text, the default language": [text()], |schema| schema.create_index(C, doc! { "title": "text" }).named("search").with(|options| options.default_language = Some("english".to_owned())) => Nothing;
        "text, another language": [text()], |schema| schema.create_index(C, doc! { "title": "text" }).named("search").with(|options| options.default_language = Some("german".to_owned())) => Fail(85);
        "text, no such language": [create(doc! {})], |schema| schema.create_index(C, doc! { "title": "text" }).with(|options| options.default_language = Some("klingon".to_owned())) => Fail(67);
        "text, another override": [text()], |schema| schema.create_index(C, doc! { "title": "text" }).named("search").with(|options| options.language_override = Some("lang".to_owned())) => Fail(85);
        "text, an old version": [text()], |schema| schema.create_index(C, doc! { "title": "text" }).named("search").with(|options| options.text_index_version = Some(TextIndexVersion::V2)) => Nothing;
        "text, with a prefix there": [index(doc! { "a": 1, "title": "text" }, "search", doc! {})], |schema| schema.create_index(C, doc! { "a": 1, "title": "text" }).named("search") => Nothing;
        "text, without the prefix there": [index(doc! { "a": 1, "title": "text" }, "search", doc! {})], |schema| schema.create_index(C, doc! { "title": "text" }).named("search") => Fail(86);
        "text, of every field": [index(doc! { "$**": "text" }, "search", doc! {})], |schema| schema.create_index(C, doc! { "$**": "text" }).named("search") => Nothing;
        "text, unique": [create(doc! {})], |schema| schema.create_index(C, doc! { "title": "text" }).unique() => Change;
        "text, with the collation of the collection": [create(doc! { "collation": { "locale": "de" } })], |schema| schema.create_index(C, doc! { "title": "text" }) => Fail(67);

        "2dsphere, there": [index(doc! { "at": "2dsphere" }, "at_2dsphere", doc! {})], |schema| schema.create_index(C, doc! { "at": "2dsphere" }) => Nothing;
        "2dsphere, the newest version": [index(doc! { "at": "2dsphere" }, "at_2dsphere", doc! {})], |schema| schema.create_index(C, doc! { "at": "2dsphere" }).with(|options| options.sphere_2d_index_version = Some(Sphere2DIndexVersion::V3)) => Nothing;
        "2dsphere, an old version there": [index(doc! { "at": "2dsphere" }, "at_2dsphere", doc! { "2dsphereIndexVersion": 2 })], |schema| schema.create_index(C, doc! { "at": "2dsphere" }) => Nothing;
        "2dsphere, an old version asked for": [index(doc! { "at": "2dsphere" }, "at_2dsphere", doc! {})], |schema| schema.create_index(C, doc! { "at": "2dsphere" }).with(|options| options.sphere_2d_index_version = Some(Sphere2DIndexVersion::V2)) => Nothing;
        "2dsphere beside 2d": [index(doc! { "at": "2d" }, "at_2d", doc! {})], |schema| schema.create_index(C, doc! { "at": "2dsphere" }) => Change;
        "2d, there": [index(doc! { "at": "2d" }, "at_2d", doc! {})], |schema| schema.create_index(C, doc! { "at": "2d" }) => Nothing;
        "2d, other bounds": [index(doc! { "at": "2d" }, "at_2d", doc! { "min": -10, "max": 10 })], |schema| schema.create_index(C, doc! { "at": "2d" }) => Fail(85);
        "2d, the default bits": [index(doc! { "at": "2d" }, "at_2d", doc! {})], |schema| schema.create_index(C, doc! { "at": "2d" }).with(|options| options.bits = Some(26)) => Fail(85);
        "2d, too many bits": [create(doc! {})], |schema| schema.create_index(C, doc! { "at": "2d" }).with(|options| options.bits = Some(64)) => Fail(72);

        "hashed, there": [index(doc! { "a": "hashed" }, "a_hashed", doc! {})], |schema| schema.create_index(C, doc! { "a": "hashed" }) => Nothing;
        "hashed beside one in order": [index(doc! { "a": 1 }, "a_1", doc! {})], |schema| schema.create_index(C, doc! { "a": "hashed" }) => Change;
        "hashed, unique": [create(doc! {})], |schema| schema.create_index(C, doc! { "a": "hashed" }).unique() => Fail(16764);
        "hashed, two": [create(doc! {})], |schema| schema.create_index(C, doc! { "a": "hashed", "b": "hashed" }) => Fail(31303);

        "wildcard, there": [index(doc! { "$**": 1 }, "$**_1", doc! {})], |schema| schema.create_index(C, doc! { "$**": 1 }) => Nothing;
        "wildcard, of a part": [index(doc! { "$**": 1 }, "$**_1", doc! {})], |schema| schema.create_index(C, doc! { "a.$**": 1 }) => Change;
        "wildcard, with the projection": [index(doc! { "$**": 1 }, "w", doc! { "wildcardProjection": { "a": 1 } })], |schema| schema.create_index(C, doc! { "$**": 1 }).named("w").with(|options| options.wildcard_projection = Some(doc! { "a": true })) => Nothing;
        "wildcard, with another projection": [index(doc! { "$**": 1 }, "w", doc! { "wildcardProjection": { "a": 1 } })], |schema| schema.create_index(C, doc! { "$**": 1 }).named("w").with(|options| options.wildcard_projection = Some(doc! { "b": 1 })) => Fail(86);
        "wildcard, with another projection and name": [index(doc! { "$**": 1 }, "w", doc! { "wildcardProjection": { "a": 1 } })], |schema| schema.create_index(C, doc! { "$**": 1 }).with(|options| options.wildcard_projection = Some(doc! { "b": 1 })) => Change;
        "wildcard, without the projection": [index(doc! { "$**": 1 }, "w", doc! { "wildcardProjection": { "a": 1 } })], |schema| schema.create_index(C, doc! { "$**": 1 }).named("w") => Fail(86);
        "wildcard, unique": [create(doc! {})], |schema| schema.create_index(C, doc! { "$**": 1 }).unique() => Fail(67);
    }
}
