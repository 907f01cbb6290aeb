//! Access by shared tokens, and the cookie of the page's sign-in.

use std::env;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::access::{Grant, Level};
use crate::face::Face;

/// An alternative to `Authorization: Bearer`.
pub(crate) const ADMIN_TOKEN: HeaderName = HeaderName::from_static("x-admin-token");

/// Shorter tokens could be guessed.
const MIN_LENGTH: usize = 32;

/// How long a sign-in lasts.
pub(crate) const SESSION: Duration = Duration::from_secs(12 * 60 * 60);

/// Access by shared tokens: as `Authorization: Bearer <token>` or `X-Admin-Token: <token>`, or through the sign-in form of the
/// page, which sets a cookie for 12 hours.
///
/// A token vouches for nobody, so a name that is given with it is recorded as `ana (as told, token "admin")`. Tokens are kept
/// as hashes, never logged, and never part of a URL. Its `Debug` shows names and levels only.
#[derive(Clone, Default)]
pub struct Tokens {
    tokens: Vec<Token>,
    unprotected: bool,
}

#[derive(Clone)]
struct Token {
    name: String,
    level: Level,
    /// SHA-256 of the token: compared in constant time, and the key of its cookies.
    hash: [u8; 32],
}

/// Tokens that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokensError {
    /// The token could be guessed.
    #[error(
        "the token '{name}' has {length} characters; it needs at least {MIN_LENGTH}, for example from `openssl rand -hex 32`"
    )]
    TooShort {
        /// The name of the token.
        name: String,
        /// Its length in characters.
        length: usize,
    },
    /// The token contains a character that a header cannot carry.
    #[error(
        "the token '{name}' contains spaces or characters beyond ASCII, which a header cannot carry; use letters and digits, for example from `openssl rand -hex 32`"
    )]
    NotSendable {
        /// The name of the token.
        name: String,
    },
    /// An environment variable is not set, or not valid UTF-8.
    #[error(
        "the environment variable {variable} is not set, or is not text; set it to a token of at least {MIN_LENGTH} characters, for example from `openssl rand -hex 32`"
    )]
    Missing {
        /// The name of the variable.
        variable: String,
    },
}

impl TokensError {
    /// Names the variable instead of the token.
    fn in_variable(self, variable: &str) -> Self {
        let name = variable.to_owned();
        match self {
            Self::TooShort { length, .. } => Self::TooShort { name, length },
            Self::NotSendable { .. } => Self::NotSendable { name },
            missing @ Self::Missing { .. } => missing,
        }
    }
}

/// The contents of the cookie.
#[derive(Debug, Serialize, Deserialize)]
struct Session {
    token: String,
    /// The name that was given at sign-in.
    name: Option<String>,
    /// Seconds since 1970.
    expires: u64,
}

impl Tokens {
    /// No token yet: nobody may do anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a token of at least 32 printable ASCII characters; space around it does not count. `name` is recorded in the history,
    /// and is not secret.
    pub fn add(mut self, name: impl Into<String>, level: Level, token: impl AsRef<str>) -> Result<Self, TokensError> {
        // A value that is read from a file often ends with a line break.
        let (name, token) = (name.into(), token.as_ref().trim());
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokensError::NotSendable { name });
        }
        if token.len() < MIN_LENGTH {
            return Err(TokensError::TooShort { name, length: token.len() });
        }
        self.tokens.push(Token { name, level, hash: Sha256::digest(token).into() });
        Ok(self)
    }

    /// One token from an environment variable, with the name `admin` and [`Level::Repair`].
    pub fn from_env(variable: &str) -> Result<Self, TokensError> {
        let token = env::var(variable).map_err(|_| TokensError::Missing { variable: variable.to_owned() })?;
        Self::new().add("admin", Level::Repair, token).map_err(|error| error.in_variable(variable))
    }

    /// Everybody who reaches the server from its own host may do everything, for development: only with a loopback `Host` and
    /// no `Forwarded` header, never in the environment `production`, and with a warning in the log. Not behind a proxy.
    #[must_use]
    pub fn unprotected_for_development() -> Self {
        Self { tokens: Vec::new(), unprotected: true }
    }

    /// Returns the value of the cookie for this token, or `None` if there is no such token.
    pub(crate) fn open_session(&self, token: &str, name: Option<&str>) -> Option<String> {
        self.session_until(now().saturating_add(SESSION.as_secs()), token, name)
    }

    /// `expires` is in seconds since 1970.
    fn session_until(&self, expires: u64, token: &str, name: Option<&str>) -> Option<String> {
        let found = self.find(token)?;
        let session = Session { token: found.name.clone(), name: name.map(str::to_owned), expires };
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&session).ok()?);
        let signature = URL_SAFE_NO_PAD.encode(found.mac(&payload).finalize().into_bytes());
        Some(format!("{payload}.{signature}"))
    }

    fn find(&self, token: &str) -> Option<&Token> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        self.only(|candidate| candidate.hash.ct_eq(&hash).into())
    }

    /// Two tokens may have one name, while the old one is being replaced.
    fn by_cookie(&self, cookie: &str) -> Option<Grant> {
        let (payload, signature) = cookie.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let token = self.only(|token| token.mac(payload).verify_slice(&signature).is_ok())?;
        let session: Session = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let is_valid = session.token == token.name && session.expires > now();
        is_valid.then(|| Grant::shared(token.level, actor(&token.name, session.name.as_deref())))
    }

    /// Compares with every token, so that the time reveals nothing.
    fn only(&self, is_it: impl Fn(&Token) -> bool) -> Option<&Token> {
        self.tokens.iter().fold(None, |found, token| if is_it(token) { Some(token) } else { found })
    }
}

