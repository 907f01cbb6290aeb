//! Scripts of `Schema` bodies, and their undisturbed results.

use std::sync::LazyLock;

use mongodb::bson::{Document, doc};

use super::server::{Collection, Collections};
use crate::context::Effect;

/// A script of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// Drops the old orders, renames the current ones, and creates new ones.
    Replace,
    /// Recreates an index with another option.
    Reindex,
}

impl Script {
    pub(super) fn effects(self) -> &'static [Effect] {
        static REPLACE: LazyLock<[Effect; 3]> = LazyLock::new(|| {
            [
                Effect::Drop { name: "orders_old".to_owned() },
                Effect::Rename { from: "orders".to_owned(), to: "orders_old".to_owned(), replacing: false },
                Effect::CreateCollection { name: "orders".to_owned(), options: Document::new() },
            ]
        });
        static REINDEX: LazyLock<[Effect; 2]> = LazyLock::new(|| {
            let spec = doc! { "key": { "email": 1 }, "name": "email_1", "unique": true };
            [
                Effect::DropIndex { on: "users".to_owned(), name: "email_1".to_owned() },
                Effect::CreateIndexes { on: "users".to_owned(), specs: vec![spec] },
            ]
        });
        match self {
            Self::Replace => &*REPLACE,
            Self::Reindex => &*REINDEX,
        }
    }
}

/// The state before the first step.
pub(super) fn initial() -> Collections {
    let email = doc! { "key": { "email": 1 }, "name": "email_1" };
    Collections::from([
        ("orders".to_owned(), Collection::new(1, "present orders")),
        ("orders_old".to_owned(), Collection::new(2, "old orders")),
        ("users".to_owned(), Collection::new(3, "users").with_index(email)),
    ])
}

/// The state after an undisturbed run.
pub(super) fn undisturbed(scripts: impl Iterator<Item = Script>) -> Collections {
    let mut there = initial();
    for effect in scripts.flat_map(Script::effects) {
        match effect {
            Effect::Drop { name } => drop(there.remove(name)),
            Effect::Rename { from, to, .. } => {
                if let Some(moved) = there.remove(from) {
                    there.insert(to.clone(), moved);
                }
            }
            Effect::CreateCollection { name, .. } => {
                there.entry(name.clone()).or_default();
            }
            Effect::CreateIndexes { on, specs } => {
                for spec in specs {
                    let name = spec.get_str("name").unwrap_or_default().to_owned();
                    there.entry(on.clone()).or_default().indexes.insert(name, spec.clone());
                }
            }
            Effect::DropIndex { on, name } => {
                there.entry(on.clone()).or_default().indexes.remove(name);
            }
            Effect::CreateView { .. } | Effect::DropIndexes { .. } | Effect::Modify { .. } => {
                unreachable!("no script has it")
            }
        }
    }
    there
}
