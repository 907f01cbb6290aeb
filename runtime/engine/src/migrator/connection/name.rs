//! Names of databases, which come from connection strings, variables and arguments.

use crate::error::{Error, escaped};

/// The server's own databases.
const RESERVED: [&str; 3] = ["admin", "config", "local"];

/// The longest name that the server takes, in bytes:
/// <https://www.mongodb.com/docs/manual/reference/limits/#mongodb-limit-Length-of-Database-Names>.
const LONGEST: usize = 63;

/// Characters that are invisible or change how a line reads: zero-width ones, those that set the direction, the byte order mark.
const INVISIBLE: [char; 14] = [
    '\u{AD}', '\u{200B}', '\u{200C}', '\u{200D}', '\u{200E}', '\u{200F}', '\u{202A}', '\u{202B}', '\u{202C}',
    '\u{202D}', '\u{202E}', '\u{2060}', '\u{2066}', '\u{FEFF}',
];

/// Whether it is one of the server's own databases, which are never migrated.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

/// Refuses what cannot be meant, before the server is asked anything: a reserved name, and what the server or whoever has to type
/// the name cannot handle.
pub(crate) fn check(name: &str) -> Result<(), Error> {
    if is_reserved(name) {
        return Err(Error::ReservedDatabase { name: name.to_owned() });
    }
    let problem = if name.is_empty() {
        "is empty".to_owned()
    } else if let Some(wrong) = name.chars().find(|c| !is_allowed(*c)) {
        format!("contains the character {}", shown(wrong))
    } else if name.len() > LONGEST {
        format!("has {} bytes", name.len())
    } else {
        return Ok(());
    };
    Err(Error::DatabaseName { name: escaped(name), problem })
}

/// <https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions>: those that no system allows. White space and control
/// characters come from files and editors.
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
    fn the_servers_own_are_refused() {
        for name in ["admin", "config", "local", "Admin"] {
            assert!(matches!(check(name), Err(Error::ReservedDatabase { .. })), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_one_line() {
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
            assert!(matches!(&error, Error::DatabaseName { problem: told, .. } if told == problem), "{error:?}");
            assert!(!error.to_string().contains(char::is_control), "{error}");
        }
    }

    #[test]
    fn what_the_server_takes_is_taken() {
        for name in ["shop", "tenant-1_eu", "Läden", "a:b", "ana@example", "administrator", &"x".repeat(63)] {
            assert!(check(name).is_ok(), "{name}");
        }
    }
}
