//! Checks of operations on views.

use std::collections::BTreeSet;

use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;

use super::scratch::refusal;
use super::{Check, Described};
use crate::context::catalog::{Listed, ListedKind};
use crate::context::schema::command::limited;
use crate::error::codes::{GRAPH_CONTAINS_CYCLE, INVALID_NAMESPACE, INVALID_OPTIONS};

impl Check<'_> {
    pub(super) async fn create_view(&mut self, on: &str, pipeline: &[Document]) -> Result<()> {
        let there = self.described(self.collection).await?;
        if there.is_none() && self.is_no_name(self.collection, INVALID_NAMESPACE) {
            return Ok(());
        }
        let mut summary = "would be created";
        if let Some(there) = there {
            if let Some(taken) = there.listed().taken() {
                self.obstacle(taken);
                return Ok(());
            }
            if there.listed().is_the_view(on, pipeline) {
                self.nothing("the same view exists already: nothing to do");
                return Ok(());
            }
            summary = "exists already, and would get this definition";
        }
        self.define(on, pipeline).await?;
        if !self.found.is_obstacle() {
            self.found.notes.insert(0, summary.to_owned());
        }
        Ok(())
    }

    /// Returns whether `collMod` with these fields would change the view.
    pub(super) async fn redefine(&mut self, there: &Described, fields: &Document) -> Result<bool> {
        if there.kind != ListedKind::View {
            self.obstacle(format!("it is not a view (code {INVALID_OPTIONS})"));
            return Ok(true);
        }
        let (Ok(on), Ok(pipeline)) = (fields.get_str("viewOn"), fields.get_array("pipeline")) else {
            self.cannot_tell("a view is defined by both `viewOn` and `pipeline`");
            return Ok(true);
        };
        let pipeline: Vec<_> = pipeline.iter().filter_map(Bson::as_document).cloned().collect();
        let same = there.listed().is_the_view(on, &pipeline);
        if !same {
            self.define(on, &pipeline).await?;
        }
        Ok(!same)
    }

    async fn define(&mut self, on: &str, pipeline: &[Document]) -> Result<()> {
        // The server validates the stages even if the collection does not exist.
        let aggregate = doc! { "aggregate": on, "pipeline": pipeline, "cursor": {} };
        let explain = doc! { "explain": aggregate, "verbosity": "queryPlanner" };
        if let Err(error) = refusal(self.database.run_command(limited(explain, self.max_time)).await)? {
            self.answered(&error);
            return Ok(());
        }
        self.sources(on, pipeline).await?;
        if !self.found.is_obstacle() {
            let options = doc! { "viewOn": on, "pipeline": pipeline };
            self.projection.create(self.collection, ListedKind::View, options);
        }
        Ok(())
    }

    /// Follows the sources of the view to find a cycle.
    async fn sources(&mut self, on: &str, pipeline: &[Document]) -> Result<()> {
        let mut next = named_in(on, pipeline);
        let mut seen = BTreeSet::new();
        while let Some(name) = next.pop() {
            if name == self.collection {
                self.obstacle(format!("it would be a view of itself (code {GRAPH_CONTAINS_CYCLE})"));
                return Ok(());
            }
            if !seen.insert(name.clone()) {
                continue;
            }
            match self.described(&name).await? {
                Some(there) if there.kind == ListedKind::View => {
                    let pipeline = there.options.get_array("pipeline").ok().into_iter().flatten();
                    let pipeline: Vec<_> = pipeline.filter_map(Bson::as_document).cloned().collect();
                    next.extend(named_in(there.options.get_str("viewOn").unwrap_or_default(), &pipeline));
                }
                None if name == on => self.note(format!("'{on}' does not exist, so the view would be empty")),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Returns the names of all collections that a view reads.
fn named_in(on: &str, pipeline: &[Document]) -> Vec<String> {
    let mut names = vec![on.to_owned()];
    let mut values: Vec<Bson> = pipeline.iter().cloned().map(Bson::Document).collect();
    while let Some(value) = values.pop() {
        match value {
            Bson::Array(inner) => values.extend(inner),
            Bson::Document(inner) => {
                for (key, value) in inner {
                    match (key.as_str(), value) {
                        ("from" | "coll" | "$unionWith", Bson::String(name)) => names.push(name),
                        (_, value) => values.push(value),
                    }
                }
            }
            _ => {}
        }
    }
    names
}

impl Described {
    fn listed(&self) -> Listed {
        Listed { kind: self.kind, uuid: None, options: self.options.clone() }
    }
}