impl Token {
    fn mac(&self, payload: &str) -> Hmac<Sha256> {
        // Padded as RFC 2104 pads a short key.
        let mut key = [0; 64];
        key[..self.hash.len()].copy_from_slice(&self.hash);
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&key.into());
        mac.update(payload.as_bytes());
        mac
    }
}

impl Tokens {
    pub(crate) fn is_unprotected(&self) -> bool {
        self.unprotected
    }

    pub(crate) fn decide(&self, request: &Parts) -> Grant {
        if self.unprotected {
            return Grant::repair("development");
        }
        if let Some(token) = presented(&request.headers) {
            return self.find(token).map_or_else(Grant::denied, |token| Grant::shared(token.level, &token.name));
        }
        // The API takes no cookie, so that no other page can make a browser use it.
        let cookie = match request.extensions.get() {
            Some(Face::Page) => session_cookie(&request.headers),
            _ => None,
        };
        cookie.and_then(|cookie| self.by_cookie(cookie)).unwrap_or_else(Grant::denied)
    }
}

/// Returns the token that a request presents in a header.
pub(crate) fn presented(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    bearer.or_else(|| headers.get(ADMIN_TOKEN)?.to_str().ok())
}

/// The name of the session cookie, which a browser keeps on a secure connection only.
pub(crate) const SECURE_COOKIE: &str = "__Secure-mongrate";

/// The name of the session cookie on plain HTTP.
pub(crate) const PLAIN_COOKIE: &str = "mongrate";

pub(crate) fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split("; ")).find_map(|cookie| {
        let (name, value) = cookie.split_once('=')?;
        [SECURE_COOKIE, PLAIN_COOKIE].contains(&name).then_some(value)
    })
}

/// Who is recorded, given the name of a token and the name that its user gave.
pub(crate) fn actor(token: &str, name: Option<&str>) -> String {
    name.map_or_else(|| token.to_owned(), |name| format!("{name} (as told, token \"{token}\")"))
}

/// Seconds since 1970. With a clock before that, no session is valid.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(u64::MAX, |time| time.as_secs())
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.tokens.iter().map(|token| (&token.name, token.level));
        f.debug_map().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::access::Decision;

    #[test]
    fn an_expired_cookie_is_refused() {
        const TOKEN: &str = "a-token-of-at-least-32-characters";
        let tokens = Tokens::new().add("admin", Level::Repair, TOKEN).unwrap();
        for (expires, is_valid) in [(now() + 60, true), (now() + SESSION.as_secs(), true), (now(), false), (1, false)] {
            let cookie = tokens.session_until(expires, TOKEN, Some("ana")).unwrap();
            let request = Request::builder().header(COOKIE, format!("{SECURE_COOKIE}={cookie}")).extension(Face::Page);
            let grant = tokens.decide(&request.body(()).unwrap().into_parts().0);
            assert_eq!(matches!(grant.0, Decision::Allowed(_)), is_valid, "{expires}");
        }
    }
}
