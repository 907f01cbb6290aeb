//! The collections that a migration can access.

use mongodb::bson::{Bson, Document};

use crate::error::Error;
use crate::migration::Source;

/// The scope of a migration: the whole database, or the collections of its plugin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope(Source<'static>);

/// The stages that read another collection.
const JOINS: [&str; 3] = ["$lookup", "$graphLookup", "$unionWith"];

impl Scope {
    pub(crate) fn of(source: Source<'static>) -> Self {
        Self(source)
    }

    pub(crate) fn source(self) -> Source<'static> {
        self.0
    }

    /// Returns the name in the database: for the plugin `whale-alerts`, `subscriptions` is
    /// `plugin_whale-alerts_subscriptions`.
    pub(crate) fn collection(self, name: &str) -> String {
        match self.0 {
            Source::Plugin(plugin) => format!("plugin_{plugin}_{name}"),
            Source::System | Source::Module(_) => name.to_owned(),
        }
    }

    /// Replaces the names of all collections in a pipeline by those in the database.
    pub(crate) fn pipeline(self, stages: impl IntoIterator<Item = Document>) -> Result<Vec<Document>, Error> {
        stages.into_iter().map(|stage| self.stage(stage)).collect()
    }

    /// Replaces the names of all collections in the fields of `create` or `collMod` by those in the database.
    pub(crate) fn fields(self, fields: Document) -> Result<Document, Error> {
        fields
            .into_iter()
            .map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    ("viewOn", value) => self.name(value)?,
                    ("pipeline", Bson::Array(stages)) => Bson::Array(self.nested(stages)?),
                    (_, value) => value,
                };
                Ok((key, value))
            })
            .collect()
    }

    fn stage(self, stage: Document) -> Result<Document, Error> {
        stage
            .into_iter()
            .map(|(operator, argument)| {
                let argument = match operator.as_str() {
                    "$out" | "$merge" => {
                        return Err(Error::Refused(format!(
                            "`{operator}` cannot run in a transaction or a view; write with `insert_many` or `update_many`, or take `&Database`"
                        )));
                    }
                    join if JOINS.contains(&join) => self.join(argument)?,
                    "$facet" => self.facets(argument)?,
                    _ => argument,
                };
                Ok((operator, argument))
            })
            .collect()
    }

    fn join(self, argument: Bson) -> Result<Bson, Error> {
        let Bson::Document(document) = argument else {
            return self.name(argument);
        };
        let named = document.into_iter().map(|(key, value)| {
            let value = match (key.as_str(), value) {
                ("from" | "coll", value) => self.name(value)?,
                ("pipeline", Bson::Array(stages)) => Bson::Array(self.nested(stages)?),
                (_, value) => value,
            };
            Ok((key, value))
        });
        named.collect::<Result<Document, Error>>().map(Bson::Document)
    }

    fn facets(self, argument: Bson) -> Result<Bson, Error> {
        let Bson::Document(facets) = argument else { return Ok(argument) };
        let named = facets.into_iter().map(|(name, stages)| {
            let stages = match stages {
                Bson::Array(stages) => Bson::Array(self.nested(stages)?),
                other => other,
            };
            Ok((name, stages))
        });
        named.collect::<Result<Document, Error>>().map(Bson::Document)
    }

    fn nested(self, stages: Vec<Bson>) -> Result<Vec<Bson>, Error> {
        stages
            .into_iter()
            .map(|stage| match stage {
                Bson::Document(stage) => self.stage(stage).map(Bson::Document),
                other => Ok(other),
            })
            .collect()
    }

    fn name(self, name: Bson) -> Result<Bson, Error> {
        match (name, self.0) {
            (Bson::String(name), _) => Ok(Bson::String(self.collection(&name))),
            (_, Source::Plugin(plugin)) => Err(Error::Refused(format!(
                "a migration of the plugin '{plugin}' may only name its own collections, as plain strings"
            ))),
            (other, _) => Ok(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[test]
    fn joins_of_a_plugin_are_scoped() {
        let scope = Scope::of(Source::Plugin("whale"));
        let stages = [
            doc! { "$lookup": { "from": "a", "as": "from", "pipeline": [{ "$unionWith": "b" }] } },
            doc! { "$facet": { "all": [{ "$graphLookup": { "from": "c" } }] } },
        ];
        let expected = [
            doc! { "$lookup": { "from": "plugin_whale_a", "as": "from", "pipeline": [{ "$unionWith": "plugin_whale_b" }] } },
            doc! { "$facet": { "all": [{ "$graphLookup": { "from": "plugin_whale_c" } }] } },
        ];
        assert_eq!(scope.pipeline(stages).expect("allowed"), expected);

        let elsewhere = [doc! { "$lookup": { "from": { "db": "other", "coll": "a" } } }];
        assert!(matches!(scope.pipeline(elsewhere), Err(Error::Refused(_))));
    }

    #[test]
    fn views_of_a_plugin_are_scoped() {
        let scope = Scope::of(Source::Plugin("whale"));
        let fields = doc! { "viewOn": "a", "pipeline": [{ "$unionWith": "b" }], "comment": "c" };
        let expected =
            doc! { "viewOn": "plugin_whale_a", "pipeline": [{ "$unionWith": "plugin_whale_b" }], "comment": "c" };
        assert_eq!(scope.fields(fields).expect("allowed"), expected);
    }

    #[test]
    fn a_system_pipeline_is_unchanged() {
        let stages = [doc! { "$lookup": { "from": "a" } }, doc! { "$match": { "from": "x" } }];
        assert_eq!(Scope::of(Source::System).pipeline(stages.clone()).expect("allowed"), stages);
    }

    #[test]
    fn writing_stages_are_refused() {
        for stage in [doc! { "$out": "x" }, doc! { "$merge": { "into": "x" } }] {
            assert!(matches!(Scope::of(Source::System).pipeline([stage]), Err(Error::Refused(_))));
        }
    }
}
