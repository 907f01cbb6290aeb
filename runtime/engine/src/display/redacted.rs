//! Hides credentials in texts for people and logs.

use std::borrow::Cow;

/// Shown instead of a credential.
pub const HIDDEN: &str = "***";

/// Hides the users and passwords of all addresses in a text, such as an error that quotes a connection string.
///
/// ```
/// use mongrate::display::redacted;
///
/// assert_eq!(redacted("cannot use 'mongodb://ana:secret@db:27017/shop'"), "cannot use 'mongodb://***@db:27017/shop'");
/// ```
#[must_use]
pub fn redacted(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let (mut rest, mut is_changed) = (text, false);
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let ends = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`');
        // A password may contain an unescaped @; one for MongoDB may contain anything, unless the address has none.
        let word = &after[..after.find(ends).unwrap_or(after.len())];
        let is_whole = word.contains('/') && is_address(word.trim_end_matches([',', '.', ';']));
        let is_ours = (before.ends_with("mongodb") || before.ends_with("mongodb+srv")) && !is_whole;
        let end = if is_ours { after.find('\n') } else { after.find(ends) };
        rest = after;
        if let Some((_, server)) = after[..end.unwrap_or(after.len())].rsplit_once('@') {
            shown.push_str(HIDDEN);
            shown.push('@');
            rest = &after[end.unwrap_or(after.len()) - server.len()..];
            is_changed = true;
        }
    }
    shown.push_str(rest);
    if is_changed { shown.into() } else { text.into() }
}

/// Returns whether a text can only be the hosts, ports and database name of a connection string, so that there are no credentials
/// in it.
#[must_use]
pub fn is_address(text: &str) -> bool {
    let allowed = |sign: char| sign.is_ascii_alphanumeric() || ".,:-_[]/".contains(sign);
    let (ports_only, (hosts, _)) = (
        |(before, after): (&str, &str)| before.contains('[') || after.starts_with(|sign: char| sign.is_ascii_digit()),
        text.split_once('/').unwrap_or((text, "")),
    );
    text.chars().all(allowed) && hosts.split(',').all(|host| host.split_once(':').is_none_or(ports_only))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_passwords_are_hidden() {
        for (text, shown) in [
            ("mongodb://ana:secret@a:1,b:2/shop", "mongodb://***@a:1,b:2/shop"),
            ("'mongodb+srv://ana:sec@re/t@a' is odd", "'mongodb+srv://***@a' is odd"),
            ("'mongodb://ana:it's `se\"c ret@a' is odd\nana@corp", "'mongodb://***@a' is odd\nana@corp"),
            ("one mongodb://a:b@c and two mongodb://d@e/f?g=h@i", "one mongodb://***@i"),
            ("mongodb://localhost/shop", "mongodb://localhost/shop"),
            ("like mongodb://localhost/shop, with `a:b@`", "like mongodb://localhost/shop, with `a:b@`"),
            ("see https://a.b/c: d@e", "see https://a.b/c: d@e"),
            ("https://ana:secret@a.b/c by d@e", "https://***@a.b/c by d@e"),
            ("nobody@nowhere", "nobody@nowhere"),
        ] {
            assert_eq!(redacted(text), shown);
        }
    }
}
