//! Checks of operations on indexes. The server creates the index in a transaction that is rolled back.

use mongodb::bson::Document;
use mongodb::error::{Error, Result, TRANSIENT_TRANSACTION_ERROR};

use super::scratch::{Scratch, refusal, scratch_options};
use super::{Check, Described};
use crate::context::catalog;
use crate::context::catalog::same::index_covers;
use crate::context::catalog::same::same;
use crate::context::catalog::{Index, ListedKind};
use crate::context::journal::Found;
use crate::context::schema::effect::{ALL_INDEXES, index_name};
use crate::display::{JsonDocument, plural};
use crate::error::code;
use crate::error::codes::{
    COMMAND_NOT_SUPPORTED_ON_VIEW, INDEX_KEY_SPECS_CONFLICT, INDEX_OPTIONS_CONFLICT, INVALID_NAMESPACE, INVALID_OPTIONS,
};
use crate::report::Prediction;

/// Maximum attempts after transient aborts of the transaction.
const ATTEMPTS: u32 = 3;

/// Options that every server version accepts for an ordinary index.
const SIMPLE: [&str; 6] = ["key", "name", "unique", "sparse", "expireAfterSeconds", "hidden"];

/// The server's answer to a specification.
enum Answer {
    IsThere,
    WouldCreate,
    Refused(Error),
    /// The server has no transactions.
    NotAsked(&'static str),
}

impl Check<'_> {
    /// Checks each index after the earlier ones. Creating several fails if one of them fails.
    pub(super) async fn create_indexes(&mut self, specs: &[Document]) -> Result<()> {
        if let [spec] = specs {
            return self.create_index(spec).await;
        }
        let mut all = Found { notes: Vec::new(), prediction: Prediction::NothingToDo };
        for spec in specs {
            self.about = format!("'{}': ", index_name(spec));
            self.found = Found { notes: Vec::new(), prediction: Prediction::WouldChange };
            self.create_index(spec).await?;
            all.prediction = all.prediction.max(self.found.prediction);
            all.notes.append(&mut self.found.notes);
        }
        self.found = all;
        Ok(())
    }

    async fn create_index(&mut self, spec: &Document) -> Result<()> {
        let there = self.described(self.collection).await?;
        match there.as_ref().map(|there| there.kind) {
            Some(ListedKind::View) => {
                self.obstacle(format!("'{}' is a view (code {COMMAND_NOT_SUPPORTED_ON_VIEW})", self.collection));
                return Ok(());
            }
            Some(ListedKind::TimeSeries) => return self.index_on_series(there.as_ref(), spec).await,
            Some(ListedKind::Collection) => {}
            None => {
                if self.is_no_name(self.collection, INVALID_NAMESPACE) {
                    return Ok(());
                }
                self.note(format!("'{}' does not exist, and would be created with the index", self.collection));
            }
        }
        let existing = match &there {
            Some(there) => self.indexes(there).await?,
            None => Vec::new(),
        };
        if existing.iter().any(|index| index.is_building) {
            self.cannot_tell("one of its indexes is still being built");
            return Ok(());
        }
        let answer = self.ask(there.as_ref(), &existing, spec).await?;
        match answer {
            Answer::IsThere => {
                self.nothing("the same index exists already: nothing to do");
                return Ok(());
            }
            Answer::Refused(error) => {
                self.refused(&existing, spec, &error);
                return Ok(());
            }
            Answer::NotAsked(why) => self.cannot_tell(why),
            Answer::WouldCreate => {}
        }
        match &there {
            Some(Described { stored: Some(stored), .. }) => {
                let count = self.estimated_count(stored).await?;
                self.note(format!("{} would be scanned", plural(count, "document")));
                self.documents(stored, there.as_ref(), spec).await?;
            }
            Some(_) => self.note("0 documents would be scanned"),
            None => self.projection.create(self.collection, ListedKind::Collection, Document::new()),
        }
        self.projection.create_index(self.collection, spec.clone());
        Ok(())
    }

    pub(super) async fn drop_index(&mut self, name: &str) -> Result<()> {
        let Some(there) = self.indexes_to_drop().await? else { return Ok(()) };
        let dropped: Vec<_> = there.iter().filter(|index| index.is_dropped_by(name)).collect();
        match dropped.first() {
            None => self.nothing(format!("there is no index '{name}': nothing to do")),
            Some(_) if name == "_id_" => {
                self.obstacle(format!("the index on `_id` cannot be dropped (code {INVALID_OPTIONS})"));
            }
            Some(index) if index.spec.get_bool("clustered").unwrap_or(false) => {
                self.obstacle("the collection is clustered by this index, which cannot be dropped (code 5979800)");
            }
            Some(index) => {
                let keys = index.spec.get_document("key").cloned().unwrap_or_default();
                self.note(format!("the index '{name}' on {} would be dropped", JsonDocument(&keys)));
            }
        }
        self.projection.drop_index(self.collection, name);
        Ok(())
    }

    pub(super) async fn drop_indexes(&mut self) -> Result<()> {
        let Some(there) = self.indexes_to_drop().await? else { return Ok(()) };
        match there.iter().filter(|index| index.can_be_dropped()).count() {
            0 => self.nothing("has no index except the one on `_id`: nothing to do"),
            1 => self.note("1 index would be dropped"),
            count => self.note(format!("{count} indexes would be dropped")),
        }
        self.projection.drop_index(self.collection, ALL_INDEXES);
        Ok(())
    }

