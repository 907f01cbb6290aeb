//! The code of a new migration, before anybody has written its body.

mod argument;
mod number;
#[cfg(test)]
mod tests;

pub use self::argument::{description, name, sentence, source};
pub use self::number::next_id;
use super::kinds::Kind;

/// A new migration, from which its file is generated.
///
/// The texts become code as they are, so let [`name`], [`source`](fn@source) and [`description`](fn@description) check them.
///
/// ```
/// use mongrate::Kind;
/// use mongrate::migration::template::{Template, name, sentence};
///
/// let name = name("Add roles")?;
/// let template = Template {
///     id: &format!("013_{name}"),
///     source: None,
///     dependency: Some("012_create_users"),
///     kind: Kind::Tx,
///     reversible: false,
///     description: &sentence(&name),
/// };
/// assert_eq!(template.file_name(), "m013_add_roles.rs");
/// assert!(template.code().contains(r#"#[migration(id = "013_add_roles", deps = ["012_create_users"])]"#));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Template<'a> {
    /// Id without its source.
    pub id: &'a str,
    /// The source, unless it is the default of the crate.
    pub source: Option<&'a str>,
    /// Qualified id of the migration that it depends on.
    pub dependency: Option<&'a str>,
    /// The kind, which decides the argument of its functions.
    pub kind: Kind,
    /// Whether it has a `down` function.
    pub reversible: bool,
    /// The doc comment, which may have several lines.
    pub description: &'a str,
}

/// As rustfmt has it: longer arguments of an attribute stand on lines of their own.
const LINE: usize = 70;

impl Template<'_> {
    /// The name of its file: `m013_add_roles.rs`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("m{}.rs", self.id)
    }

    /// The text of its file.
    ///
    /// Until its body is written, the migration fails. An empty body would count as applied: in a service that is built and
    /// started while somebody still thinks, and everywhere if it is forgotten. The call that fails lacks only its arguments, so
    /// that the imports are right and nothing is unused.
    #[must_use]
    pub fn code(&self) -> String {
        let Words { imports, argument, call } = Words::of(self.kind);
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

impl Words {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Tx => Words {
                imports: "use mongodb::bson::{Document, doc};\nuse mongrate::{Tx, migration};",
                argument: "tx: &mut Tx",
                call: "let documents = tx.collection::<Document>(\"\");\n    documents.update_many(doc! {}, doc! {}).await?;\n    Ok(())",
            },
            Kind::Schema => Words {
                imports: "use mongodb::bson::doc;\nuse mongrate::{Schema, migration};",
                argument: "schema: &mut Schema",
                call: "schema.create_index(\"\", doc! {}).await",
            },
            Kind::Backfill => Words {
                imports: "use mongodb::bson::doc;\nuse mongrate::{Backfill, migration};",
                argument: "backfill: &mut Backfill",
                call: "backfill.collection(\"\").remaining(doc! {}).update(doc! { \"$set\": {} }).await",
            },
            Kind::Database => Words {
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
