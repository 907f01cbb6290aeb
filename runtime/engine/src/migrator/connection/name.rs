//! Validation of database names from connection strings, variables and arguments.

use crate::error::{Error, escaped};

/// The server's own databases.
const RESERVED: [&str; 3] = ["admin", "config", "local"];

/// The maximum length of a database name in bytes:
/// <https://www.mongodb.com/docs/manual/reference/limits/#mongodb-limit-Length-of-Database-Names>.
const MAX_LENGTH: usize = 63;

/// Invisible and bidirectional characters, and the byte order mark.
const INVISIBLE: [char; 14] = [
    '\u{AD}', '\u{200B}', '\u{200C}', '\u{200D}', '\u{200E}', '\u{200F}', '\u{202A}', '\u{202B}', '\u{202C}',
    '\u{202D}', '\u{202E}', '\u{2060}', '\u{2066}', '\u{FEFF}',
];

/// Returns whether the name is one of the server's own databases, which are never migrated.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

/// Refuses reserved and invalid names before anything is sent to the server.
pub(crate) fn check(name: &str) -> Result<(), Error> {
    if is_reserved(name) {
        return Err(Error::ReservedDatabase { name: name.to_owned() });
    }
    let problem = if name.is_empty() {
        "is empty".to_owned()
    } else if let Some(wrong) = name.chars().find(|c| !is_allowed(*c)) {
        format!("contains the character {}", shown(wrong))
    } else if name.len() > MAX_LENGTH {
        format!("has {} bytes", name.len())
    } else {
        return Ok(());
    };
    Err(Error::DatabaseName { name: escaped(name), problem })
}

/// Applies the restrictions of all systems: <https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions>. White
/// space and control characters are leftovers of files and editors.
fn is_allowed(c: char) -> bool {
    !(c.is_whitespace() || c.is_control() || INVISIBLE.contains(&c) || ['/', '\\', '.', '"', '$'].contains(&c))
}

fn shown(c: char) -> String {
    if c == ' ' { "' ' (a space)".to_owned() } else { format!("'{}'", c.escape_debug()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_refused() {
        for name in ["admin", "config", "local", "Admin"] {
            assert!(matches!(check(name), Err(Error::ReservedDatabase { .. })), "{name}");
        }
    }

    #[test]
    fn invalid_names_are_refused_in_one_line() {
        for (name, problem) in [
            ("", "is empty"),
            ("shop\n", r"contains the character '\n'"),
            (" shop", "contains the character ' ' (a space)"),
            ("shop\r\n", r"contains the character '\r'"),
            ("a\u{a0}b", r"contains the character '\u{a0}'"),
            ("shop\u{feff}", r"contains the character '\u{feff}'"),
            ("shop\u{200b}", r"contains the character '\u{200b}'"),
            ("a\0b", r"contains the character '\0'"),
            ("shop.users", "contains the character '.'"),
            ("a/b", "contains the character '/'"),
            ("a$b", "contains the character '$'"),
            ("a\\b", r"contains the character '\\'"),
            (&"é".repeat(32), "has 64 bytes"),
        ] {
            let error = check(name).unwrap_err();
            assert!(matches!(&error, Error::DatabaseName { problem: found, .. } if found == problem), "{error:?}");
            assert!(!error.to_string().contains(char::is_control), "{error}");
        }
    }

    #[test]
    fn valid_names_are_accepted() {
        for name in ["shop", "tenant-1_eu", "Läden", "a:b", "ana@example", "administrator", &"x".repeat(63)] {
            assert!(check(name).is_ok(), "{name}");
        }
    }
}
