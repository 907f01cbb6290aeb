//! The driver's errors, read and told.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};

use super::Error;
use crate::excerpt::{shorten_causes, shorten_message};

/// Server code: the operation met the write of an open transaction.
pub(crate) const WRITE_CONFLICT: i32 = 112;

impl Error {
    /// Sorts a driver's error by what the reader must do about it.
    pub(crate) fn server(doing: impl Into<String>, source: DriverError) -> Self {
        let doing = doing.into();
        match (&*source.kind, code(&source)) {
            (ErrorKind::ServerSelection { .. } | ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. }, _) => {
                Self::Unreachable { doing, source }
            }
            (ErrorKind::Authentication { .. }, _) | (_, Some(13 | 18)) => Self::NotAuthorized { doing, source },
            _ => Self::Server { doing, source },
        }
    }

    /// Whether it comes of a fail-over or a broken connection; see [`passes`].
    pub(crate) fn passes(&self) -> bool {
        matches!(self, Self::Unreachable { source, .. } | Self::Server { source, .. } if passes(source))
    }

    /// What to do about [`Error::NotAuthorized`].
    pub(crate) fn let_in(source: &DriverError) -> &'static str {
        match (&*source.kind, code(source)) {
            (ErrorKind::Authentication { .. }, _) | (_, Some(18)) => {
                "Check the user, the password and `authSource` in the connection string"
            }
            _ => {
                "Grant the user `readWrite` and `dbAdmin` on this database, or what docs/guide/privileges.md lists for \
                 each step"
            }
        }
    }

    /// What to do about [`Error::HostNotFound`].
    pub(crate) const HOST_NOT_FOUND: &str = "Check the host's name, and that this machine can ask a name server for it";

    /// As one of the driver's errors, for signatures that promise these.
    pub(crate) fn into_driver(self) -> DriverError {
        DriverError::custom(self.to_string())
    }
}

impl From<DriverError> for Error {
    fn from(source: DriverError) -> Self {
        Self::server("run a database operation", source)
    }
}

/// The server's error code, wherever the driver put it.
pub(crate) fn code(error: &DriverError) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => Some(write.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => Some(concern.code),
        ErrorKind::InsertMany(many) => many
            .write_errors
            .as_ref()
            .and_then(|errors| errors.first())
            .map(|first| first.code)
            .or(many.write_concern_error.as_ref().map(|concern| concern.code)),
        _ => None,
    }
}

/// Whether the error comes of a fail-over or a broken connection, so that an idempotent command is worth sending again.
pub(crate) fn passes(error: &DriverError) -> bool {
    // Not primary, shutting down, interrupted by a change of state, node is recovering: the server's `error_codes.yml`.
    const STATE_CHANGES: [i32; 8] = [91, 189, 10107, 11600, 11602, 13435, 13436, 10058];
    matches!(&*error.kind, ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. })
        || code(error).is_some_and(|code| STATE_CHANGES.contains(&code))
}

/// Whether an error of a migration would be there again if the same code ran again at once, as far as can be told. What comes
/// of a fail-over, a broken connection, a conflict or a time limit may pass.
pub(crate) fn is_permanent(error: &(dyn StdError + 'static)) -> bool {
    let mut links = std::iter::successors(Some(error), |error| (*error).source());
    !links.any(|link| match (link.downcast_ref::<Error>(), link.downcast_ref::<DriverError>()) {
        (Some(ours), _) => matches!(
            ours,
            Error::Unreachable { .. }
                | Error::TransactionAborted { .. }
                | Error::CommitUnknown { .. }
                | Error::TimedOut { .. }
                | Error::RunTimedOut { .. }
        ),
        (_, Some(driver)) => {
            passes(driver)
                || matches!(&*driver.kind, ErrorKind::ServerSelection { .. })
                || !driver.labels().is_empty()
                || code(driver).is_some_and(|code| LOAD.contains(&code))
        }
        (None, None) => may_pass_in_words(&link.to_string()),
    })
}

/// Server codes of what depends on the load: a lock, a time limit, a conflict, an interruption, the wait for a majority, a
/// transaction or an index build that the server has lost; from its `error_codes.yml`.
const LOAD: [i32; 11] = [24, 46, 50, 64, 89, 112, 202, 251, 262, 276, 11601];

/// [`is_permanent`] of a driver's error that cannot be found by its type, because `anyhow` has wrapped it.
fn may_pass_in_words(text: &str) -> bool {
    let Some((kind, labels)) = text.strip_prefix("Kind: ").and_then(|rest| rest.split_once(", labels: {")) else {
        return false;
    };
    let code = kind.split_once("Error code ").or_else(|| kind.split_once("code: ")).map(|(_, rest)| rest);
    let digits = |rest: &str| rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
    !labels.starts_with('}')
        || ["I/O error", "Server selection timeout", "Connection pool"].iter().any(|start| kind.starts_with(start))
        || code.and_then(digits).is_some_and(|code| LOAD.contains(&code))
}

/// Whether a transaction was rolled back because the server's cache cannot hold it, so that another attempt would end the same
/// way. From 6.0 the server has a code for this, but a write that finds the cache full is a write conflict with the label for
/// another attempt; 5.0 does not distinguish it from any other write conflict.
pub(crate) fn outgrows_cache(error: &DriverError) -> bool {
    const TOO_LARGE_FOR_CACHE: i32 = 388;
    match code(error) {
        Some(TOO_LARGE_FOR_CACHE) => true,
        Some(WRITE_CONFLICT) => Readable(error).to_string().contains("Cache full"),
        _ => false,
    }
}

/// Why another attempt may be in vain, as the end of the sentence of [`Error::TransactionAborted`].
pub(super) fn aborted_again(error: &DriverError) -> &'static str {
    match code(error) {
        Some(WRITE_CONFLICT) => {
            ". If nothing else writes the same documents, the transaction may be too large for the server's cache: split the \
             migration"
        }
        _ => "",
    }
}

