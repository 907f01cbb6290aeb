//! Classes of the server's error codes.
//!
//! Names and meanings are those of the error reference, <https://www.mongodb.com/docs/manual/reference/error-codes/>, which is
//! generated from the server's `src/mongo/base/error_codes.yml`. A code without a name there is called `Location` and its number.

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Transient: send an idempotent command again at once, to another primary or over another connection.
    Now,
    /// Transient: try the whole again a little later, because it depends on the load, a lock or other writes.
    Later,
    /// It would fail again.
    Permanent,
    /// It would fail again, but the remedy is known.
    Cured(Cure),
}

/// The remedy for a permanent error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cure {
    /// Correct the user, the password or `authSource`.
    Credentials,
    /// Grant a privilege.
    Privileges,
    /// Do less in one transaction, which took too long.
    Faster,
    /// Do less in one transaction, which was too large.
    Smaller,
    /// Do it without a transaction.
    OutsideTransactions,
}

use Class::{Cured, Later, Now, Permanent};

pub(crate) const UNAUTHORIZED: i32 = 13;
pub(crate) const GRAPH_CONTAINS_CYCLE: i32 = 5;
pub(crate) const AUTHENTICATION_FAILED: i32 = 18;
pub(crate) const ILLEGAL_OPERATION: i32 = 20;
pub(crate) const NAMESPACE_NOT_FOUND: i32 = 26;
pub(crate) const INDEX_NOT_FOUND: i32 = 27;
pub(crate) const NAMESPACE_EXISTS: i32 = 48;
pub(crate) const MAX_TIME_MS_EXPIRED: i32 = 50;
pub(crate) const INVALID_OPTIONS: i32 = 72;
pub(crate) const INVALID_NAMESPACE: i32 = 73;
pub(crate) const INDEX_OPTIONS_CONFLICT: i32 = 85;
pub(crate) const INDEX_KEY_SPECS_CONFLICT: i32 = 86;
pub(crate) const WRITE_CONFLICT: i32 = 112;
pub(crate) const DOCUMENT_VALIDATION_FAILURE: i32 = 121;
pub(crate) const COMMAND_NOT_SUPPORTED_ON_VIEW: i32 = 166;
pub(crate) const SNAPSHOT_UNAVAILABLE: i32 = 246;
pub(crate) const NO_SUCH_TRANSACTION: i32 = 251;
pub(crate) const API_STRICT_ERROR: i32 = 323;
pub(crate) const COLLECTION_UUID_MISMATCH: i32 = 361;
pub(crate) const LEGACY_NOT_PRIMARY: i32 = 10058;
pub(crate) const NOT_WRITABLE_PRIMARY: i32 = 10107;
pub(crate) const DUPLICATE_KEY: i32 = 11000;
pub(crate) const INTERRUPTED: i32 = 11601;
pub(crate) const BACKGROUND_OPERATION_IN_PROGRESS: i32 = 12587;
pub(crate) const NOT_PRIMARY_NO_SECONDARY_OK: i32 = 13435;
/// A view over a collection, before 6.0; later versions answer [`NAMESPACE_EXISTS`].
pub(crate) const VIEW_OVER_COLLECTION: i32 = 17399;
/// An unknown field of the command.
pub(crate) const UNKNOWN_FIELD: i32 = 40415;

