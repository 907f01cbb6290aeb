//! Every error names commands rather than methods, and its code is in the JSON schema.

use mongrate::Error;
use serde_json::Value;

use super::Failure;
use crate::fixtures::errors::errors;

/// The help of an error that only a body returns is a part of the message of another error.
fn is_of_a_body(error: &Error) -> bool {
    matches!(
        error,
        Error::TimedOut { .. }
            | Error::TransactionTooSlow { .. }
            | Error::TransactionTooLarge { .. }
            | Error::OutsideTransactions { .. }
            | Error::TransactionAborted { .. }
            | Error::IgnoredError { .. }
            | Error::BodyChanged { .. }
            | Error::InDoubt { .. }
            | Error::PartiallyReverted { .. }
            | Error::CommitUnknown { .. }
            | Error::Panicked { .. }
            | Error::Refused(_)
            | Error::VerificationFailed { .. }
    )
}

#[test]
fn every_error_has_help_that_reads_well_after_a_prefix() {
    for error in errors().into_iter().filter(|error| !is_of_a_body(error)) {
        let has_help = !matches!(error, Error::Server { .. });
        let debug = format!("{error:?}");
        let help = Failure::from(error).help;
        assert_eq!(help.is_some(), has_help, "{debug}");
        let reads_well = |help: &str| !help.starts_with(char::is_uppercase) && !help.ends_with('.') && !help.is_empty();
        assert!(help.as_deref().is_none_or(reads_well), "{help:?}");
    }
}

#[test]
fn none_names_what_is_not_on_the_command_line() {
    let methods = ["lock_wait", "mark_applied", "mark_pending", "force_unlock", "with_dependents", "continue_on_error"];
    let others = ["Migrator", "Policy", "Registry", "registry", "Transactions", "Names", ".only", "(..)", "()", "::"];
    for error in errors().into_iter().filter(|error| !is_of_a_body(error)) {
        let failure = Failure::from(error);
        // The name of the test binary contains `::` and the like.
        let help = failure.help.unwrap_or_default().replace(&crate::invocation::migrate(), "my-app migrate");
        let text = format!("{}\n{help}", failure.message);
        for name in methods.iter().chain(&others) {
            assert!(!text.contains(name), "'{name}' in: {text}");
        }
    }
}

#[test]
fn every_code_is_in_the_schema() {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/json-schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let codes = schema.pointer("/$defs/error/properties/code/enum").unwrap().as_array().unwrap();
    for error in errors() {
        let code = error.code();
        assert!(codes.iter().any(|known| known == code), "{code}");
    }
}
