//! `check`

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use clap::Args;
use mongrate::Error;
use mongrate::display::plural;
use mongrate::json::{Differs, Finding};
use mongrate::migration::Source;
use mongrate::plan::{NOTHING_LINKED, Registry};

use super::exit::Exit;
use super::failure::Failure;
use super::ink::RED;
use super::invocation::migrate;
use super::released::{self, Released};
use super::session::Session;
use super::source_tree::{self, SourceTree};
use super::table;
use crate::json::CheckedSource;

#[derive(Clone, Debug, Args)]
pub(super) struct Check {}

impl Check {
    #[expect(clippy::unused_self, reason = "the same signature as every other command")]
    pub(super) fn run(self, session: &Session) -> Result<Exit, Failure> {
        let registry = Registry::linked();
        let mut findings = mistakes(&registry)?;
        findings.extend(compared(session, &registry)?);
        if registry.is_empty() {
            session.output.warning(NOTHING_LINKED);
        }
        let checked = checked(&registry, findings);
        if session.output.is_json() {
            session.output.json(&checked)?;
        } else {
            show(session, &registry, &checked)?;
        }
        Ok(if checked.valid { Exit::Done } else { Exit::Failed })
    }
}

/// Errors in the graph.
fn mistakes(registry: &Registry) -> Result<Vec<Finding<'static>>, Failure> {
    let errors = match registry.verify() {
        Ok(()) => Vec::new(),
        Err(Error::Several { errors }) => errors,
        Err(error) => vec![error],
    };
    let finding = |error: Error| {
        let (id, problem) = match &error {
            Error::DuplicateId { id, .. } => (*id, "duplicate-id"),
            Error::MissingDependency { migration, .. } => (*migration, "missing-dependency"),
            Error::Cycle { path } if !path.is_empty() => (path[0], "cycle"),
            _ => return Err(Failure::from(error)),
        };
        Ok(Finding { id: id.into(), problem, message: error.to_string(), differs: Differs::default() })
    };
    errors.into_iter().map(finding).collect()
}

/// Differences from the lock files, if the source tree is available.
fn compared(session: &Session, registry: &Registry) -> Result<Vec<Finding<'static>>, Failure> {
    let crates = SourceTree::find().map(|sources| sources.by_crate(registry));
    let crates =
        crates.and_then(|crates| if crates.is_empty() { Err(source_tree::nothing_found()) } else { Ok(crates) });
    let crates = match crates {
        Ok(crates) => crates,
        Err(reason) => {
            session.output.remark(format_args!("No lock file was compared: {}.", reason.message));
            return Ok(Vec::new());
        }
    };
    let mut findings = Vec::new();
    for (folder, own) in crates {
        let file = Released::of_crate(&folder)?;
        if !file.exists() {
            continue;
        }
        let (differences, path) = (file.compare(&own, registry), file.shown_path());
        let finding =
            |id: String, problem, message| Finding { id: id.into(), problem, message, differs: Differs::default() };
        let modified = differences.modified.into_iter().map(|id| finding(id, "modified", released::modified(&path)));
        let removed = differences.removed.into_iter().map(|id| finding(id, "removed", released::removed(&path)));
        findings.extend(modified.chain(removed));
        let unlocked = differences.unlocked.len();
        if unlocked > 0 {
            let verb = if unlocked == 1 { "is" } else { "are" };
            let unlocked = plural(unlocked as u64, "migration");
            session.output.remark(format_args!(
                "{unlocked} {verb} not in {path} yet; `{} lock-file` adds released migrations.",
                migrate()
            ));
        }
    }
    Ok(findings)
}

fn checked<'a>(registry: &Registry, findings: Vec<Finding<'a>>) -> crate::json::Check<'a> {
    let mut sources: BTreeMap<Source<'static>, usize> = BTreeMap::new();
    for migration in registry {
        *sources.entry(migration.source()).or_default() += 1;
    }
    let plural = |(source, migrations): (Source<'_>, usize)| CheckedSource { source: source.to_string(), migrations };
    crate::json::Check {
        valid: findings.is_empty(),
        migrations: registry.len(),
        sources: sources.into_iter().map(plural).collect(),
        findings,
    }
}

fn show(session: &Session, registry: &Registry, checked: &crate::json::Check<'_>) -> Result<(), Failure> {
    let output = &session.output;
    if registry.is_empty() && checked.valid {
        return Ok(());
    }
    if output.verbose > 0 {
        let mut rows = table::with(&["migration", "depends on", "code"]);
        for migration in registry {
            let (file, line) = migration.location();
            let dependencies = migration.dependencies().join(", ");
            rows.add_row([migration.id().to_owned(), dependencies, format!("{file}:{line}")]);
        }
        output.print(format_args!("{}\n", rows.trim_fmt()))?;
    }
    let mut rows = table::with(&["source", "migrations"]);
    for source in &checked.sources {
        rows.add_row([source.source.clone(), source.migrations.to_string()]);
    }
    output.print(format_args!("{}\n", rows.trim_fmt()))?;
    for finding in &checked.findings {
        output.print(format_args!("{} {}", RED.paint(format_args!("{}:", finding.id)), finding.message))?;
    }
    let migrations = plural(checked.migrations as u64, "migration");
    let sources = plural(checked.sources.len() as u64, "source");
    output.print(match checked.findings.len() {
        0 => format!("{migrations} of {sources} {} consistent.", if checked.migrations == 1 { "is" } else { "are" }),
        findings => format!("{migrations} of {sources}: {}.", plural(findings as u64, "problem")),
    })
}