/// Code, name and class. Any other code is [`Permanent`].
const TABLE: &[(i32, &str, Class)] = &[
    (GRAPH_CONTAINS_CYCLE, "GraphContainsCycle", Permanent),
    (6, "HostUnreachable", Now),
    (7, "HostNotFound", Now),
    (13, "Unauthorized", Cured(Cure::Privileges)),
    (AUTHENTICATION_FAILED, "AuthenticationFailed", Cured(Cure::Credentials)),
    (ILLEGAL_OPERATION, "IllegalOperation", Permanent),
    (24, "LockTimeout", Later),
    (NAMESPACE_NOT_FOUND, "NamespaceNotFound", Permanent),
    (INDEX_NOT_FOUND, "IndexNotFound", Permanent),
    (46, "LockBusy", Later),
    (NAMESPACE_EXISTS, "NamespaceExists", Permanent),
    (MAX_TIME_MS_EXPIRED, "MaxTimeMSExpired", Later),
    // Newer servers call it WriteConcernTimeout.
    (64, "WriteConcernFailed", Later),
    (INVALID_OPTIONS, "InvalidOptions", Permanent),
    (INVALID_NAMESPACE, "InvalidNamespace", Permanent),
    (INDEX_OPTIONS_CONFLICT, "IndexOptionsConflict", Permanent),
    (INDEX_KEY_SPECS_CONFLICT, "IndexKeySpecsConflict", Permanent),
    (89, "NetworkTimeout", Now),
    (91, "ShutdownInProgress", Now),
    (WRITE_CONFLICT, "WriteConflict", Later),
    (DOCUMENT_VALIDATION_FAILURE, "DocumentValidationFailure", Permanent),
    (133, "FailedToSatisfyReadPreference", Now),
    (134, "ReadConcernMajorityNotAvailableYet", Now),
    (COMMAND_NOT_SUPPORTED_ON_VIEW, "CommandNotSupportedOnView", Permanent),
    (189, "PrimarySteppedDown", Now),
    (202, "NetworkInterfaceExceededTimeLimit", Later),
    (SNAPSHOT_UNAVAILABLE, "SnapshotUnavailable", Later),
    (NO_SUCH_TRANSACTION, "NoSuchTransaction", Later),
    (262, "ExceededTimeLimit", Now),
    (263, "OperationNotSupportedInTransaction", Cured(Cure::OutsideTransactions)),
    (276, "IndexBuildAborted", Later),
    (290, "TransactionExceededLifetimeLimitSeconds", Cured(Cure::Faster)),
    (API_STRICT_ERROR, "APIStrictError", Permanent),
    (COLLECTION_UUID_MISMATCH, "CollectionUUIDMismatch", Permanent),
    (388, "TransactionTooLargeForCache", Cured(Cure::Smaller)),
    (9001, "SocketException", Now),
    // From servers before 4.2 and from proxies; listed in the driver specification of server discovery.
    (LEGACY_NOT_PRIMARY, "LegacyNotPrimary", Now),
    (NOT_WRITABLE_PRIMARY, "NotWritablePrimary", Now),
    (DUPLICATE_KEY, "DuplicateKey", Permanent),
    (11600, "InterruptedAtShutdown", Now),
    (INTERRUPTED, "Interrupted", Later),
    (11602, "InterruptedDueToReplStateChange", Now),
    (BACKGROUND_OPERATION_IN_PROGRESS, "BackgroundOperationInProgressForNamespace", Later),
    (NOT_PRIMARY_NO_SECONDARY_OK, "NotPrimaryNoSecondaryOk", Now),
    (13436, "NotPrimaryOrSecondary", Now),
    (VIEW_OVER_COLLECTION, "Location17399", Permanent),
    (UNKNOWN_FIELD, "Location40415", Permanent),
];

/// Classifies a code; also by the message where the server uses one code for two errors.
pub(super) fn class(code: i32, message: &str) -> Class {
    match code {
        // A write that finds the cache full has the code and label of a conflict. 5.0 does not distinguish them.
        WRITE_CONFLICT if message.contains("Cache full") => Cured(Cure::Smaller),
        // A capped collection. Otherwise the collection has changed since the snapshot, and the next snapshot is newer.
        SNAPSHOT_UNAVAILABLE if message.contains("is not supported") => Cured(Cure::OutsideTransactions),
        _ => TABLE.iter().find(|(known, ..)| *known == code).map_or(Permanent, |(_, _, class)| *class),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_each_code_once() {
        assert!(TABLE.is_sorted_by(|(one, ..), (next, ..)| one < next));
        assert!(TABLE.iter().all(|(_, name, _)| name.starts_with(char::is_uppercase)));
    }

    #[test]
    fn not_now_is_not_never() {
        for code in [91, 189, 10058, 10107, 11600, 11602, 13435, 13436] {
            assert_eq!(class(code, ""), Now, "{code}");
        }
    }

    #[test]
    fn words_tell_two_meanings_of_a_code_apart() {
        assert_eq!(class(WRITE_CONFLICT, "WriteConflict error: this operation conflicted"), Later);
        let full = "caused by :: Cache full :: caused by :: 112";
        assert_eq!(class(WRITE_CONFLICT, full), Cured(Cure::Smaller));
        let capped = "Reading from capped collections with readConcern snapshot is not supported";
        assert_eq!(class(SNAPSHOT_UNAVAILABLE, capped), Cured(Cure::OutsideTransactions));
        let changed =
            "Unable to read from a snapshot due to pending collection catalog changes; please retry the operation";
        assert_eq!(class(SNAPSHOT_UNAVAILABLE, changed), Later);
    }
}
