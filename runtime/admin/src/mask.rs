//! Hides the values that errors quote from documents.

/// Shown instead of a value.
const HIDDEN: &str = "***";

/// Keeps the first line of an error, without the values that it quotes from documents.
pub(crate) fn masked(error: &str) -> String {
    let line = error.lines().next().unwrap_or_default();
    if let Some((before, _)) = line.split_once("dup key: ") {
        return format!("{before}dup key: {HIDDEN}");
    }
    let Some((before, after)) = line.split_once("failed validation") else { return line.to_owned() };
    // The code at the end quotes nothing.
    let code = after.rfind(" (code ").map_or("", |at| &after[at..]);
    let details = if after.starts_with(':') { format!(": {HIDDEN}") } else { String::new() };
    format!("{before}failed validation{details}{code}")
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
            ("Document failed validation (code 121)", "Document failed validation (code 121)"),
            ("the price is missing\nat order 7", "the price is missing"),
        ] {
            assert_eq!(masked(error), shown);
        }
    }
}
