//! The state that an operation finds: what the log keeps of it, and whether the operation has anything to do.

use mongodb::bson::{Bson, Document, doc};

use super::effect::Effect;
use super::failure::Failure;
use super::perform::{Performer, VALIDATION};
use super::server::Server;
use crate::context::catalog::ListedKind;
use crate::context::catalog::same::same_option;
use crate::error::codes::{COMMAND_NOT_SUPPORTED_ON_VIEW, NAMESPACE_EXISTS, NAMESPACE_NOT_FOUND};

impl<S: Server> Performer<S> {
    /// Returns the state before an effect for the log, or `None` if there is nothing to do.
    pub(super) async fn before(&mut self, effect: &Effect) -> Result<Option<Document>, Failure> {
        Ok(match effect {
            Effect::CreateIndex { .. } | Effect::DropIndex { .. } | Effect::Modify { .. } => Some(Document::new()),
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
            Effect::Rename { from, to } => {
                let seen = self.read(effect, &[from, to]).await?;
                let refused = |why: String| Err(Failure::Refused(format!("could not {}: {why}", effect.described())));
                match (seen.get(from), seen.get(to)) {
                    (None, Some(_)) => None,
                    (None, None) => {
                        return refused(format!("neither '{from}' nor '{to}' exists (code {NAMESPACE_NOT_FOUND})"));
                    }
                    (Some(_), Some(_)) => {
                        return refused(format!("'{to}' exists already (code {NAMESPACE_EXISTS})"));
                    }
                    (Some(there), None) if there.kind != ListedKind::Collection => {
                        return refused(format!(
                            "the server renames neither views nor time series (code {COMMAND_NOT_SUPPORTED_ON_VIEW})"
                        ));
                    }
                    (Some(_), None) => {
                        let mut before = seen.identified(from);
                        before.insert("to", Bson::Null);
                        Some(before)
                    }
                }
            }
        })
    }
}
