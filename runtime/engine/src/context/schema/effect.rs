//! What a call of `Schema` is to do to the database.

use mongodb::bson::Document;

/// A call of `Schema` that may change the database. Names are those in the database, so a plugin's are prefixed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// `spec` is the index as `createIndexes` takes it: `key`, `name` and all options.
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
    /// A collection or a view.
    Drop {
        name: String,
    },
    Rename {
        from: String,
        to: String,
    },
}
