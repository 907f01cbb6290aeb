//! Messages of the server and the driver, as the end of a sentence.

use std::borrow::Cow;
use std::fmt;

use mongodb::bson::Document;

use super::codes::DUPLICATE_KEY;
use super::validation;
use crate::display::Count;

/// A command or write that the server refused.
pub(super) struct Refused<'a> {
    pub(super) message: &'a str,
    /// The name of the code, if the server sent it.
    pub(super) name: Option<&'a str>,
    pub(super) code: i32,
    /// Index among several writes.
    pub(super) index: Option<usize>,
    /// `errInfo`: why a document failed validation.
    pub(super) info: Option<&'a Document>,
    /// Number of other refused writes.
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
        // Otherwise the text already names the document.
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

/// The message of a kind that has only a text.
pub(super) fn in_words(kind: &str) -> String {
    match kind.starts_with("Server selection timeout").then(|| servers(kind)).flatten() {
        Some(servers) => format!("none of the servers can be used: {servers}"),
        None => without_details(kind.trim_end_matches('.')).into_owned(),
    }
}

/// The servers of a topology, each with its error or type, parsed from the driver's text: the driver has no other form.
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

/// Shortens a command that the server quotes to its name and collection. The server also quotes its documents, the session and the
/// signature of the cluster time.
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
