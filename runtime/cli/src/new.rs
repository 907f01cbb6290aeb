//! `new`: writes a migration into the source tree.

mod changes;
mod description;
mod draft;
mod manifest;
mod module_file;
mod name;
mod number;
mod owner;
mod place;
mod predecessor;
mod template;
mod unlinked;

use clap::Args;

use self::draft::Draft;
use self::template::Kind;
use super::exit::Exit;
use super::failure::Failure;
use super::migrate;
use super::session::Session;
use super::source_tree::{SourceTree, shown};
use mongrate::plan::Registry;

#[expect(clippy::doc_markdown, reason = "help texts are no Markdown")]
#[derive(Clone, Debug, Args)]
pub(super) struct New {
    /// What it does, in words: add_roles, add-roles or "Add roles"
    name: String,

    /// Whose it is: system, module:NAME or plugin:NAME. Without it: what Cargo.toml says of the crate, or system
    #[arg(long)]
    source: Option<String>,

    /// What its argument lets it do
    #[arg(long, default_value = "tx")]
    kind: Kind,

    /// With a `down`, which takes it back
    #[arg(long)]
    reversible: bool,

    /// Its doc comment. Without it: the name as a sentence
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// With today's date for a number. Those that follow it are dated, too
    #[arg(long)]
    dated: bool,

    /// Shows the code, and writes nothing
    #[arg(long)]
    dry_run: bool,
}

impl New {
    pub(super) fn run(self, session: &Session) -> Result<Exit, Failure> {
        let draft = Draft::of(&self, &SourceTree::find()?, &Registry::linked())?;
        if !self.dry_run {
            changes::write(&draft.changes)?;
        }
        draft.tell(session, self.dry_run)?;
        Ok(Exit::Done)
    }
}

impl Draft {
    fn tell(&self, session: &Session, dry_run: bool) -> Result<(), Failure> {
        let output = &session.output;
        let files: Vec<(bool, String)> =
            self.changes.iter().map(|change| (change.is_new, shown(&change.file))).collect();
        let code = &self.changes[0].text;
        for file in &self.waiting {
            output.warning(format_args!(
                "{} is not linked into this program: the new one gets another number, but does not depend on it",
                shown(file)
            ));
        }
        if output.is_json() {
            let those =
                |new: bool| files.iter().filter(move |(is_new, _)| *is_new == new).map(|(_, file)| file.as_str());
            return output.json(&crate::json::New {
                id: &self.id,
                source: &self.source,
                dependencies: self.dependency.into_iter().collect(),
                file: &files[0].1,
                created: those(true).collect(),
                changed: those(false).collect(),
                code,
                dry_run,
            });
        }
        if dry_run {
            output.print(code.trim_end())?;
            output.remark(format_args!("'{}' would be written to {}.", self.id, files[0].1));
            return Ok(());
        }
        if output.is_quiet() {
            return output.print(&files[0].1);
        }
        let after = self.dependency.map(|dependency| format!(", after {dependency}")).unwrap_or_default();
        output.print(format_args!("{}{after}", self.id))?;
        for (is_new, file) in &files {
            output.print(format_args!("{} {file}", if *is_new { "created" } else { "changed" }))?;
        }
        output.remark(format_args!(
            "It fails until its body is written. Then build the program again; `{} up --dry-run` tries it out.",
            migrate()
        ));
        Ok(())
    }
}
