//! Documents that an index cannot hold, and those that it can.

use std::time::Duration;

use mongodb::bson::{Bson, DateTime, doc};
use mongodb::options::{Collation, CollationStrength};

use super::{C, Change, Fail, Pair, Unknown, create, documents, pairs};

fn caseless() -> Collation {
    Collation::builder().locale("en").strength(CollationStrength::Secondary).build()
}

fn many(document: impl Fn(i32) -> mongodb::bson::Document) -> mongodb::bson::Document {
    documents((0..1_100).map(document))
}

pub(super) fn pairs() -> Vec<Pair> {
    pairs! {
        "two arrays": [documents([doc! { "tags": [1, 2], "groups": [1, 2] }])], |schema| schema.create_index(C, doc! { "tags": 1, "groups": 1 }) => Fail(171);
        "two arrays, nested": [documents([doc! { "a": [{ "b": 1 }], "c": [1] }])], |schema| schema.create_index(C, doc! { "a.b": 1, "c": 1 }) => Fail(171);
        "two fields of one array": [documents([doc! { "a": [{ "b": 1, "c": 2 }] }])], |schema| schema.create_index(C, doc! { "a.b": 1, "a.c": 1 }) => Change;
        "two arrays in different documents": [documents([doc! { "a": [1], "b": 1 }, doc! { "a": 1, "b": [1] }])], |schema| schema.create_index(C, doc! { "a": 1, "b": 1 }) => Change;
        "two arrays outside of the filter": [documents([doc! { "a": [1], "b": [1], "live": false }])], |schema| schema.create_index(C, doc! { "a": 1, "b": 1 }).partial(doc! { "live": true }) => Change;
        "an array at a place": [documents([doc! { "a": [doc! { "0": 1 }] }])], |schema| schema.create_index(C, doc! { "a.0": 1 }) => Fail(16746);
        "more arrays than can be tried": [many(|id| doc! { "_id": id, "a": [{ "b": 1, "c": 2 }] })], |schema| schema.create_index(C, doc! { "a.b": 1, "a.c": 1 }) => Unknown;
        "many documents, and two arrays": [many(|id| doc! { "_id": id, "a": 1, "b": 1 }), documents([doc! { "a": [1], "b": [1] }])], |schema| schema.create_index(C, doc! { "a": 1, "b": 1 }) => Fail(171);

        "klingon": [documents([doc! { "title": "Qapla'", "language": "klingon" }])], |schema| schema.create_index(C, doc! { "title": "text" }) => Fail(17262);
        "english": [documents([doc! { "title": "hello", "language": "english" }, doc! { "title": "hello", "language": "EN" }])], |schema| schema.create_index(C, doc! { "title": "text" }) => Change;
        "a language that is a number": [documents([doc! { "title": "hello", "language": 1 }])], |schema| schema.create_index(C, doc! { "title": "text" }) => Fail(17261);
        "klingon in another field": [documents([doc! { "title": "hello", "language": "klingon" }])], |schema| schema.create_index(C, doc! { "title": "text" }).with(|options| options.language_override = Some("lang".to_owned())) => Change;
        "klingon inside": [documents([doc! { "a": [{ "title": "hello", "language": "english" }, { "title": "Qapla'", "language": "klingon" }] }])], |schema| schema.create_index(C, doc! { "a.title": "text" }) => Fail(17262);
        "klingon anywhere": [documents([doc! { "deep": { "down": { "title": "Qapla'", "language": "klingon" } } }])], |schema| schema.create_index(C, doc! { "$**": "text" }) => Fail(17262);
        "an array beside a text": [documents([doc! { "a": [1], "title": "hello" }])], |schema| schema.create_index(C, doc! { "a": 1, "title": "text" }) => Fail(201);
        "many documents with a language": [many(|id| doc! { "_id": id, "title": "hallo", "language": "german" })], |schema| schema.create_index(C, doc! { "title": "text" }) => Change;

        "an array, hashed": [documents([doc! { "a": [1] }])], |schema| schema.create_index(C, doc! { "a": "hashed" }) => Fail(16766);
        "an array on the way, hashed": [documents([doc! { "a": [{ "b": 1 }] }])], |schema| schema.create_index(C, doc! { "a.b": "hashed" }) => Fail(16766);
        "no array, hashed": [documents([doc! { "a": 1 }, doc! { "b": [1] }])], |schema| schema.create_index(C, doc! { "a": "hashed" }) => Change;

        "no place on earth": [documents([doc! { "at": "home" }])], |schema| schema.create_index(C, doc! { "at": "2dsphere" }) => Fail(16755);
        "places on earth": [documents([doc! { "at": [10, 20] }, doc! { "at": { "type": "Point", "coordinates": [10, 20] } }, doc! { "at": null }, doc! {}])], |schema| schema.create_index(C, doc! { "at": "2dsphere" }) => Change;
        "a place off the earth": [documents([doc! { "at": { "type": "Point", "coordinates": [200, 20] } }])], |schema| schema.create_index(C, doc! { "at": "2dsphere" }) => Fail(16755);
        "a polygon that is open": [documents([doc! { "at": { "type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]] } }])], |schema| schema.create_index(C, doc! { "at": "2dsphere" }) => Fail(16755);
        "places, one of them none": [documents([doc! { "at": [{ "type": "Point", "coordinates": [10, 20] }, { "type": "Point" }] }])], |schema| schema.create_index(C, doc! { "at": "2dsphere" }) => Fail(16755);
        "many places": [many(|id| doc! { "_id": id, "at": { "type": "Point", "coordinates": [id % 180, 20] } })], |schema| schema.create_index(C, doc! { "at": "2dsphere" }) => Change;
        "many legacy places": [many(|id| doc! { "_id": id, "at": [id % 180, 20] })], |schema| schema.create_index(C, doc! { "at": "2dsphere" }) => Change;
        "2d, off the plane": [documents([doc! { "at": [200, 20] }])], |schema| schema.create_index(C, doc! { "at": "2d" }) => Fail(13027);
        "2d, the bound": [documents([doc! { "at": [180, 20] }])], |schema| schema.create_index(C, doc! { "at": "2d" }) => Change;
        "2d, a word": [documents([doc! { "at": "home" }])], |schema| schema.create_index(C, doc! { "at": "2d" }) => Change;
        "2d, GeoJSON": [documents([doc! { "at": { "type": "Point", "coordinates": [10, 20] } }])], |schema| schema.create_index(C, doc! { "at": "2d" }) => Fail(16804);
        "2d, points": [documents([doc! { "at": [10, 20] }, doc! { "at": { "x": 1, "y": 2 } }, doc! { "at": [[1, 2], [3, 4]] }, doc! {}])], |schema| schema.create_index(C, doc! { "at": "2d" }) => Change;

        "TTL without dates": [documents([doc! { "at": "tomorrow" }, doc! { "at": DateTime::now() }])], |schema| schema.create_index(C, doc! { "at": 1 }).expire_after(Duration::from_secs(60 * 60)) => Change;
        "wildcard over anything": [documents([doc! { "a": [[1], { "b": [] }] }])], |schema| schema.create_index(C, doc! { "$**": 1 }) => Change;

        "unique values": [documents([doc! { "a": 1 }, doc! { "a": "1" }, doc! { "a": null }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Change;
        "the same number": [documents([doc! { "a": 1 }, doc! { "a": 1.0 }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Fail(11000);
        "no number": [documents([doc! { "a": f64::NAN }, doc! { "a": f64::NAN }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Fail(11000);
        "null and missing": [documents([doc! { "a": null }, doc! {}])], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Fail(11000);
        "null and undefined": [documents([doc! { "a": null }, doc! { "a": Bson::Undefined }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Change;
        "nothing and undefined": [documents([doc! { "a": [] }, doc! { "a": Bson::Undefined }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Fail(11000);
        "missing, sparse": [documents([doc! {}, doc! {}])], |schema| schema.create_index(C, doc! { "a": 1 }).unique().sparse() => Change;
        "null, sparse": [documents([doc! { "a": null }, doc! { "a": null }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique().sparse() => Fail(11000);
        "outside of the filter": [documents([doc! { "a": 1, "live": true }, doc! { "a": 1 }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique().partial(doc! { "live": true }) => Change;
        "within the filter": [documents([doc! { "a": 1, "live": true }, doc! { "a": 1, "live": true }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique().partial(doc! { "live": true }) => Fail(11000);
        "upper and lower case": [documents([doc! { "a": "Ada" }, doc! { "a": "ada" }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Change;
        "upper and lower case, by the index": [documents([doc! { "a": "Ada" }, doc! { "a": "ada" }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique().collation(caseless()) => Fail(11000);
        "upper and lower case, by the collection": [create(doc! { "collation": { "locale": "en", "strength": 2 } }), documents([doc! { "a": "Ada" }, doc! { "a": "ada" }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Fail(11000);
        "upper and lower case, not by the index": [create(doc! { "collation": { "locale": "en", "strength": 2 } }), documents([doc! { "a": "Ada" }, doc! { "a": "ada" }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique().collation(Collation::builder().locale("simple").build()) => Change;
        "the same element": [documents([doc! { "a": [1, 2] }, doc! { "a": 2 }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Fail(11000);
        "twice in one document": [documents([doc! { "a": [1, 1] }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Change;
        "an array in an array": [documents([doc! { "a": [[]] }, doc! { "a": [] }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Change;
        "duplicates in an array of documents": [documents([doc! { "a": [{ "b": 1 }] }, doc! { "a": { "b": 1 } }])], |schema| schema.create_index(C, doc! { "a.b": 1 }).unique() => Fail(11000);
        "no duplicates in arrays of documents": [documents([doc! { "a": [{ "b": 1 }, { "b": 2 }] }, doc! { "a": [{ "b": 3 }] }])], |schema| schema.create_index(C, doc! { "a.b": 1 }).unique() => Change;
        "missing in an array of documents": [documents([doc! { "a": [{ "b": 1 }, {}] }, doc! { "a": null }])], |schema| schema.create_index(C, doc! { "a.b": 1 }).unique() => Fail(11000);
        "many arrays of documents, unique": [many(|id| doc! { "_id": id, "a": [{ "b": id }] })], |schema| schema.create_index(C, doc! { "a.b": 1 }).unique() => Unknown;
        "unique places": [documents([doc! { "at": [1, 2] }, doc! { "at": [1, 2] }])], |schema| schema.create_index(C, doc! { "at": "2dsphere" }).unique() => Fail(11000);
        "unique at a place": [documents([doc! { "a": [1, 2] }, doc! { "a": [1, 3] }])], |schema| schema.create_index(C, doc! { "a.0": 1 }).unique() => Fail(11000);
        "unique in another order, two arrays": [documents([doc! { "a": [1], "b": [1] }])], |schema| schema.create_index(C, doc! { "a": 1, "b": -1 }).unique() => Fail(171);
        "unique in a clustered collection": [create(doc! { "clusteredIndex": { "key": { "_id": 1 }, "unique": true } }), documents([doc! { "a": 1 }, doc! { "a": 1 }])], |schema| schema.create_index(C, doc! { "a": 1 }).unique() => Fail(11000);
        "unique in a capped collection": [create(doc! { "capped": true, "size": 4096 }), documents([doc! { "a": [1], "b": [1] }])], |schema| schema.create_index(C, doc! { "a": 1, "b": 1 }).unique() => Fail(171);
        "validated, but of an index": [documents([doc! { "a": [1], "b": 1 }]), doc! { "collMod": C, "validator": { "z": 1 } }], |schema| schema.create_index(C, doc! { "a": 1, "b": 1, "c": 1 }) => Change;
    }
}
