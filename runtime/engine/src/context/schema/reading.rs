//! The methods of `Schema` that only read.

use mongodb::bson::{Bson, Document};

use super::Schema;
use super::ask::counts;
use super::check::Check;
use super::failure::Failure;
use super::query::Query;
use crate::context::journal::Found;
use crate::display::{Json, shorten_value};
use crate::error::Error;
use crate::report::Prediction;

/// # Queries
///
/// A body may ask about the database and act on the answer. An answer is stored together with the next operation that changes
/// something, so that a body that resumes goes the way it went: it gets **the answers of the first run** up to the operation at
/// which it stopped. An answer that no operation followed is not stored, so that the next run asks again.
///
/// In a dry run, the answer is that after the earlier operations of the run. If it cannot be known, the body ends there, and the
/// migration is reported as not simulated.
///
/// Documents are read from the primary with majority. Each query has the time limit of [`max_time`](Schema::max_time). An answer
/// of more than 64 kB is an error.
impl Schema {
    /// Returns whether a collection, a view or a time series has this name.
    ///
    /// ```
    /// # async fn body(schema: &mut mongrate::Schema) -> Result<(), mongrate::Error> {
    /// // Some databases still have the collection of the old release.
    /// if schema.collection_exists("sessions_v1").await? {
    ///     schema.rename_collection("sessions_v1", "sessions").await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn collection_exists(&mut self, name: &str) -> Result<bool, Error> {
        let query = Query::CollectionExists { name: self.scope.collection(name) };
        self.ask(query, |answer| answer.as_bool().ok_or(answer)).await
    }

    /// Returns whether a collection has an index with this name. `false` if the collection is missing, or if the index is still being
    /// built.
    pub async fn index_exists(&mut self, collection: &str, name: &str) -> Result<bool, Error> {
        let query = Query::IndexExists { on: self.scope.collection(collection), name: name.to_owned() };
        self.ask(query, |answer| answer.as_bool().ok_or(answer)).await
    }

    /// Returns the indexes of a collection, in the form of `listIndexes`: `key`, `name` and options. Empty if the collection is missing
    /// or is a view. An index that is still being built is left out, and so is the version `v`.
    pub async fn indexes(&mut self, collection: &str) -> Result<Vec<Document>, Error> {
        let query = Query::Indexes { on: self.scope.collection(collection) };
        let documents = |answer| match answer {
            Bson::Array(indexes) => indexes.into_iter().map(document).collect(),
            other => Err(other),
        };
        self.ask(query, documents).await
    }

    /// Returns the options of a collection or view, in the form of `listCollections`: `validator`, `capped`, `viewOn`, and so on.
    /// `None` if it is missing. A validation level and action that are the default are left out. In a plugin's migration, `viewOn` and
    /// `pipeline` have the names in the database.
    pub async fn options(&mut self, collection: &str) -> Result<Option<Document>, Error> {
        let query = Query::Options { on: self.scope.collection(collection) };
        self.ask(query, document_or_null).await
    }

    /// Returns a document that matches, or `None` if none does or the collection is missing.
    pub async fn find_one(&mut self, collection: &str, filter: Document) -> Result<Option<Document>, Error> {
        let query = Query::FindOne { on: self.scope.collection(collection), filter };
        self.ask(query, document_or_null).await
    }

    /// Returns the number of documents that match. 0 if the collection is missing. As with the driver's `count_documents`, the filter
    /// must be one that the stage `$match` accepts.
    ///
    /// ```
    /// # use mongodb::bson::doc;
    /// # async fn body(schema: &mut mongrate::Schema) -> Result<(), anyhow::Error> {
    /// let unnamed = schema.count("users", doc! { "name": null }).await?;
    /// anyhow::ensure!(unnamed == 0, "{unnamed} users have no name");
    /// schema.set_validator("users", doc! { "$jsonSchema": { "required": ["name"] } }).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn count(&mut self, collection: &str, filter: Document) -> Result<u64, Error> {
        let query = Query::Count { on: self.scope.collection(collection), filter };
        self.ask(query, |answer| answer.as_i64().and_then(|count| count.try_into().ok()).ok_or(answer)).await
    }

    /// Answers a query; in a dry run, from the projection.
    async fn ask<T>(&mut self, query: Query, parse: impl FnOnce(Bson) -> Result<T, Bson>) -> Result<T, Error> {
        self.performer.enter()?;
        let answer = if self.dry_run.is_some() {
            self.rehearse(&query).await.inspect_err(|failure| self.performer.refuse(failure.clone()))?
        } else {
            self.activity.begin(query.kind());
            let answer = self.performer.ask(&query).await;
            self.activity.end();
            answer?
        };
        parse(answer).map_err(|answer| {
            Error::Refused(format!("the log of the migration has {answer} as the answer to: {}", query.described()))
        })
    }

    async fn rehearse(&mut self, query: &Query) -> Result<Bson, Failure> {
        if let Some(answer) = self.performer.replay.answer(query)? {
            self.note(query, &answer, Some("as in the interrupted run".to_owned()));
            return Ok(answer);
        }
        let (performer, Some(projection)) = (&mut self.performer, &self.dry_run) else { return Ok(Bson::Null) };
        let check = Check::new(&performer.server.database, query.on(), performer.max_time, projection);
        let answer = match check.answer(query).await {
            Ok(answer) => answer,
            Err(why) => {
                let found = Found { notes: vec![format!("cannot tell: {why}")], prediction: Prediction::CannotTell };
                performer.journal.checked(query.kind(), query.on(), found);
                let reason = format!("it must {}, and the dry run cannot know the answer: {why}", query.described());
                self.unanswered = Some(reason.clone());
                return Err(Failure::Refused(reason));
            }
        };
        query.check_size(&answer)?;
        performer.replay.record(query, answer.clone());
        self.note(query, &answer, None);
        Ok(answer)
    }

    fn note(&self, query: &Query, answer: &Bson, origin: Option<String>) {
        let shown = match answer {
            Bson::Array(indexes) => indexes.len().to_string(),
            answer => Json(&shorten_value(answer.clone())).to_string(),
        };
        let notes = [Some(format!("answered {shown}")), origin].into_iter().flatten().collect();
        self.performer.journal.rehearsed(query.kind(), query.on(), counts(query, answer), Vec::new(), notes);
    }

    /// Returns why a dry run could not answer a query of the body, which ended there.
    pub(crate) fn unanswered(&self) -> Option<&str> {
        self.unanswered.as_deref()
    }
}

fn document_or_null(answer: Bson) -> Result<Option<Document>, Bson> {
    if answer == Bson::Null { Ok(None) } else { document(answer).map(Some) }
}

fn document(answer: Bson) -> Result<Document, Bson> {
    match answer {
        Bson::Document(document) => Ok(document),
        other => Err(other),
    }
}
