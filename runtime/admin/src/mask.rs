//! Hides the values that errors quote from documents.

use std::borrow::Cow;

/// Shown instead of a value.
const HIDDEN: &str = "***";

/// Keeps the first line of an error, without the values that it quotes from documents.
pub(crate) fn masked(error: &str) -> String {
    let line = without_id(error.lines().next().unwrap_or_default());
    let line = line.as_ref();
    if let Some((before, _)) = line.split_once("dup key: ") {
        return format!("{before}dup key: {HIDDEN}");
    }
    let Some((before, after)) = line.split_once("failed validation") else { return line.to_owned() };
    // The code at the end quotes nothing.
    let code = after.rfind(" (code ").map_or("", |at| &after[at..]);
    let details = if after.starts_with(':') { format!(": {HIDDEN}") } else { String::new() };
    format!("{before}failed validation{details}{code}")
}

/// Hides the `_id` of a document that a backfill could not change.
fn without_id(line: &str) -> Cow<'_, str> {
    const BEFORE: &str = "the _id ";
    let Some((before, after)) = line.split_once(BEFORE) else { return line.into() };
    // The reason follows. A text or a document has colons of its own, so the last possible end counts.
    let end = match after.chars().next() {
        Some('"') => after.rfind("\": ").map(|at| at + 1),
        Some('{') => after.rfind("}: ").map(|at| at + 1),
        _ => after.find(": "),
    };
    let after = end.map_or("", |at| &after[at..]);
    format!("{before}{BEFORE}{HIDDEN}{after}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_documents_are_masked() {
        for (error, shown) in [
            (
                "E11000 duplicate key error collection: shop.users index: email_1 dup key: { email: \"ana@b.c\" } (code 11000)",
                "E11000 duplicate key error collection: shop.users index: email_1 dup key: ***",
            ),
            (
                "users: Document failed validation: _id 2, missing: email (code 121)",
                "users: Document failed validation: *** (code 121)",
            ),
            (
                "could not change the document with the _id \"ana@b.c\": the server refused it: no (code 2)",
                "could not change the document with the _id ***: the server refused it: no (code 2)",
            ),
            (
                "2 documents were skipped: such as the _id 7: it has no name",
                "2 documents were skipped: such as the _id ***: it has no name",
            ),
            (
                "could not change the document with the _id { \"email\": \"ana@b.c\" }: it has no name",
                "could not change the document with the _id ***: it has no name",
            ),
            (
                "documents match `remaining`, such as the one with the _id \"ana@b.c\": the application still writes them",
                "documents match `remaining`, such as the one with the _id ***: the application still writes them",
            ),
            ("the change leaves one with the _id \"a\"", "the change leaves one with the _id ***"),
            ("Document failed validation (code 121)", "Document failed validation (code 121)"),
            ("the price is missing\nat order 7", "the price is missing"),
        ] {
            assert_eq!(masked(error), shown);
        }
    }
}
