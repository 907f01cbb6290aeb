//! `new`: adds a migration to the source tree.

mod draft;
mod module_list;
mod options;
mod package;
mod place;

use self::draft::Draft;
pub(super) use self::options::New;
use super::exit::Exit;
use super::failure::Failure;
use super::migrate;
use super::session::Session;
use super::source_tree::{SourceTree, shown};
use mongrate::Registry;

use crate::json;

impl New {
    pub(super) fn run(self, session: &Session) -> Result<Exit, Failure> {
        let draft = Draft::of(&self, &SourceTree::find()?, &Registry::linked())?;
        if !self.dry_run {
            draft.write()?;
        }
        draft.print(session, self.dry_run)?;
        Ok(Exit::Done)
    }
}

impl Draft {
    fn print(&self, session: &Session, dry_run: bool) -> Result<(), Failure> {
        let output = &session.output;
        let created: Vec<String> = self.created.iter().map(|(file, _)| shown(file)).collect();
        let changed: Vec<String> = self.changed.iter().map(|(file, _)| shown(file)).collect();
        let by_hand = self.by_hand.as_ref().map(|(file, ..)| shown(file)).unwrap_or_default();
        let (file, code) = (&created[0], &self.created[0].1);
        for file in &self.skipped {
            output.warning(format_args!(
                "{} is not linked into this program: its number is skipped, and the new migration does not depend on it",
                shown(file)
            ));
        }
        if output.is_json() {
            return output.json(&json::New {
                id: &self.id,
                source: &self.source,
                dependencies: self.dependency.into_iter().collect(),
                file,
                created: created.iter().map(String::as_str).collect(),
                changed: changed.iter().map(String::as_str).collect(),
                add: self.by_hand.as_ref().map(|(_, lines, reason)| json::Add { file: &by_hand, lines, reason }),
                code,
                dry_run,
            });
        }
        if dry_run {
            output.print(code.trim_end())?;
            output.remark(format_args!("'{}' would be written to {file}.", self.id));
        } else if output.is_quiet() {
            output.print(file)?;
        } else {
            let after = self.dependency.map(|dependency| format!(", after {dependency}")).unwrap_or_default();
            output.print(format_args!("{}{after}", self.id))?;
            for (done, files) in [("created", &created), ("changed", &changed)] {
                for file in files {
                    output.print(format_args!("{done} {file}"))?;
                }
            }
        }
        if let Some((_, lines, reason)) = &self.by_hand {
            let lines = lines.replace('\n', "\n    ");
            output
                .insist(format_args!("Add this to {by_hand}, which `new` has left alone ({reason}):\n\n    {lines}\n"));
        }
        if !dry_run {
            output.remark(format_args!(
                "The migration fails until its body is written. Then rebuild the program; `{} up --dry-run` tries it out.",
                migrate()
            ));
        }
        Ok(())
    }
}
