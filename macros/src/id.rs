//! The grammar of ids and sources.

use std::fmt;
use std::ops::Range;

use sha2::{Digest, Sha256};

const RULE: &str = "an id is three digits, `_` and a name in lower case, like `001_create_users`, \
                    or a date, `_` and a name, like `20260131_create_users`";

/// The source that a migration belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    System,
    Module(String),
    Plugin(String),
}

impl Source {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let example = "`system`, `module:<name>` or `plugin:<name>`, like `module:menu`";
        let (kind, name) = match text.split_once(':') {
            None if text == "system" => return Ok(Self::System),
            None if is_name(text) && text != "module" && text != "plugin" => {
                return Err(format!("`{text}` is not a source, did you mean `module:{text}`?\na source is {example}"));
            }
            None => return Err(format!("`{text}` is not a source: a source is {example}")),
            Some(parts) => parts,
        };
        if kind != "module" && kind != "plugin" {
            return Err(format!("`{text}` is not a source: a source is {example}"));
        }
        if !is_name(name) {
            let meant = if kind == "plugin" { snake(name).replace('_', "-") } else { snake(name) };
            let meant = if is_name(&meant) { format!(", did you mean `{kind}:{meant}`?") } else { String::new() };
            let letters = if kind == "plugin" { "`a-z`, `0-9` and `-`" } else { "`a-z`, `0-9`, `_` and `-`" };
            return Err(format!(
                "`{text}` is not a source{meant}\nthe name of a {kind} is made of {letters}, like `{kind}:menu`"
            ));
        }
        if kind == "plugin" && name.contains('_') {
            let meant = name.replace('_', "-");
            return Err(format!(
                "`{text}` is not a source, did you mean `plugin:{meant}`?\nthe name of a plugin has no `_`, which separates it \
                 from the names of its collections: `plugin_<name>_<collection>`"
            ));
        }
        Ok(match kind {
            "module" => Self::Module(name.to_owned()),
            _ => Self::Plugin(name.to_owned()),
        })
    }

    pub(crate) fn is_plugin(&self) -> bool {
        matches!(self, Self::Plugin(_))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Module(name) => write!(f, "module:{name}"),
            Self::Plugin(name) => write!(f, "plugin:{name}"),
        }
    }
}

/// An id with its source: `001_create_users`, `module:menu:001_add_namespace`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct QualifiedId {
    text: String,
    key: u128,
}

impl QualifiedId {
    /// Qualifies an id with its source.
    pub(crate) fn new(source: &Source, id: &str) -> Self {
        match source {
            Source::System => Self::of(id.to_owned()),
            _ => Self::of(format!("{source}:{id}")),
        }
    }

    fn of(text: String) -> Self {
        let key = Sha256::digest(text.as_bytes()).iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte));
        Self { text, key }
    }

    /// Parses an entry of `deps`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Some((prefix, id)) = text.rsplit_once(':') else {
            check(text)?;
            return Ok(Self::of(text.to_owned()));
        };
        let shape = "a dependency is an id of the system, like `001_create_users`, \
                     or an id with its source, like `module:menu:001_add_namespace`";
        if prefix == "system" {
            return Err(format!("the source `system` is not written out, did you mean `{id}`?\n{shape}"));
        }
        if prefix.contains(':') {
            Source::parse(prefix)?;
            check(id)?;
            return Ok(Self::of(text.to_owned()));
        }
        let meant = if is_name(prefix) && prefix != "module" && prefix != "plugin" {
            format!(", did you mean `module:{text}`?")
        } else {
            String::new()
        };
        Err(format!("`{text}` is not a dependency{meant}\n{shape}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The id in the type system: the first 128 bits of its SHA-256.
    pub(crate) fn key(&self) -> u128 {
        self.key
    }
}

/// Checks an id without its source.
pub(crate) fn check(id: &str) -> Result<(), String> {
    let digits = id.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = id.split_at(digits);
    let problem = if id.contains(':') {
        let plain = id.rsplit(':').next().unwrap_or(id);
        let meant = suggestion(plain).unwrap_or_else(|| plain.to_owned());
        return Err(format!(
            "`{id}` is not an id: the source is an argument of its own, like `id = \"{meant}\", source = \"module:menu\"`"
        ));
    } else if id.is_empty() {
        "it is empty".to_owned()
    } else if digits == 0 {
        "it does not start with a number".to_owned()
    } else if digits != 3 && !(8..=17).contains(&digits) {
        let noun = if digits == 1 { "digit" } else { "digits" };
        format!("`{number}` has {digits} {noun}, not three and not the eight to seventeen of a date")
    } else if digits != 3 && !is_date(number) {
        format!("`{}` is not a date of the calendar", &number[..8])
    } else if rest.is_empty() {
        "it has no name after the number".to_owned()
    } else if !(rest.starts_with('_') || digits != 3 && rest.starts_with('-')) {
        "the number is not followed by `_`".to_owned()
    } else if rest.len() == 1 {
        "it has no name after the number".to_owned()
    } else if let Some(odd) = rest.chars().find(|c| !is_name_char(*c)) {
        let why = if odd.is_uppercase() { "upper case" } else { "none of `a-z`, `0-9`, `_` and `-`" };
        format!("`{odd}` is {why}")
    } else {
        return Ok(());
    };
    let meant = suggestion(id).map_or_else(String::new, |meant| format!(", did you mean `{meant}`?"));
    Err(format!("`{id}` is not an id: {problem}{meant}\n{RULE}"))
}

/// Suggests a valid id close to this one, if there is one.
fn suggestion(id: &str) -> Option<String> {
    let id = id.trim();
    let digits = id.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = id.split_at(digits);
    let name = snake(rest);
    let name = name.trim_matches(['_', '-']);
    let number = match digits {
        8..=17 => number.to_owned(),
        0 => "001".to_owned(),
        _ => format!("{:03}", number.parse::<u64>().ok()?),
    };
    let meant = format!("{number}_{name}");
    let digits = number.len();
    (!name.is_empty() && (digits == 3 || is_date(&number))).then_some(meant)
}

/// Converts to lower case with `_` between words.
fn snake(text: &str) -> String {
    let mut name = String::new();
    let mut after_small = false;
    for c in text.trim().chars() {
        if c.is_ascii_uppercase() && after_small {
            name.push('_');
        }
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
        let c = c.to_ascii_lowercase();
        if is_name_char(c) && c != '_' {
            name.push(c);
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    name
}

/// Returns whether the first eight digits are a date in the Gregorian calendar. A time or a counter may follow.
fn is_date(digits: &str) -> bool {
    let part = |range: Range<usize>| digits.get(range)?.parse::<u32>().ok();
    let (Some(year), Some(month), Some(day)) = (part(0..4), part(4..6), part(6..8)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_name_char)
}

fn is_name_char(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '_' | '-')
}

#[cfg(test)]
#[path = "id/tests.rs"]
mod tests;
