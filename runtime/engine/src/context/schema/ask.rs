//! Answers the queries of a body, from its log or from the database.

use mongodb::bson::Bson;
use mongodb::error::{Error as DriverError, Result as DriverResult};

use super::failure::Failure;
use super::perform::Performer;
use super::query::{Query, shown_options};
use super::retry::Retry;
use super::server::Server;
use crate::error::Error;
use crate::error::code;
use crate::error::codes::COMMAND_NOT_SUPPORTED_ON_VIEW;
use crate::report::Counts;

impl<S: Server> Performer<S> {
    /// Answers a query. Call [`enter`](Self::enter) first.
    pub(super) async fn ask(&mut self, query: &Query) -> Result<Bson, Error> {
        let dropped = DriverError::custom("it was dropped before the server had answered".to_owned());
        // Stays set if this future is dropped.
        self.failure = Some(Failure::Server { doing: query.described(), source: dropped });
        let answer = self.answer(query).await;
        self.failure = answer.as_ref().err().cloned();
        Ok(answer?)
    }

    async fn answer(&mut self, query: &Query) -> Result<Bson, Failure> {
        if let Some(answer) = self.replay.answer(query)? {
            return Ok(answer);
        }
        let answer = self.read_answer(query).await?;
        query.check_size(&answer)?;
        self.replay.record(query, answer.clone());
        self.journal.succeeded(query.kind(), query.on(), counts(query, &answer), Vec::new());
        Ok(answer)
    }

    /// Reads the answer from the database. Retries after a fail-over.
    async fn read_answer(&self, query: &Query) -> Result<Bson, Failure> {
        let mut retry = Retry::new(self.max_time);
        loop {
            match self.read_answer_once(query).await {
                Ok(answer) => return Ok(answer),
                Err(error) => self.again(error, &mut retry).await.map_err(|error| {
                    self.journal.failed(query.kind(), query.on(), &error);
                    Failure::Server { doing: query.described(), source: error }
                })?,
            }
        }
    }

    async fn read_answer_once(&self, query: &Query) -> DriverResult<Bson> {
        let on = query.on();
        if let Some(command) = query.command(on) {
            return Ok(query.answered(self.list(command).await?));
        }
        Ok(match query {
            Query::CollectionExists { .. } => self.read_once(&[on]).await?.get(on).is_some().into(),
            Query::Options { .. } => {
                self.read_once(&[on]).await?.get(on).map_or(Bson::Null, |there| shown_options(&there.options).into())
            }
            _ => match self.indexes(on).await {
                // A view has no indexes.
                Err(error) if code(&error) == Some(COMMAND_NOT_SUPPORTED_ON_VIEW) => query.answered_by(Vec::new()),
                indexes => query.answered_by(indexes?),
            },
        })
    }
}

/// Returns how many documents a query has found.
pub(super) fn counts(query: &Query, answer: &Bson) -> Counts {
    let matched = match query {
        Query::FindOne { .. } => u64::from(*answer != Bson::Null),
        Query::Count { .. } => answer.as_i64().and_then(|count| count.try_into().ok()).unwrap_or(0),
        _ => 0,
    };
    Counts { matched, ..Counts::default() }
}
