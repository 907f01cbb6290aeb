//! The code of a new migration.

#[cfg(test)]
mod tests;

use clap::ValueEnum;

/// What the argument lets a migration do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Documents, in one transaction: exactly once
    Tx,
    /// Indexes, collections and validators, outside transactions: at least once
    Schema,
    /// Everything, outside transactions: at least once
    Database,
}

/// What is said about one.
#[derive(Debug)]
pub(super) struct Template<'a> {
    /// Without its source.
    pub(super) id: &'a str,
    /// If it has to be said.
    pub(super) source: Option<&'a str>,
    /// A qualified id.
    pub(super) dependency: Option<&'a str>,
    pub(super) kind: Kind,
    pub(super) reversible: bool,
    pub(super) description: &'a str,
}

/// As rustfmt has it: longer arguments of an attribute stand on lines of their own.
const LINE: usize = 70;

impl Template<'_> {
    /// A file of its own.
    ///
    /// Until it is written, it fails. An empty body would be taken for done: by a service that is built and started again
    /// while somebody still thinks, and everywhere if it is forgotten. What fails is a call as it has to be, but for its
    /// arguments, so that the imports are right and nothing is unused.
    pub(super) fn code(&self) -> String {
        let Words { imports, argument, call } = self.kind.words();
        let mut code = format!("{imports}\n\n{}\n{}\n", self.doc_comment(), self.attribute());
        code.push_str(&function("up", argument, "This fails until it says what is to be done.", call));
        if self.reversible {
            code.push('\n');
            code.push_str(&function("down", argument, "This fails until it says how to take that back.", call));
        }
        code
    }

    fn doc_comment(&self) -> String {
        let lines = self.description.lines().map(|line| format!("/// {}", line.trim()).trim_end().to_owned());
        lines.collect::<Vec<_>>().join("\n")
    }

    fn attribute(&self) -> String {
        let mut arguments = vec![format!("id = \"{}\"", self.id)];
        arguments.extend(self.source.map(|source| format!("source = \"{source}\"")));
        arguments.extend(self.dependency.map(|dependency| format!("deps = [\"{dependency}\"]")));
        arguments.extend(self.reversible.then(|| "down = down".to_owned()));
        let line = arguments.join(", ");
        if line.len() <= LINE {
            format!("#[migration({line})]")
        } else {
            format!("#[migration(\n    {}\n)]", arguments.join(",\n    "))
        }
    }
}

struct Words {
    imports: &'static str,
    argument: &'static str,
    /// All of the body.
    call: &'static str,
}

impl Kind {
    fn words(self) -> Words {
        match self {
            Self::Tx => Words {
                imports: "use mongodb::bson::{Document, doc};\nuse mongrate::{Tx, migration};",
                argument: "tx: &mut Tx",
                call: "let documents = tx.collection::<Document>(\"\");\n    documents.update_many(doc! {}, doc! {}).await?;\n    Ok(())",
            },
            Self::Schema => Words {
                imports: "use mongodb::bson::doc;\nuse mongrate::{Schema, migration};",
                argument: "schema: &mut Schema",
                call: "schema.create_index(\"\", doc! {}).await",
            },
            Self::Database => Words {
                imports: "use mongodb::Database;\nuse mongodb::bson::{Document, doc};\nuse mongrate::migration;",
                argument: "db: &Database",
                call: "let documents = db.collection::<Document>(\"\");\n    documents.update_many(doc! {}, doc! {}).await?;\n    Ok(())",
            },
        }
    }
}

fn function(name: &str, argument: &str, remark: &str, call: &str) -> String {
    format!("async fn {name}({argument}) -> Result<(), mongrate::Error> {{\n    // {remark}\n    {call}\n}}\n")
}
