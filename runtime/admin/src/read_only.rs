//! The environment variable that makes an admin read-only.

use std::env;
use std::ffi::OsStr;

/// The environment variable that lowers every grant.
const READ_ONLY: &str = "MONGRATE_HTTP_READ_ONLY";

/// Returns whether the environment asks for a read-only admin.
pub(crate) fn is_configured() -> bool {
    is_read_only(env::var_os(READ_ONLY).as_deref())
}

/// Whether the environment variable asks for a read-only admin. A value that says neither yes nor no does, too.
fn is_read_only(value: Option<&OsStr>) -> bool {
    let Some(value) = value.map(|value| value.to_string_lossy().trim().to_ascii_lowercase()) else { return false };
    match value.as_str() {
        "true" | "1" | "yes" | "on" => true,
        "" | "false" | "0" | "no" | "off" => false,
        _ => {
            tracing::error!(
                value,
                "the environment variable {READ_ONLY} takes true or false (or 1 or 0, yes or no, on or off); \
                 with any other value, the admin is read-only"
            );
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unclear_variable_makes_it_read_only() {
        for (value, expected) in
            [("true", true), (" ON\n", true), ("1", true), ("maybe", true), ("false", false), ("0", false), ("", false)]
        {
            assert_eq!(is_read_only(Some(OsStr::new(value))), expected, "{value}");
        }
        assert!(!is_read_only(None));
    }
}
