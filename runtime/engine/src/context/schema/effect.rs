//! A call of `Schema`, as a value.

use mongodb::bson::{Document, RawDocumentBuf, doc};
use sha2::{Digest, Sha256};

/// The name by which `dropIndexes` and the facts of a body mean every index but the one on `_id`. The server refuses it for an
/// index.
pub(crate) const ALL_INDEXES: &str = "*";

/// The operations that build indexes.
pub(crate) const CREATE_INDEX: &str = "create_index";
pub(crate) const CREATE_INDEXES: &str = "create_indexes";

/// A call of `Schema` that may change the database. Names are those in the database, so a plugin's are prefixed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// `specs` are the indexes as `createIndexes` expects them: `key`, `name` and options. There is at least one.
    CreateIndexes {
        on: String,
        specs: Vec<Document>,
    },
    DropIndex {
        on: String,
        name: String,
    },
    /// Drops every index but the one on `_id`.
    DropIndexes {
        on: String,
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
        /// Whether it drops a collection with the new name.
        replacing: bool,
    },
}

impl Effect {
    /// Returns the name of the method.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::CreateIndexes { specs, .. } if specs.len() == 1 => CREATE_INDEX,
            Self::CreateIndexes { .. } => CREATE_INDEXES,
            Self::DropIndex { .. } => "drop_index",
            Self::DropIndexes { .. } => "drop_indexes",
            Self::CreateCollection { .. } => "create_collection",
            Self::CreateView { .. } => "create_view",
            Self::Modify { .. } => "modify_collection",
            Self::Drop { .. } => "drop_collection",
            Self::Rename { .. } => "rename_collection",
        }
    }

    /// Returns the name of the collection or view.
    pub(crate) fn on(&self) -> &str {
        match self {
            Self::CreateIndexes { on, .. }
            | Self::DropIndex { on, .. }
            | Self::DropIndexes { on }
            | Self::Modify { on, .. } => on,
            Self::CreateCollection { name, .. } | Self::CreateView { name, .. } | Self::Drop { name } => name,
            Self::Rename { from, .. } => from,
        }
    }

    /// Describes the effect for messages: `drop collection 'orders_old'`, `create index 'email_1' on 'users'`.
    pub(crate) fn described(&self) -> String {
        let (kind, on) = (self.kind().replace('_', " "), self.on());
        match self {
            Self::CreateIndexes { specs, .. } => {
                let names: Vec<_> = specs.iter().map(|spec| format!("'{}'", index_name(spec))).collect();
                format!("{kind} {} on '{on}'", names.join(", "))
            }
            Self::DropIndex { name, .. } => format!("{kind} '{name}' on '{on}'"),
            Self::DropIndexes { .. } => format!("{kind} on '{on}'"),
            Self::Rename { to, replacing: true, .. } => format!("{kind} '{on}' to '{to}' in place of another"),
            Self::Rename { to, .. } => format!("{kind} '{on}' to '{to}'"),
            _ => format!("{kind} '{on}'"),
        }
    }

    /// Returns the hash of the effect with all its options, but without its time limit.
    pub(crate) fn print(&self) -> String {
        print(&self.to_document())
    }

    pub(super) fn to_document(&self) -> Document {
        let mut document = doc! { "op": self.kind(), "on": self.on() };
        match self {
            Self::CreateIndexes { specs, .. } => match specs.as_slice() {
                [spec] => document.insert("spec", spec.clone()),
                specs => document.insert("specs", specs),
            },
            Self::DropIndex { name, .. } => document.insert("index", name),
            Self::DropIndexes { .. } | Self::Drop { .. } => None,
            Self::CreateCollection { options, .. } => document.insert("options", options.clone()),
            Self::CreateView { on, pipeline, .. } => {
                document.insert("viewOn", on);
                document.insert("pipeline", pipeline.clone())
            }
            Self::Modify { fields, .. } => document.insert("fields", fields.clone()),
            Self::Rename { to, replacing, .. } => {
                document.insert("to", to);
                replacing.then(|| document.insert("replacing", true)).flatten()
            }
        };
        document
    }

    pub(super) fn parse(stored: &Document) -> Option<Self> {
        let text = |field| stored.get_str(field).map(str::to_owned).ok();
        let document = |field| stored.get_document(field).cloned().ok();
        let documents = |field| {
            let values = stored.get_array(field).ok()?.iter().map(|value| value.as_document().cloned());
            values.collect::<Option<Vec<_>>>()
        };
        let on = text("on")?;
        Some(match stored.get_str("op").ok()? {
            CREATE_INDEX => Self::CreateIndexes { on, specs: vec![document("spec")?] },
            CREATE_INDEXES => Self::CreateIndexes { on, specs: documents("specs")? },
            "drop_index" => Self::DropIndex { on, name: text("index")? },
            "drop_indexes" => Self::DropIndexes { on },
            "create_collection" => Self::CreateCollection { name: on, options: document("options")? },
            "create_view" => Self::CreateView { name: on, on: text("viewOn")?, pipeline: documents("pipeline")? },
            "modify_collection" => Self::Modify { on, fields: document("fields")? },
            "drop_collection" => Self::Drop { name: on },
            "rename_collection" => {
                Self::Rename { from: on, to: text("to")?, replacing: stored.get_bool("replacing").unwrap_or(false) }
            }
            _ => return None,
        })
    }
}

/// Returns the hash of a call with its options.
pub(crate) fn print(call: &Document) -> String {
    // A document that cannot be encoded cannot be sent, either.
    let encoded = RawDocumentBuf::try_from(call);
    let hash = Sha256::digest(encoded.as_ref().map_or(&[][..], |encoded| encoded.as_bytes()));
    let digits = hash.iter().take(8).map(|byte| format!("{byte:02x}"));
    format!("f1:{}", digits.collect::<String>())
}

/// Returns the name in the specification of an index.
pub(crate) fn index_name(spec: &Document) -> &str {
    spec.get_str("name").unwrap_or_default()
}
