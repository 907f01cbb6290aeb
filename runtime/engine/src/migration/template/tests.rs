use super::*;

const PLAIN: Template<'_> =
    Template { id: "001_a", source: None, dependency: None, kind: Kind::Tx, reversible: false, description: "A." };

#[test]
fn it_is_a_function_with_a_doc_comment() {
    let expected = "\
use mongodb::bson::{Document, doc};
use mongrate::{Tx, migration};

/// A.
#[migration(id = \"001_a\")]
async fn up(tx: &mut Tx) -> Result<(), mongrate::Error> {
    // This fails until it says what is to be done.
    let documents = tx.collection::<Document>(\"\");
    documents.update_many(doc! {}, doc! {}).await?;
    Ok(())
}
";
    assert_eq!(PLAIN.code(), expected);
}

#[test]
fn the_attribute_says_what_is_not_understood() {
    for (template, attribute) in [
        (Template { dependency: Some("000_b"), ..PLAIN }, "#[migration(id = \"001_a\", deps = [\"000_b\"])]"),
        (Template { reversible: true, ..PLAIN }, "#[migration(id = \"001_a\", down = down)]"),
        (Template { source: Some("module:menu"), ..PLAIN }, "#[migration(id = \"001_a\", source = \"module:menu\")]"),
        (
            Template {
                source: Some("plugin:whale-alerts"),
                dependency: Some("plugin:whale-alerts:000_b"),
                reversible: true,
                ..PLAIN
            },
            "#[migration(
    id = \"001_a\",
    source = \"plugin:whale-alerts\",
    deps = [\"plugin:whale-alerts:000_b\"],
    down = down
)]",
        ),
    ] {
        let code = template.code();
        assert!(code.contains(&format!("\n{attribute}\nasync fn up(")), "{code}");
    }
}

#[test]
fn a_reversible_one_has_two_functions() {
    for (kind, argument) in
        [(Kind::Tx, "tx: &mut Tx"), (Kind::Schema, "schema: &mut Schema"), (Kind::Database, "db: &Database")]
    {
        let code = Template { kind, reversible: true, ..PLAIN }.code();
        for function in ["up", "down"] {
            let signature = format!("\nasync fn {function}({argument}) -> Result<(), mongrate::Error> {{\n");
            assert_eq!(code.matches(&signature).count(), 1, "{code}");
        }
    }
}

#[test]
fn a_description_may_have_paragraphs() {
    let code = Template { description: "Adds roles.\n\n  One for each.", ..PLAIN }.code();
    assert!(code.contains("\n/// Adds roles.\n///\n/// One for each.\n#["), "{code}");
}
