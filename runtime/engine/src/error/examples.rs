//! Errors for tests, here and in the command line.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use mongrate::Error;
use mongrate::migration::{Condition, Direction, Source, State};
use mongrate::record::Holder;
use mongrate::report::{Remains, Report};
use serde_json::json;

/// One error of each variant, and of each case that has its own text.
pub(crate) fn errors() -> Vec<Error> {
    let driver = || mongodb::error::Error::custom("the plug was pulled".to_owned());
    let ids = || vec!["001_a".to_owned(), "002_b".to_owned()];
    let holder = serde_json::from_value(json!({
        "host": "host-a", "pid": 1, "since": { "$date": { "$numberLong": "1700000000000" } },
        "nonce": { "$oid": "0123456789abcdef01234567" }, "session": {},
    }));
    let holder: Holder = holder.unwrap();
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
        Error::AlreadyInEffect { ids: ids() },
        Error::FirstUseFailed { message: "no".to_owned(), source: Arc::new(driver()) },
        Error::FirstUseTimedOut { limit },
        Error::UnreadableRecord { id: id.to_owned(), reason: "it has no status".to_owned() },
        Error::Drift { ids: ids() },
        Error::Pending { ids: ids() },
        Error::Required { id, state: State::New },
        Error::HolderChanged { holder: Some(Box::new(holder.clone())) },
        Error::LockTimeout { holder: Box::new(holder), waited: limit, take_over: None, expires_in: None },
        Error::LeaseLost { report: report(), shared_pool: true },
        Error::Interrupted { report: report() },
        Error::Unacknowledged {
            reason: "the run was interrupted".to_owned(),
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
        Error::Refused("this is refused".to_owned()),
        Error::PartiallyApplied { ids: ids() },
        Error::PartiallyAppliedElsewhere { ids: ids() },
        Error::VerificationFailed { source: None },
        Error::RunTimedOut { limit, report: report() },
        Error::Irreversible { id, reason: None },
        Error::DependenciesPending { id, dependencies: vec!["002_b"] },
        Error::NotAnOrphan { id },
        Error::PageSize { limit: 501 },
        Error::ConnectionString { problem: "is not valid".to_owned(), help: "it looks like x" },
        Error::ReservedDatabase { name: "admin".to_owned() },
        Error::DatabaseName { name: "a b".to_owned(), problem: "contains the character ' '".to_owned() },
        Error::HostNotFound,
        Error::InvalidOption { option: "lease", value: "0 ms".to_owned(), accepted: "a duration" },
        Error::OrphansAppliedLater { ids: ids() },
        Error::NotUnderway { id: id.to_owned() },
        Error::NotApplied { id: id.to_owned() },
        Error::Cycle { path: vec!["001_a", "002_b", "001_a"] },
        Error::DuplicateId { id, first: ("a.rs", 1), second: ("b.rs", 2) },
        Error::UnknownSource { name: "moduel".to_owned(), known: vec![Source::System] },
        Error::NotSelected { id },
        Error::UnselectedDependency { migration: id, dependency: "002_b" },
        Error::ManualDependency { migration: id, dependency: "002_b" },
        Error::PlanChanged { migration: id, dependency: "002_b" },
        Error::NotProvided { id, name: "Settings" },
        Error::Excluded { id, condition: Condition { only_in: &["dev"], when: None } },
        Error::ConditionPanicked { id, message: "no".to_owned() },
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
