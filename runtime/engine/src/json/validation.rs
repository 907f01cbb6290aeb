//! The findings of a validation.

use std::borrow::Cow;

use serde::Serialize;

use crate::migrator::Problem;

/// The result of a validation.
#[derive(Debug, Serialize)]
pub struct Validation<'a> {
    /// Whether there are no findings.
    valid: bool,
    /// The number of linked-in migrations that were checked.
    checked: usize,
    /// In plan order, orphans last.
    findings: Vec<Finding<'a>>,
    /// Differences that are probably intended.
    notices: Vec<Finding<'a>>,
}

/// A problem of a migration.
#[derive(Debug, Serialize)]
pub struct Finding<'a> {
    /// Qualified id of the migration.
    pub id: Cow<'a, str>,
    /// The kind of problem in kebab case.
    pub problem: &'static str,
    /// The problem in one sentence.
    pub message: String,
    /// The details of a difference; all null for any other problem.
    #[serde(flatten)]
    pub differs: Differs<'a>,
}

/// A difference between the database and what a migration left there. The default is none.
#[derive(Debug, Default, Serialize)]
pub struct Differs<'a> {
    /// The index, validator, view or collection.
    object: Option<&'a str>,
    /// Its definition as the migration left it, or `none`.
    expected: Option<&'a str>,
    /// Its definition in the database, or `none`.
    found: Option<&'a str>,
}

impl<'a> Validation<'a> {
    /// Converts a validation.
    #[must_use]
    pub fn of(validation: &'a crate::migrator::Validation) -> Self {
        Self {
            valid: validation.is_valid(),
            checked: validation.checked(),
            findings: validation.findings().iter().map(Finding::from).collect(),
            notices: validation.notices().iter().map(Finding::from).collect(),
        }
    }
}

impl<'a> From<&'a crate::migrator::Finding> for Finding<'a> {
    fn from(crate::migrator::Finding { id, problem }: &'a crate::migrator::Finding) -> Self {
        let differs = match problem {
            Problem::Differs { object, expected, found } => {
                Differs { object: Some(object), expected: Some(expected), found: Some(found) }
            }
            _ => Differs::default(),
        };
        Self { id: Cow::Borrowed(id), problem: word(problem), message: problem.description(), differs }
    }
}

fn word(problem: &Problem) -> &'static str {
    match problem {
        Problem::Missing { .. } => "missing",
        Problem::Modified { .. } => "modified",
        Problem::Orphan => "orphan",
        Problem::Interrupted => "interrupted",
        Problem::Failed { .. } => "failed",
        Problem::PartiallyReverted => "partially-reverted",
        Problem::PartiallyApplied => "partial",
        Problem::Unverifiable { .. } => "unverifiable",
        Problem::VerificationFailed { .. } => "not-verified",
        Problem::Differs { .. } => "differs",
    }
}
