//! What a migration is called, behind the number of its id.

use crate::failure::Failure;
use crate::migrate;

/// A name of what an id may be made of: `add_roles`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// From words as they are typed: `add_roles`, `add-roles`, `AddRoles`, `Add roles`.
    pub(super) fn of(words: &str) -> Result<Self, Failure> {
        let mut name = String::new();
        let mut gap = None;
        let mut after_small = false;
        for c in words.chars() {
            if c.is_whitespace() || matches!(c, '_' | '-') {
                gap = Some(if c == '-' && gap != Some('_') { '-' } else { '_' });
                after_small = false;
                continue;
            }
            if !c.is_ascii_alphanumeric() {
                let why =
                    format!("'{words}' cannot be the name of a migration: `{}` cannot be in an id", c.escape_debug());
                return Err(invalid(why));
            }
            if c.is_ascii_uppercase() && after_small {
                gap = Some('_');
            }
            if let Some(gap) = gap.take().filter(|_| !name.is_empty()) {
                name.push(gap);
            }
            after_small = !c.is_ascii_uppercase();
            name.push(c.to_ascii_lowercase());
        }
        if name.is_empty() {
            return Err(invalid(format!("'{words}' cannot be the name of a migration: there is no letter in it")));
        }
        Self(name).without_number()
    }

    /// A name that begins like an id is probably one: two numbers would help nobody.
    fn without_number(self) -> Result<Self, Failure> {
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let rest = self.0[digits..].trim_start_matches(['_', '-']);
        if !(digits == 3 || digits >= 8) || rest.len() == self.0.len() - digits {
            return Ok(self);
        }
        let message = format!("'{}' begins with a number, and that is found by itself", self.0);
        Err(Failure::usage(message).help(format!("say only what it does: `{} new {rest}`", migrate())))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a sentence: `Add roles.`
    pub(super) fn sentence(&self) -> String {
        let words = self.0.replace(['_', '-'], " ");
        let (first, rest) = words.split_at(1);
        format!("{}{rest}.", first.to_ascii_uppercase())
    }
}

fn invalid(message: String) -> Failure {
    Failure::usage(message).help(format!(
        "it is made of the letters `a-z`, digits, and spaces, `_` or `-` between the words: `{} new add_roles`",
        migrate()
    ))
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn a_name_is_made_of_what_is_typed() {
        for (words, name, sentence) in [
            ("add_roles", "add_roles", "Add roles."),
            ("add-roles", "add-roles", "Add roles."),
            ("Add roles", "add_roles", "Add roles."),
            ("  add -  roles_", "add_roles", "Add roles."),
            ("AddUserRoles", "add_user_roles", "Add user roles."),
            ("userID", "user_id", "User id."),
            ("--add--roles--", "add-roles", "Add roles."),
            ("2fa codes", "2fa_codes", "2fa codes."),
            ("2024_orders", "2024_orders", "2024 orders."),
            ("404", "404", "404."),
            ("x", "x", "X."),
        ] {
            let made = Name::of(words).unwrap();
            assert_eq!((made.as_str(), made.sentence().as_str()), (name, sentence), "{words}");
        }
    }

    #[test]
    fn a_name_that_cannot_be_in_an_id_is_refused_with_the_reason() {
        for (words, message) in [
            ("", "there is no letter in it"),
            (" _-", "there is no letter in it"),
            ("größe", "`ö` cannot be in an id"),
            ("users/roles", "`/` cannot be in an id"),
            ("module:menu", "`:` cannot be in an id"),
            ("a\u{7}b", "`\\u{7}` cannot be in an id"),
            ("013_add_roles", "'013_add_roles' begins with a number"),
            ("20261121-add-roles", "'20261121-add-roles' begins with a number"),
        ] {
            let refused = Name::of(words).unwrap_err();
            assert!(refused.message.contains(message), "{words}: {}", refused.message);
            assert!(refused.help.is_some());
        }
    }
}