/// A driver's error in one sentence: its kind, without labels and without the server's raw reply.
pub(crate) struct Readable<'a>(pub(crate) &'a DriverError);

impl fmt::Display for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0.kind {
            ErrorKind::Command(command) => {
                write!(f, "{} ({}, code {})", without_details(&command.message), command.code_name, command.code)
            }
            ErrorKind::Write(WriteFailure::WriteError(write)) => write!(f, "{} (code {})", write.message, write.code),
            ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => {
                write!(f, "{} ({}, code {})", concern.message, concern.code_name, concern.code)
            }
            ErrorKind::InsertMany(many) => match many.write_errors.as_ref().and_then(|errors| errors.first()) {
                Some(first) => write!(f, "{} (code {}, document {})", first.message, first.code, first.index),
                None => write!(f, "{}", self.0.kind),
            },
            ErrorKind::Custom(_) if let Some(ours) = self.0.get_custom::<String>() => f.write_str(ours),
            ErrorKind::ServerSelection { message, .. } if let Some(servers) = servers(message) => {
                write!(f, "none of the servers can be used: {servers}")
            }
            // The sentence goes on.
            kind => f.write_str(kind.to_string().trim_end_matches('.')),
        }
    }
}

/// The servers of a topology as the driver describes it in words, each with its error or else its type: it has no other
/// way to tell.
fn servers(message: &str) -> Option<String> {
    let servers = message.split("Address: ").skip(1).map(|server| {
        let (address, rest) = server.split_once(", Type: ")?;
        let state = match rest.split_once("Error: Kind: ") {
            Some((_, error)) => error.split(", labels: {").next()?,
            None => rest.split([',', ' ']).next()?,
        };
        Some(format!("{address} ({state})"))
    });
    servers.collect::<Option<Vec<_>>>().filter(|servers| !servers.is_empty()).map(|servers| servers.join(", "))
}

/// An error and its sources, outermost first, each in one line. What is too long for a record is shortened.
pub(crate) fn source_chain(error: &(dyn StdError + 'static)) -> Vec<String> {
    let links = std::iter::successors(Some(error), |error| (*error).source());
    let mut chain = links
        .map(|link| match link.downcast_ref::<DriverError>() {
            Some(driver) => Readable(driver).to_string(),
            None => without_reply(&link.to_string()),
        })
        .collect();
    shorten_causes(&mut chain);
    chain
}

/// A chain of sources as one line. Many an error repeats its source; that is said once.
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

/// A driver's error that cannot be found by its type, because `anyhow` has wrapped it, without labels and raw reply.
fn without_reply(text: &str) -> String {
    let kind = text.strip_prefix("Kind: ").and_then(|rest| rest.split_once(", labels: {"));
    kind.map_or_else(
        || text.to_owned(),
        |(kind, _)| without_details(kind.strip_prefix("Custom user error: ").unwrap_or(kind)).into_owned(),
    )
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

    #[test]
    fn servers_are_told_by_address_and_error() {
        let message = "Server selection timeout: No available servers. Topology: { Type: ReplicaSetNoPrimary, Set Name: rs0, \
             Servers: [ { Address: a:1, Type: Unknown, Error: Kind: I/O error: Connection refused (os error 111), labels: \
             {\"RetryableError\"}, source: None, server response: None }, { Address: b:2, Type: RsSecondary, Average RTT: 1ms } ] }";
        let told = "a:1 (I/O error: Connection refused (os error 111)), b:2 (RsSecondary)";
        assert_eq!(servers(message).as_deref(), Some(told));
        assert_eq!(servers("None of the above"), None);
    }

    #[test]
    fn what_depends_on_the_load_is_not_permanent() {
        let permanent = |error: anyhow::Error| is_permanent(&*Box::<dyn StdError + Send + Sync>::from(error));
        assert!(permanent(anyhow::anyhow!("told to fail").context("in the body")));
        let driver = || DriverError::custom("no such plugin".to_owned());
        assert!(permanent(driver().into()));
        let timed_out = Error::TimedOut { limit: std::time::Duration::from_secs(1) };
        assert!(!is_permanent(&timed_out));
        assert!(!is_permanent(&Error::TransactionAborted { attempts: 10, source: driver() }));
        let broken = || DriverError::from(std::io::Error::other("reset"));
        assert!(!is_permanent(&broken()));
        assert!(!permanent(broken().into()));
        for (text, passes) in [
            ("Kind: Command failed: Error code 50 (MaxTimeMSExpired): too slow, labels: {}, source: None", true),
            ("Kind: Command failed: Error code 85 (IndexOptionsConflict): no, labels: {}, source: None", false),
            ("Kind: Command failed: Error code 85 (X): no, labels: {\"RetryableWriteError\"}, source: None", true),
        ] {
            assert_eq!(may_pass_in_words(text), passes, "{text}");
        }
    }

    #[test]
    fn a_wrapped_driver_error_is_told_in_one_sentence() {
        let driver = DriverError::custom("no such plugin".to_owned());
        assert_eq!(without_reply(&driver.to_string()), Readable(&driver).to_string());
        assert_eq!(without_reply("Kind: of blue"), "Kind: of blue");
    }
}
