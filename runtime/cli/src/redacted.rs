//! Hides credentials: a mistyped argument is quoted in the error about it, and ends up in a log.
//!
//! A password may contain anything that would end a connection string in a sentence, such as a quote or a space. So the arguments of
//! the process are searched, whose boundaries are known, and credentials found there are hidden in all output. Connection strings
//! from elsewhere are found by their scheme.

use std::borrow::Cow;
use std::env;
use std::sync::LazyLock;

use clap::error::{ContextKind, ContextValue};
use mongrate::display::{HIDDEN, is_address, redacted};

static OF_THIS_PROCESS: LazyLock<Secrets> = LazyLock::new(|| {
    let values = env::args_os().skip(1).chain(env::var_os("MONGODB_URI"));
    Secrets::of(values.map(|value| value.to_string_lossy().into_owned()))
});

/// The credentials in a list of arguments.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// Each spelling in which a credential may be quoted.
    spellings: Vec<String>,
    /// Whole arguments. They may be short words, so they are hidden only if they stand alone or in quotes.
    arguments: Vec<String>,
}

impl Secrets {
    /// The credentials in the arguments of this process and in `MONGODB_URI`.
    pub(super) fn of_this_process() -> &'static Self {
        &OF_THIS_PROCESS
    }

    pub(super) fn of(arguments: impl IntoIterator<Item = String>) -> Self {
        let mut secrets = Self::default();
        let mut goes_on = false;
        for argument in arguments {
            goes_on = if goes_on && !argument.starts_with('-') {
                secrets.continue_in(&argument)
            } else {
                secrets.search(&argument)
            };
        }
        // Longest first, because one may be a part of another.
        secrets.spellings.sort_unstable_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        secrets.spellings.dedup();
        secrets
    }

    /// Searches an argument. Returns whether its connection string may continue in the next one, after an unquoted space.
    fn search(&mut self, argument: &str) -> bool {
        let Some((scheme, rest)) = argument.split_once(":/") else {
            // A user and a password without a scheme.
            if let Some((user, _)) = argument.rsplit_once('@')
                && user.contains(':')
                && !user.contains(char::is_whitespace)
            {
                self.hide(&format!("{user}@"));
            }
            return false;
        };
        if !scheme.to_lowercase().contains("mongo") {
            return false;
        }
        let rest = rest.trim_start_matches('/');
        let (server, user) = rest.rsplit_once('@').map_or((rest, None), |(user, server)| (server, Some(user)));
        let (server, options) = server.split_once('?').unwrap_or((server, ""));
        let is_secret = |name: &str| ["password", "properties", "username"].iter().any(|word| name.contains(word));
        for option in options.split('&').filter(|option| is_secret(&option.to_lowercase())) {
            self.hide(option);
        }
        match (user, is_address(server)) {
            (Some(user), true) => self.hide(&format!("{user}@")),
            (None, true) => {}
            // The position of the password is unknown.
            (_, false) => self.hide(rest),
        }
        user.is_none() && !is_address(server)
    }

    /// Searches an argument that continues a connection string.
    fn continue_in(&mut self, argument: &str) -> bool {
        let user = argument.rsplit_once('@');
        match user {
            Some((user, _)) => self.hide(&format!("{user}@")),
            None => self.arguments.push(argument.to_owned()),
        }
        user.is_none()
    }

    fn hide(&mut self, secret: &str) {
        if secret.is_empty() {
            return;
        }
        let json = serde_json::Value::from(secret).to_string();
        let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
        self.spellings.extend([secret.to_owned(), secret.escape_debug().to_string(), json]);
    }

    /// Hides these credentials, and those of any connection string in the text.
    pub(super) fn hidden<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.arguments.iter().any(|argument| argument == text) {
            return HIDDEN.into();
        }
        let mut text = Cow::Borrowed(text);
        for argument in self.arguments.iter().map(|argument| format!("'{argument}'")) {
            if text.contains(&argument) {
                text = text.replace(&argument, &format!("'{HIDDEN}'")).into();
            }
        }
        for secret in self.spellings.iter().filter(|secret| !secret.is_empty()) {
            if text.contains(secret.as_str()) {
                let at = if secret.ends_with('@') { "@" } else { "" };
                text = text.replace(secret.as_str(), &format!("{HIDDEN}{at}")).into();
            }
        }
        let redacted = match redacted(&text) {
            Cow::Owned(redacted) => Some(redacted),
            Cow::Borrowed(_) => None,
        };
        redacted.map_or(text, Cow::Owned)
    }

    /// Hides the credentials in an error of clap.
    pub(super) fn hidden_in(&self, mut error: clap::Error) -> clap::Error {
        let quoted: Vec<(ContextKind, ContextValue)> =
            error.context().map(|(kind, value)| (kind, value.clone())).collect();
        let has_any = |text: &str| self.hidden(text) != text;
        for (kind, value) in quoted {
            match value {
                ContextValue::String(text) => {
                    error.insert(kind, ContextValue::String(self.hidden(&text).into_owned()));
                }
                ContextValue::Strings(texts) => {
                    let texts = texts.iter().map(|text| self.hidden(text).into_owned()).collect();
                    error.insert(kind, ContextValue::Strings(texts));
                }
                // Styled text that quotes an argument.
                ContextValue::StyledStr(text) if has_any(&text.to_string()) => {
                    error.remove(kind);
                }
                ContextValue::StyledStrs(texts) if texts.iter().any(|text| has_any(&text.to_string())) => {
                    error.remove(kind);
                }
                _ => {}
            }
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever characters a password has, and however an argument is quoted.
    #[test]
    fn nothing_of_an_argument_is_quoted() {
        for password in ["it's", "a`b", "a\"b", "a b", "a\\b", "a\nb", "a\u{1b}b", "a@b", "a://b", "ü:/?#[]"] {
            for argument in [
                format!("mongodb://ana:{password}@a/shop"),
                format!("--uri=mongodb+srv://ana:{password}@a/shop?w=1"),
                format!("MONGO://ana:{password}@a"),
                format!("mongodb:/ana:{password}@a"),
            ] {
                let secrets = Secrets::of([argument.clone()]);
                let json = serde_json::json!({ "message": format!("no '{argument}'") }).to_string();
                for text in [format!("no '{argument}' or `{argument}`"), format!("{argument:?}"), json] {
                    let told = secrets.hidden(&text);
                    let half = &password[password.len() - 1..];
                    assert!(!told.contains("ana") && !told.contains(&format!("{half}@")), "{argument}: {told}");
                }
            }
        }
    }

    #[test]
    fn neither_without_a_server_nor_in_pieces() {
        for (arguments, text) in [
            (&["mongodb://ana:secret"][..], "no 'mongodb://ana:secret' there"),
            (&["mongodb://ana:my@secret://is"], "no 'mongodb://ana:my@secret://is' there"),
            (&["ana:secret@localhost"], "no 'ana:secret@localhost' there"),
            (&["up", "mongodb://ana:my", "secret", "is@a/shop"], "'mongodb://ana:my', 'secret' and 'is@a/shop'"),
            (&["mongodb://a/?proxyPassword=secret"], "'mongodb://a/?proxyPassword=secret'"),
        ] {
            let secrets = Secrets::of(arguments.iter().map(ToString::to_string));
            let told = secrets.hidden(text);
            assert!(!["ana", "secret", "my", "is@"].iter().any(|part| told.contains(part)), "{told}");
        }
    }

    #[test]
    fn what_is_no_secret_is_kept() {
        let arguments = ["mongodb://localhost:27017,[::1]:1/shop?w=1", "--by", "ana@corp", "see OPS-1: ask ana@corp"];
        let text = arguments.join(" and ").replace("mongodb://", "");
        assert_eq!(Secrets::of(arguments.map(str::to_owned)).hidden(&text), text);
    }
}
