//! The texts that make up a new migration.

use crate::migration::kinds::Source;

/// Converts words to a name as in an id: `add_roles`, `add-roles`, `AddRoles` and `Add roles` become `add_roles`.
///
/// Fails with a message for people if an id cannot contain the words, or if they begin with a number.
pub fn name(words: &str) -> Result<String, String> {
    const RULE: &str = "use letters a-z, digits and spaces, for example \"Add roles\"";
    let mut spaced = String::new();
    for c in words.chars() {
        match c {
            '_' | '-' | ' ' => spaced.push(' '),
            _ if !c.is_ascii_alphanumeric() => {
                return Err(format!("an id cannot contain `{}`; {RULE}", c.escape_debug()));
            }
            _ if c.is_ascii_uppercase() && spaced.ends_with(|last: char| !last.is_ascii_uppercase()) => {
                spaced.extend([' ', c]);
            }
            _ => spaced.push(c),
        }
    }
    let words: Vec<String> = spaced.split_whitespace().map(str::to_ascii_lowercase).collect();
    match &words[..] {
        [] => Err(format!("it has no letter; {RULE}")),
        // Probably a whole id, and two numbers would help nobody.
        [number, rest @ ..]
            if matches!(number.len(), 3 | 8 | 14) && number.parse::<u64>().is_ok() && !rest.is_empty() =>
        {
            Err(format!("the number is added automatically; leave it out: {}", rest.join("_")))
        }
        _ => Ok(words.join("_")),
    }
}

/// Converts a [`name`](fn@name) to a sentence: `Add roles.`
#[must_use]
pub fn sentence(name: &str) -> String {
    let mut signs = name.chars();
    let first = signs.next().map(|sign| sign.to_ascii_uppercase());
    let rest = signs.map(|sign| if sign == '_' { ' ' } else { sign });
    first.into_iter().chain(rest).chain(['.']).collect()
}

/// Checks a source by the rules of the attribute: `system`, `module:<name>` or `plugin:<name>`.
///
/// Fails with a message for people.
pub fn source(text: &str) -> Result<String, String> {
    let is_name = |name: &str| name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_'));
    match Source::parse(text) {
        Some(Source::System) => Ok(text.to_owned()),
        Some(Source::Module(name)) if is_name(name) => Ok(text.to_owned()),
        // `_` separates the name from the collection in `plugin_<name>_<collection>`.
        Some(Source::Plugin(name)) if is_name(name) && !name.contains('_') => Ok(text.to_owned()),
        _ => Err("a source is `system`, `module:NAME` or `plugin:NAME`, with a name of a-z, 0-9 and `-`; \
                  a module's name may contain `_`"
            .to_owned()),
    }
}

/// Converts a text to a doc comment, without what rustc refuses there: control characters, and characters that change the direction
/// of text.
#[must_use]
pub fn description(text: &str) -> String {
    let is_refused =
        |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace(is_refused, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_snake_case() {
        for (words, expected) in [
            ("add_roles", "add_roles"),
            ("add-roles", "add_roles"),
            ("Add roles", "add_roles"),
            ("  add -  roles_", "add_roles"),
            ("AddUserRoles", "add_user_roles"),
            ("userID", "user_id"),
            ("2fa codes", "2fa_codes"),
            ("2024_orders", "2024_orders"),
            ("404", "404"),
        ] {
            assert_eq!(name(words).as_deref(), Ok(expected), "{words}");
        }
        assert_eq!(sentence("add_user_roles"), "Add user roles.");
    }

    #[test]
    fn a_name_that_cannot_be_in_an_id_is_refused_with_the_reason() {
        for (words, message) in [
            ("", "it has no letter"),
            (" _-", "it has no letter"),
            ("größe", "an id cannot contain `ö`"),
            ("users/roles", "an id cannot contain `/`"),
            ("a\u{7}b", "an id cannot contain `\\u{7}`"),
            ("013_add_roles", "leave it out: add_roles"),
            ("20261121-add-roles", "leave it out: add_roles"),
        ] {
            let refused = name(words).unwrap_err();
            assert!(refused.contains(message), "{words}: {refused}");
        }
    }

    #[test]
    fn a_source_follows_the_rules_of_the_attribute() {
        for right in ["system", "module:menu_2", "plugin:whale-alerts"] {
            assert_eq!(source(right).as_deref(), Ok(right));
        }
        for wrong in ["", "menu", "module:", "plugin:", "module:Menu", "module:a:b", "system:a", "plugin:whale_alerts"]
        {
            assert!(source(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_description_fits_into_a_comment() {
        assert_eq!(description("Adds:\r\n\tr\u{202e}öles."), "Adds: \n r öles.");
    }
}
