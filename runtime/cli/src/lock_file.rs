//! `lock-file`

use clap::Args;
use mongrate::migration::Migration;
use mongrate::plan::{NOTHING_LINKED, Registry};

use super::exit::Exit;
use super::failure::Failure;
use super::ink::RED;
use super::invocation::migrate;
use super::released::{self, Released};
use super::session::Session;
use super::source_tree::{self, SourceTree};

#[derive(Clone, Debug, Args)]
pub(super) struct LockFile {
    /// Write nothing, and exit with code 1 if the file is not up to date
    #[arg(long)]
    check: bool,
}

impl LockFile {
    pub(super) fn run(self, session: &Session) -> Result<Exit, Failure> {
        let mut files = Vec::new();
        for mut draft in drafts(&Registry::linked())? {
            if !self.check {
                draft.write()?;
            }
            files.push(draft.summary);
        }
        let is_modified = files.iter().any(|file| !file.modified.is_empty());
        let is_due = files.iter().any(|file| !(file.added.is_empty() && file.rewritten.is_empty()));
        if session.output.is_json() {
            session.output.json(&crate::json::LockFiles { written: !self.check, files })?;
        } else {
            files.iter().try_for_each(|file| self.print(file, session))?;
            if self.check && is_due {
                session.output.remark(format_args!("`{} lock-file` adds them.", migrate()));
            }
        }
        Ok(if is_modified || (self.check && is_due) { Exit::Failed } else { Exit::Done })
    }

    fn print(&self, file: &crate::json::LockFile, session: &Session) -> Result<(), Failure> {
        let output = &session.output;
        let crate::json::LockFile { path, added, rewritten, modified, removed, total } = file;
        for id in removed {
            output.warning(format_args!("{id}: {}", released::removed(path)));
        }
        for id in modified {
            output.print(format_args!("{} {}", RED.paint(format_args!("{id}:")), released::modified(path)))?;
        }
        let rewritten = rewritten.len();
        if self.check {
            let outdated = if rewritten > 0 { format!(", {rewritten} out of date") } else { String::new() };
            output.print(format_args!("{path}: {} missing{outdated}, {total} in all", added.len()))?;
            added.iter().try_for_each(|id| output.print(format_args!("  {id}")))
        } else {
            let renewed = if rewritten > 0 { format!(", {rewritten} rewritten") } else { String::new() };
            output.outcome(format_args!("{path}: {} added{renewed}, {total} in all", added.len()))
        }
    }
}

/// A lock file and the migrations to be written into it.
struct Draft {
    file: Released,
    due: Vec<Migration>,
    summary: crate::json::LockFile,
}

impl Draft {
    fn new(file: Released, own: &[Migration], registry: &Registry) -> Self {
        let differences = file.compare(own, registry);
        let ids = |migrations: &[Migration]| migrations.iter().map(Migration::id).collect();
        let summary = crate::json::LockFile {
            path: file.shown_path(),
            added: ids(&differences.unlocked),
            rewritten: ids(&differences.outdated),
            modified: differences.modified,
            removed: differences.removed,
            total: file.len(),
        };
        Self { file, due: [differences.unlocked, differences.outdated].concat(), summary }
    }

    /// Writes the file unless it is up to date.
    fn write(&mut self) -> Result<(), Failure> {
        if self.due.is_empty() {
            return Ok(());
        }
        self.due.iter().for_each(|migration| self.file.lock(*migration));
        self.summary.total = self.file.len();
        self.file.write()
    }
}

/// Returns one draft for each crate of the source tree that has migrations or a lock file.
fn drafts(registry: &Registry) -> Result<Vec<Draft>, Failure> {
    if registry.is_empty() {
        return Err(Failure::new(Exit::Failed, "nothing-linked", NOTHING_LINKED));
    }
    let mut drafts = Vec::new();
    for (folder, own) in SourceTree::find()?.by_crate(registry) {
        let file = Released::of_crate(&folder)?;
        if file.exists() || !own.is_empty() {
            drafts.push(Draft::new(file, &own, registry));
        }
    }
    if drafts.is_empty() {
        return Err(source_tree::nothing_found());
    }
    Ok(drafts)
}
