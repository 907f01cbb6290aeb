//! What is wrong.

use std::borrow::Cow;

use serde::Serialize;

use crate::migrator::Problem;

#[derive(Debug, Serialize)]
pub struct Validation<'a> {
    valid: bool,
    /// How many linked-in migrations were looked at.
    checked: usize,
    findings: Vec<Finding<'a>>,
    /// Differences that are probably as they should be.
    notices: Vec<Finding<'a>>,
}

#[derive(Debug, Serialize)]
pub struct Finding<'a> {
    pub id: Cow<'a, str>,
    /// Which kind of problem, in kebab case.
    pub problem: &'static str,
    pub message: String,
    /// Of a difference: what it is about, what a migration has left of it, and what is there.
    #[serde(flatten)]
    pub differs: Differs<'a>,
}

#[derive(Debug, Default, Serialize)]
pub struct Differs<'a> {
    object: Option<&'a str>,
    expected: Option<&'a str>,
    found: Option<&'a str>,
}

impl<'a> Validation<'a> {
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
        Self { id: Cow::Borrowed(id), problem: word(problem), message: problem.what(), differs }
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
