//! The state that an operation finds: what the log keeps of it, and whether the operation has anything to do.

use mongodb::bson::{Document, doc};

use super::effect::Effect;
use super::failure::Failure;
use super::perform::{Performer, VALIDATION};
use super::seen::Seen;
use super::server::Server;
use crate::context::catalog::ListedKind;
use crate::context::catalog::same::same_option;
use crate::error::codes::{COMMAND_NOT_SUPPORTED_ON_VIEW, ILLEGAL_OPERATION, NAMESPACE_EXISTS, NAMESPACE_NOT_FOUND};

impl<S: Server> Performer<S> {
    /// Returns the state before an effect for the log, or `None` if there is nothing to do.
    pub(super) async fn before(&mut self, effect: &Effect) -> Result<Option<Document>, Failure> {
        Ok(match effect {
            Effect::CreateIndexes { .. } | Effect::DropIndex { .. } | Effect::Modify { .. } => Some(Document::new()),
            Effect::DropIndexes { on } => {
                let indexes = self.read_indexes(effect, on).await?;
                let names =
                    indexes.iter().filter(|index| index.can_be_dropped()).filter_map(|index| index.spec.get("name"));
                let names: Vec<_> = names.cloned().collect();
                (!names.is_empty()).then(|| doc! { "indexes": names })
            }
            Effect::CreateCollection { name, options } => {
                let seen = self.read(effect, &[name]).await?;
                let there = seen.get(name);
                let has = |field: &&str| match options.get(*field) {
                    None => true,
                    Some(asked) => there.is_some_and(|there| same_option(there.options.get(*field), asked)),
                };
                let nothing = there.is_some() && VALIDATION.iter().all(has);
                if !nothing {
                    seen.refuse_other_kind(effect)?;
                }
                (!nothing).then(|| doc! { "uuid": seen.identity(name) })
            }
            Effect::CreateView { name, on, pipeline } => {
                let seen = self.read(effect, &[name]).await?;
                seen.refuse_other_kind(effect)?;
                let same = seen.get(name).is_some_and(|there| there.is_the_view(on, pipeline));
                (!same).then(|| doc! { "uuid": seen.identity(name) })
            }
            Effect::Drop { name } => {
                let seen = self.read(effect, &[name]).await?;
                seen.get(name).map(|there| match there.kind {
                    ListedKind::View => doc! { "view": there.options.clone() },
                    ListedKind::Collection => seen.identified(name),
                    ListedKind::TimeSeries => {
                        let mut before = seen.identified(name);
                        before.insert("timeseries", true);
                        before
                    }
                })
            }
            Effect::Rename { from, to, replacing } => {
                let seen = self.read(effect, &[from, to]).await?;
                seen.before_rename(from, to, *replacing)
                    .map_err(|why| Failure::Refused(format!("could not {}: {why}", effect.described())))?
            }
        })
    }
}

impl Seen {
    /// Returns the state before a rename, `None` if it has taken place, or the reason why it cannot.
    fn before_rename(&self, from: &str, to: &str, replacing: bool) -> Result<Option<Document>, String> {
        let (source, target) = match (self.get(from), self.get(to)) {
            (None, Some(_)) => return Ok(None),
            (None, None) => return Err(format!("neither '{from}' nor '{to}' exists (code {NAMESPACE_NOT_FOUND})")),
            (Some(source), target) => (source, target),
        };
        match target {
            Some(_) if !replacing => Err(format!("'{to}' exists already (code {NAMESPACE_EXISTS})")),
            Some(_) if from == to => Err(format!("the old name is the new one (code {ILLEGAL_OPERATION})")),
            _ if source.kind != ListedKind::Collection => {
                Err(format!("the server renames neither views nor time series (code {COMMAND_NOT_SUPPORTED_ON_VIEW})"))
            }
            Some(target) if target.kind != ListedKind::Collection => Err(format!(
                "'{to}' is a view or a time series, which the server does not replace (code {NAMESPACE_EXISTS})"
            )),
            _ => {
                let mut before = self.identified(from);
                before.insert("to", self.identity(to));
                Ok(Some(before))
            }
        }
    }
}
