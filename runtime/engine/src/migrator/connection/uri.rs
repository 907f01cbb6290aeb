//! Connection strings. They may contain passwords, so neither they nor the driver's errors about them are shown verbatim.

use mongodb::Client;
use mongodb::error::{Error as DriverError, ErrorKind};
use mongodb::options::ClientOptions;

use crate::error::{Error, Readable};

const LOOKS_LIKE: &str = "it looks like mongodb://localhost/shop";
const ESCAPES: &str = "it looks like mongodb://localhost/shop, with `user:password@` before the host if need be; in both, \
    `/ ? # : @ %` are written as %2F %3F %23 %3A %40 %25";

/// Parses a connection string. Ignores white space around it, which is often read from a file.
pub(crate) async fn parse(uri: &str) -> Result<ClientOptions, Error> {
    let uri = uri.trim();
    ClientOptions::parse(uri).await.map_err(|error| refused(&error, has_no_secret(uri)))
}

/// Creates a client.
pub(crate) fn client(options: ClientOptions) -> Result<Client, Error> {
    let is_quotable = options.credential.is_none();
    Client::with_options(options).map_err(|error| refused(&error, is_quotable))
}

/// Converts a driver error. `is_quotable` means that the driver's message cannot contain a secret.
fn refused(error: &DriverError, is_quotable: bool) -> Error {
    let unusable = |problem: String, help| Error::ConnectionString { problem, help };
    match &*error.kind {
        ErrorKind::DnsResolve { .. } => Error::HostNotFound,
        // This message of the driver quotes nothing.
        ErrorKind::InvalidArgument { message, .. } if message.contains("dns-resolver") => unusable(
            format!("cannot be used: {}", message.trim_end_matches('.')),
            "build the application with the feature `dns-resolver` of `mongodb`",
        ),
        ErrorKind::InvalidTlsConfig { .. } => unusable(
            format!("has TLS options that do not fit: {}", Readable(error)),
            "correct them, and check that the files are there",
        ),
        // The driver's message may quote the part that it could not parse, which may be a part of the password.
        _ if !is_quotable => unusable("is not valid".to_owned(), ESCAPES),
        ErrorKind::InvalidArgument { message, .. } => {
            unusable(format!("is not valid: {}", message.trim_end_matches('.')), LOOKS_LIKE)
        }
        _ => unusable(format!("is not valid: {}", Readable(error)), LOOKS_LIKE),
    }
}

/// Returns whether a connection string obviously has only hosts, ports, a database and options that are not secret.
fn has_no_secret(uri: &str) -> bool {
    let (server, rest) =
        uri.split_once("://").map_or((uri, ""), |(_, rest)| rest.split_at(rest.find('/').unwrap_or(rest.len())));
    let is_host = |host: &str| {
        let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
        let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        name.chars().all(in_name) && port.chars().all(|c| c.is_ascii_digit())
    };
    let rest = rest.to_ascii_lowercase();
    let may_be_secret =
        ['@', '%'].iter().any(|sign| rest.contains(*sign)) || ["pass", "auth"].iter().any(|key| rest.contains(key));
    server.split(',').all(is_host) && !may_be_secret
}

#[cfg(test)]
mod tests {
    use super::has_no_secret;

    #[test]
    fn possible_secrets_are_detected() {
        for uri in [
            "mongodb://localhost/shop",
            "mongodb://a:1,b:2/shop?replicaSet=rs0&foo=1",
            "mongodb://[::1]:1/",
            "shop",
            "",
        ] {
            assert!(has_no_secret(uri), "{uri}");
        }
        for uri in [
            "mongodb://ana:secret@a/shop",
            "mongodb://ana:secret",
            "ana:secret@a",
            "mongodb://ana:se/cret@a/shop",
            "mongodb://a/?authMechanismProperties=AWS_SESSION_TOKEN:secret",
            "mongodb://a/?proxyPassword=secret",
        ] {
            assert!(!has_no_secret(uri), "{uri}");
        }
    }
}
