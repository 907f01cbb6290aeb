//! What the server and the driver say, as the end of a sentence.

use std::borrow::Cow;
use std::fmt;

use mongodb::bson::Document;

use super::codes::DUPLICATE_KEY;
use super::validation;
use crate::display::Count;

/// What the server says about a command or a write that it has refused.
pub(super) struct Refused<'a> {
    pub(super) message: &'a str,
    /// The code's name, where the server gives it.
    pub(super) name: Option<&'a str>,
    pub(super) code: i32,
    /// Which one of many writes.
    pub(super) index: Option<usize>,
    /// `errInfo`: what a document lacks for its collection's validator.
    pub(super) info: Option<&'a Document>,
    /// How many other writes were refused.
    pub(super) more: usize,
}

impl<'a> Refused<'a> {
    pub(super) fn named(message: &'a str, name: &'a str, code: i32) -> Self {
        Self { message, name: Some(name).filter(|name| !name.is_empty()), code, index: None, info: None, more: 0 }
    }
}

impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, code, info, more, .. } = self;
        f.write_str(without_details(self.message).trim_end_matches('.'))?;
        let why = info.and_then(validation::explained);
        if let Some(why) = &why {
            write!(f, ": {why}")?;
        }
        match name {
            Some(name) => write!(f, " ({name}, code {code}")?,
            None => write!(f, " (code {code}")?,
        }
        // The message, or what was added to it, names the document otherwise.
        if let Some(index) = self.index.filter(|_| why.is_none() && *code != DUPLICATE_KEY) {
            write!(f, ", document {index}")?;
        }
        f.write_str(")")?;
        match more {
            0 => Ok(()),
            1 => f.write_str(", and 1 more was refused"),
            more => write!(f, ", and {} more were refused", Count(*more as u64)),
        }
    }
}

/// The words of a kind that has nothing but words. The sentence goes on.
pub(super) fn in_words(kind: &str) -> String {
    match kind.starts_with("Server selection timeout").then(|| servers(kind)).flatten() {
        Some(servers) => format!("none of the servers can be used: {servers}"),
        None => without_details(kind.trim_end_matches('.')).into_owned(),
    }
}

/// The servers of a topology as the driver describes it in words, each with its error or else its type: it has no other
/// way to tell.
fn servers(message: &str) -> Option<String> {
    let servers = message.split("Address: ").skip(1).map(|server| {
        let (address, rest) = server.split_once(", Type: ")?;
        let state = match rest.split_once("Error: ") {
            Some((_, error)) => error.split(" }").next()?,
            None => rest.split([',', ' ']).next()?,
        };
        Some(format!("{address} ({state})"))
    });
    servers.collect::<Option<Vec<_>>>().filter(|servers| !servers.is_empty()).map(|servers| servers.join(", "))
}

/// The server quotes the command that it does not allow: with the documents in it, the session and the signature of the
/// cluster's time. Its name and its collection are enough.
fn without_details(message: &str) -> Cow<'_, str> {
    match message.split_once(" to execute command { ") {
        Some((who, command)) if command.contains(", ") => {
            let what = command.split(", ").next().unwrap_or_default();
            format!("{who} to execute command {{ {what}, .. }}").into()
        }
        _ => message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_without_its_documents() {
        let message = "not authorized on shop to execute command { find: \"users\", filter: { secret: 1 } }";
        assert_eq!(without_details(message), "not authorized on shop to execute command { find: \"users\", .. }");
        assert_eq!(without_details("anything else, as it is"), "anything else, as it is");
    }
}
