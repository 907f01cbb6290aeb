//! What a call of a body finds: what its log keeps, and whether there is anything to do.

use mongodb::bson::{Bson, Document, doc};

use super::effect::Effect;
use super::look::ThereKind;
use super::perform::{Performer, VALIDATION};
use super::server::Server;
use super::stuck::Stuck;
use super::{NAMESPACE_EXISTS, NAMESPACE_NOT_FOUND};

impl<S: Server> Performer<S> {
    /// What is there before an effect; `None` when there is nothing to do.
    pub(super) async fn before(&mut self, effect: &Effect) -> Result<Option<Document>, Stuck> {
        Ok(match effect {
            Effect::CreateIndex { .. } | Effect::DropIndex { .. } | Effect::Modify { .. } => Some(Document::new()),
            Effect::CreateCollection { name, options } => {
                let seen = self.see(effect, &[name]).await?;
                let there = seen.get(name);
                let has = |field: &&str| options.get(field) == there.and_then(|there| there.options.get(field));
                let asked = VALIDATION.iter().filter(|field| options.contains_key(**field));
                let nothing = there.is_some() && { asked }.all(has);
                (!nothing).then(|| doc! { "uuid": seen.identity(name) })
            }
            Effect::CreateView { name, on, pipeline } => {
                let seen = self.see(effect, &[name]).await?;
                let there = seen.get(name).filter(|there| there.kind == ThereKind::View);
                let view = doc! { "viewOn": on, "pipeline": pipeline.clone() };
                let same =
                    there.is_some_and(|there| view.iter().all(|(key, value)| there.options.get(key) == Some(value)));
                (!same).then(|| doc! { "uuid": seen.identity(name) })
            }
            Effect::Drop { name } => {
                let seen = self.see(effect, &[name]).await?;
                seen.get(name).map(|there| match there.kind {
                    ThereKind::View => doc! { "view": there.options.clone() },
                    ThereKind::Collection => seen.identified(name),
                    ThereKind::TimeSeries => {
                        let mut before = seen.identified(name);
                        before.insert("timeseries", true);
                        before
                    }
                })
            }
            Effect::Rename { from, to } => {
                let seen = self.see(effect, &[from, to]).await?;
                let refused = |why: String| Err(Stuck::Refused(format!("could not {}: {why}", effect.described())));
                match (seen.get(from), seen.get(to)) {
                    (None, Some(_)) => None,
                    (None, None) => {
                        return refused(format!("neither '{from}' nor '{to}' is there (code {NAMESPACE_NOT_FOUND})"));
                    }
                    (Some(_), Some(_)) => {
                        return refused(format!("'{to}' exists already (code {NAMESPACE_EXISTS})"));
                    }
                    (Some(there), None) if there.kind != ThereKind::Collection => {
                        return refused("the server renames neither views nor time series (code 166)".to_owned());
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