    /// Returns the indexes of a collection, or `None` if it is a view, which is an obstacle.
    async fn indexes_to_drop(&mut self) -> Result<Option<Vec<Index>>> {
        Ok(match self.described(self.collection).await? {
            Some(there) if there.kind == ListedKind::View => {
                self.obstacle(format!("it is a view (code {COMMAND_NOT_SUPPORTED_ON_VIEW})"));
                None
            }
            Some(collection) => Some(self.indexes(&collection).await?),
            None => Some(Vec::new()),
        })
    }

    /// Returns the indexes of a collection, including the effects of earlier operations.
    pub(super) async fn indexes(&self, there: &Described) -> Result<Vec<Index>> {
        let stored = match &there.stored {
            Some(stored) => catalog::indexes(self.database, stored, self.max_time).await?,
            None => Vec::new(),
        };
        Ok(self.projection.indexes(self.collection, stored))
    }

    /// Creates the index beside copies of the existing ones, and returns the server's answer.
    async fn ask(&self, there: Option<&Described>, existing: &[Index], spec: &Document) -> Result<Answer> {
        if !self.projection.transactional {
            return Ok(compared(existing, spec));
        }
        let options = there.map(|there| scratch_options(&there.options)).unwrap_or_default();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut scratch = Scratch::begin(self.database, self.max_time).await?;
            let answer = answer(&mut scratch, &options, existing, spec).await;
            scratch.end().await;
            match answer {
                Err(error) if attempts < ATTEMPTS && error.contains_label(TRANSIENT_TRANSACTION_ERROR) => {}
                answer => return answer,
            }
        }
    }

    fn refused(&mut self, existing: &[Index], spec: &Document, error: &Error) {
        let has = |field| {
            move |index: &&Index| {
                index.spec.get(field).zip(spec.get(field)).is_some_and(|(there, asked)| same(there, asked))
            }
        };
        let other = existing.iter().find(has("name")).or_else(|| existing.iter().find(has("key")));
        // A collection has at most one text index.
        let other = other.or_else(|| existing.iter().find(|index| index.spec.contains_key("textIndexVersion")));
        match (code(error), other) {
            (Some(code @ (INDEX_OPTIONS_CONFLICT | INDEX_KEY_SPECS_CONFLICT)), Some(index)) => {
                let mut index = index.spec.clone();
                index.remove("v");
                self.obstacle(format!("another index conflicts with it (code {code}): {}", JsonDocument(&index)));
            }
            _ => self.answered(error),
        }
    }

    /// Checks an index on a time series by its specification alone: the server cannot create one in a transaction.
    async fn index_on_series(&mut self, there: Option<&Described>, spec: &Document) -> Result<()> {
        let keys = spec.get_document("key").cloned().unwrap_or_default();
        let text = keys.values().any(|kind| kind.as_str() == Some("text"));
        let unique = spec.get_bool("unique").unwrap_or(false);
        let refused: Vec<_> = [unique.then_some("unique"), text.then_some("text")].into_iter().flatten().collect();
        if !refused.is_empty() {
            self.obstacle(format!(
                "it is a time-series collection, which takes no such index: {} (code {INVALID_OPTIONS})",
                refused.join(", ")
            ));
            return Ok(());
        }
        let existing = match there {
            Some(there) => self.indexes(there).await?,
            None => Vec::new(),
        };
        match compared(&existing, spec) {
            Answer::IsThere => self.nothing("the same index exists already: nothing to do"),
            // Server versions differ in which other options they accept.
            Answer::WouldCreate if spec.keys().all(|option| option == "key" || option == "name") => {
                self.note("all measurements would be scanned");
                self.projection.create_index(self.collection, spec.clone());
            }
            _ => self.cannot_tell("it is a time-series collection, and the index cannot be tried on the server"),
        }
        Ok(())
    }
}

async fn answer(scratch: &mut Scratch, options: &Document, existing: &[Index], spec: &Document) -> Result<Answer> {
    scratch.create(options).await?;
    let secondary = existing.iter().filter(|index| !index.is_named("_id_") && !index.spec.contains_key("clustered"));
    let specs: Vec<_> = secondary.map(|index| remade(&index.spec)).collect();
    if !specs.is_empty() {
        scratch.create_indexes(&specs).await?;
    }
    Ok(match refusal(scratch.create_indexes(std::slice::from_ref(spec)).await)? {
        Ok(true) => Answer::WouldCreate,
        Ok(false) => Answer::IsThere,
        Err(error) => Answer::Refused(error),
    })
}

/// Returns a specification with which a listed index can be created again.
fn remade(spec: &Document) -> Document {
    let mut spec = spec.clone();
    spec.remove("ns");
    spec.remove("background");
    spec
}

/// Returns the answer as far as it is known without a transaction.
fn compared(existing: &[Index], spec: &Document) -> Answer {
    const NO_TRANSACTIONS: &str = "this server has no transactions in which the index could be tried";
    let has = |field| {
        move |index: &Index| index.spec.get(field).zip(spec.get(field)).is_some_and(|(there, asked)| same(there, asked))
    };
    let name = existing.iter().find(|index| has("name")(index));
    if name.is_some_and(|index| index_covers(&index.spec, spec)) {
        return Answer::IsThere;
    }
    let keys = spec.get_document("key").cloned().unwrap_or_default();
    let simple = spec.keys().all(|option| SIMPLE.contains(&option.as_str()))
        && keys.iter().all(|(field, kind)| field != "_id" && !field.contains('$') && kind.as_str().is_none());
    if simple && name.is_none() && !existing.iter().any(has("key")) {
        return Answer::WouldCreate;
    }
    Answer::NotAsked(NO_TRANSACTIONS)
}
