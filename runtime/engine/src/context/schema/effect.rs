//! A call of `Schema`, as a value.

use mongodb::bson::Document;

/// A call of `Schema` that may change the database. Names are those in the database, so a plugin's are prefixed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// `spec` is the index as `createIndexes` expects it: `key`, `name` and options.
    CreateIndex {
        on: String,
        spec: Document,
    },
    DropIndex {
        on: String,
        name: String,
    },
    /// `options` are the fields of `create` other than the name.
    CreateCollection {
        name: String,
        options: Document,
    },
    CreateView {
        name: String,
        on: String,
        pipeline: Vec<Document>,
    },
    /// `fields` are those of `collMod` other than the name.
    Modify {
        on: String,
        fields: Document,
    },
    /// Drops a collection or a view.
    Drop {
        name: String,
    },
    Rename {
        from: String,
        to: String,
    },
}
