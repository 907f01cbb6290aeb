//! The driver's errors for people: without labels, the server's raw reply and Rust's debug notation.

use std::error::Error as StdError;
use std::fmt;

use mongodb::bson::Document;
use mongodb::error::{Error as DriverError, ErrorKind, GridFsErrorKind, WriteConcernError, WriteFailure};

use super::quoted;
use super::sentence::{Refused, in_words};
use crate::display::{shorten_causes, shorten_message};

/// A driver's error in one sentence.
pub(crate) struct Readable<'a>(pub(crate) &'a DriverError);

impl fmt::Display for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = &*self.0.kind;
        if let Some(refused) = refused(kind) {
            // The driver has the `errInfo` of a command only in the raw reply.
            let reply = self.0.server_response().filter(|_| matches!(kind, ErrorKind::Command(_)));
            let reply = reply.and_then(|reply| Document::from_reader(reply.as_bytes()).ok());
            let info = reply.as_ref().and_then(|reply| reply.get_document("errInfo").ok());
            return Refused { info: refused.info.or(info), ..refused }.fmt(f);
        }
        match kind {
            ErrorKind::InsertMany(_) | ErrorKind::BulkWrite(_) => {
                f.write_str("the writes failed")?;
                self.0.source().map_or(Ok(()), |source| write!(f, ": {}", readable(source)))
            }
            ErrorKind::GridFs(kind) => f.write_str(&grid_fs(kind)),
            kind => match self.0.get_custom::<String>() {
                Some(ours) => f.write_str(ours),
                None => f.write_str(&in_words(&quoted::readable(&kind.to_string()))),
            },
        }
    }
}

/// The command or write that the server refused; of several writes, the first.
pub(super) fn refused<'k>(kind: &'k ErrorKind) -> Option<Refused<'k>> {
    let concern = |concern: &'k WriteConcernError| Refused::named(&concern.message, &concern.code_name, concern.code);
    match kind {
        ErrorKind::Command(command) => Some(Refused::named(&command.message, &command.code_name, command.code)),
        ErrorKind::Write(WriteFailure::WriteError(error)) => {
            Some(Refused { info: error.details.as_ref(), ..Refused::named(&error.message, "", error.code) })
        }
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => Some(concern(error)),
        ErrorKind::InsertMany(many) => {
            let errors = many.write_errors.as_deref().unwrap_or_default();
            let first = errors.first().map(|first| Refused {
                index: Some(first.index),
                info: first.details.as_ref(),
                more: errors.len() - 1,
                ..Refused::named(&first.message, "", first.code)
            });
            first.or_else(|| many.write_concern_error.as_ref().map(concern))
        }
        ErrorKind::BulkWrite(bulk) => {
            let first = bulk.write_errors.iter().min_by_key(|(index, _)| **index);
            let first = first.map(|(index, first)| Refused {
                index: Some(*index),
                info: first.details.as_ref(),
                more: bulk.write_errors.len() - 1,
                ..Refused::named(&first.message, "", first.code)
            });
            first.or_else(|| bulk.write_concern_errors.first().map(concern))
        }
        _ => None,
    }
}

/// Formats a write error or a write concern error from the reply to a command that the driver does not inspect.
pub(crate) fn write_error(error: &Document) -> String {
    let text = |field| error.get_str(field).unwrap_or_default();
    Refused {
        info: error.get_document("errInfo").ok(),
        ..Refused::named(text("errmsg"), text("codeName"), error.get_i32("code").unwrap_or_default())
    }
    .to_string()
}

/// The name of the kind in words, because the driver has no message.
fn grid_fs(kind: &GridFsErrorKind) -> String {
    let name = format!("{kind:?}");
    let mut words = String::from("GridFS:");
    for c in name.chars().take_while(char::is_ascii_alphanumeric) {
        if c.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

/// One error of a chain in one line. Errors of any type may quote one of the driver's.
pub(crate) fn readable(error: &(dyn StdError + 'static)) -> String {
    match error.downcast_ref::<DriverError>() {
        Some(driver) => Readable(driver).to_string(),
        None => quoted::readable(&error.to_string()).into_owned(),
    }
}

/// An error and its sources, outermost first, each in one line and shortened to fit into a record.
pub(crate) fn source_chain(error: &(dyn StdError + 'static)) -> Vec<String> {
    let links = std::iter::successors(Some(error), |error| (*error).source());
    let mut chain = links.map(readable).collect();
    shorten_causes(&mut chain);
    chain
}

/// Joins a chain of sources into one line, without sources that an outer error already contains.
pub(crate) fn in_one_line(chain: &[String]) -> String {
    let mut line = String::new();
    for link in chain.iter().filter(|link| !link.is_empty()) {
        if line.is_empty() {
            line.push_str(link);
        } else if !line.contains(link.as_str()) {
            line.push_str(": ");
            line.push_str(link);
        }
    }
    shorten_message(&mut line);
    line
}

/// A name in one line, with escapes for invisible characters.
pub(crate) fn escaped(name: &str) -> String {
    let shown = |c: char| if matches!(c, '\'' | '"') { c.to_string() } else { c.escape_debug().to_string() };
    name.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_by_address_and_error() {
        let message = "Server selection timeout: No available servers. Topology: { Type: ReplicaSetNoPrimary, Set Name: rs0, \
             Servers: [ { Address: a:1, Type: Unknown, Error: Kind: I/O error: Connection refused (os error 111), labels: \
             {\"RetryableError\"}, source: None, server response: None }, { Address: b:2, Type: RsSecondary, Average RTT: 1ms } ] }";
        let told =
            "none of the servers can be used: a:1 (I/O error: Connection refused (os error 111)), b:2 (RsSecondary)";
        assert_eq!(in_words(&quoted::readable(message)), told);
    }

    #[test]
    fn grid_fs_has_names_only() {
        let kind = GridFsErrorKind::UploadStreamClosed;
        assert_eq!(grid_fs(&kind), "GridFS: upload stream closed");
    }
}
