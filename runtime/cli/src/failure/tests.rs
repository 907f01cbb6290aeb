//! Every error reads well after `error: `, and names commands rather than methods.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Failure;
use crate::fixtures::holder;
use mongrate::Error;
use mongrate::migration::{Direction, Source, State};
use mongrate::migrator::Tenants;
use mongrate::report::{Remains, Report};

/// One of each.
fn errors() -> Vec<Error> {
    let driver = || mongodb::error::Error::custom("the plug was pulled".to_owned());
    let ids = || vec!["001_a".to_owned(), "002_b".to_owned()];
    let holder = holder(1);
    let report = || Box::new(Report::default());
    let (id, limit) = ("001_a", Duration::from_secs(1));
    let mut errors = vec![
        Error::Unreachable { doing: "read the records".to_owned(), source: driver() },
        Error::NotAuthorized { doing: "read the records".to_owned(), source: driver() },
        Error::Server { doing: "read the records".to_owned(), source: driver() },
        Error::ForeignCollection {
            collection: "migrations".to_owned(),
            example: "1".to_owned(),
            made_by: String::new(),
        },
        Error::UnsuitableCollection { collection: "migrations_kv".to_owned(), kind: "a view" },
        Error::UnreadableRecord { id: id.to_owned(), reason: "it has no status".to_owned() },
        Error::Drift { ids: ids() },
        Error::Pending { ids: ids() },
        Error::Required { id, state: State::New },
        Error::LockTimeout { holder: Box::new(holder), waited: limit, take_over: None },
        Error::LeaseLost { report: report(), shared_pool: true },
        Error::Interrupted { report: report() },
        Error::Unacknowledged {
            reason: "the run was told to stop".to_owned(),
            doing: "take the migration lock".to_owned(),
            interrupted: true,
            report: report(),
        },
        Error::TimedOut { limit },
        Error::TransactionsRequired,
        Error::TransactionTooSlow { source: driver() },
        Error::TransactionTooLarge { source: driver() },
        Error::OutsideTransactions { source: driver() },
        Error::TransactionAborted { attempts: 10, source: driver() },
        Error::IgnoredError { operation: "insert_one on users".to_owned(), source: driver() },
        Error::CommitUnknown { source: driver() },
        Error::BodyChanged { position: 2, recorded: "drop collection 'a'".to_owned(), now: None, same_code: true },
        Error::InDoubt { position: 2, operation: "drop collection 'a'".to_owned(), found: "it is gone".to_owned() },
        Error::PartiallyReverted { id },
        Error::Panicked { message: "no".to_owned() },
        Error::Refused("This is refused.".to_owned()),
        Error::Tenants { tenants: Box::new(Tenants::default()) },
        Error::PartiallyApplied { ids: ids() },
        Error::PartiallyAppliedElsewhere { ids: ids() },
        Error::VerificationFailed { source: None },
        Error::RunTimedOut { limit, report: report() },
        Error::Irreversible { id, reason: None },
        Error::DependenciesPending { id, dependencies: vec!["002_b"] },
        Error::NotAnOrphan { id },
        Error::PageSize { limit: 501 },
        Error::ConnectionString { problem: "is not valid".to_owned(), help: "It looks like x" },
        Error::ReservedDatabase { name: "admin".to_owned() },
        Error::DatabaseName { name: "a b".to_owned(), problem: "holds the character ' '".to_owned() },
        Error::HostNotFound,
        Error::InvalidOption { option: "lease", value: "0 ms".to_owned(), accepted: "a duration" },
        Error::OrphansAppliedLater { ids: ids() },
        Error::NotApplied { id: id.to_owned() },
        Error::Cycle { path: vec!["001_a", "002_b", "001_a"] },
        Error::DuplicateId { id, first: ("a.rs", 1), second: ("b.rs", 2) },
        Error::UnknownSource { name: "moduel".to_owned(), known: vec![Source::System] },
        Error::NotSelected { id },
        Error::UnselectedDependency { migration: id, dependency: "002_b" },
        Error::ManualDependency { migration: id, dependency: "002_b" },
        Error::Variable { name: "MONGRATE_AUTO", value: "maybe".to_owned(), accepted: "true or false".to_owned() },
        Error::Several { errors: vec![Error::NotSelected { id }, Error::Irreversible { id, reason: Some("gone") }] },
    ];
    for selected in [true, false] {
        errors.push(Error::DependentsApplied { id, dependents: vec!["002_b"], selected });
    }
    for nearest in [None, Some("002_b")] {
        errors.push(Error::MissingDependency { migration: id, dependency: "002_c", nearest });
        errors.push(Error::UnknownMigration { id: "002_c".to_owned(), nearest });
    }
    let source: Arc<dyn StdError + Send + Sync> = Arc::new(driver());
    let remains =
        [Remains::Nothing, Remains::Repeatable, Remains::Resumable, Remains::Partial, Remains::All, Remains::Unknown];
    for direction in [Direction::Up, Direction::Down] {
        let (id, message) = (id.to_owned(), "no".to_owned());
        for remains in remains {
            let (id, message, source) = (id.clone(), message.clone(), source.clone());
            errors.push(Error::Failed { id, direction, message, source, report: report(), remains });
        }
        errors.push(Error::Partial { id, direction, message, source: source.clone(), report: report() });
    }
    errors
}

/// The names of a variant and of its like in the source.
fn name(of: &str) -> String {
    of.trim().chars().take_while(char::is_ascii_alphanumeric).collect()
}

#[test]
fn none_is_left_out_here() {
    let source = include_str!("../../../engine/src/error.rs");
    let (_, after) = source.split_once("pub enum Error {\n").unwrap();
    let (body, _) = after.split_once("\n}\n").unwrap();
    let is_variant = |line: &&str| line.strip_prefix("    ").is_some_and(|rest| rest.starts_with(char::is_uppercase));
    let there: BTreeSet<_> = body.lines().filter(is_variant).map(name).collect();
    let here: BTreeSet<_> = errors().iter().map(|error| name(&format!("{error:?}"))).collect();
    assert_eq!(here, there);
}

/// What comes out of the body of a migration is its author's matter.
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
            | Error::Tenants { .. }
    )
}

#[test]
fn each_says_what_is_wrong_and_what_to_do() {
    for error in errors() {
        let (of_a_body, told) = (is_of_a_body(&error), format!("{error:?}"));
        let has_help = !of_a_body && !matches!(error, Error::Server { .. });
        let failure = Failure::from(error);
        assert_eq!(failure.help.is_some(), has_help, "{told}");
        for text in [Some(&failure.message), failure.help.as_ref()].into_iter().flatten() {
            // Only a name may begin with a capital letter.
            let begins_well = !text.starts_with(char::is_uppercase) || text.starts_with("MongoDB");
            assert!(begins_well && !text.ends_with('.') && !text.is_empty(), "{text}");
        }
    }
}

#[test]
fn none_names_what_is_not_on_the_command_line() {
    let methods = ["lock_wait", "mark_applied", "mark_pending", "force_unlock", "with_dependents", "continue_on_error"];
    let others = ["Migrator", "Policy", "Registry", "registry", "Transactions", "Names", ".only", "(..)", "()", "::"];
    for error in errors().into_iter().filter(|error| !is_of_a_body(error)) {
        let failure = Failure::from(error);
        // This program is called otherwise than one with a command line.
        let help = failure.help.unwrap_or_default().replace(&super::super::migrate(), "my-app migrate");
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
        let code = Failure::from(error).code;
        assert!(codes.iter().any(|known| known == code), "{code}");
    }
}
