//! What is wrong.

use std::borrow::Cow;

use serde::Serialize;

use crate::Problem;

#[derive(Debug, Serialize)]
pub(crate) struct Validation<'a> {
    valid: bool,
    /// How many linked-in migrations were looked at.
    checked: usize,
    findings: Vec<Finding<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Finding<'a> {
    pub(crate) id: Cow<'a, str>,
    /// Which kind of problem, in kebab case.
    pub(crate) problem: &'static str,
    pub(crate) message: String,
}

impl<'a> Validation<'a> {
    pub(crate) fn of(validation: &'a crate::Validation) -> Self {
        let findings = validation.findings().iter().map(|finding| Finding {
            id: Cow::Borrowed(&finding.id),
            problem: word(&finding.problem),
            message: finding.problem.what(),
        });
        Self { valid: validation.is_valid(), checked: validation.checked(), findings: findings.collect() }
    }
}

fn word(problem: &Problem) -> &'static str {
    match problem {
        Problem::Missing { .. } => "missing",
        Problem::Modified { .. } => "modified",
        Problem::Orphan => "orphan",
        Problem::Interrupted => "interrupted",
        Problem::Failed { .. } => "failed",
        Problem::HalfChanged => "half-way",
        Problem::Unverifiable { .. } => "unverifiable",
        Problem::VerificationFailed { .. } => "not-verified",
    }
}
