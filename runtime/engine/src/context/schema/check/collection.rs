//! Checks of operations on collections.

use mongodb::bson::{Bson, Document};
use mongodb::error::{Error, Result};

use super::super::perform::VALIDATION;
use super::documents::Strictness;
use super::scratch::{Scratch, refusal};
use super::{Check, Described};
use crate::context::catalog::ListedKind;
use crate::context::catalog::same::same_option;
use crate::display::plural;
use crate::error::codes::{
    COMMAND_NOT_SUPPORTED_ON_VIEW, ILLEGAL_OPERATION, INDEX_NOT_FOUND, INVALID_NAMESPACE, INVALID_OPTIONS,
    NAMESPACE_EXISTS, NAMESPACE_NOT_FOUND,
};

/// The fields of `collMod` that `create` accepts, too.
const CREATED_WITH: [&str; 4] = ["validator", "validationLevel", "validationAction", "changeStreamPreAndPostImages"];

/// The options that every server version accepts for a time series.
const OF_SERIES: [&str; 3] = ["timeseries", "expireAfterSeconds", "collation"];

impl Check<'_> {
    pub(super) async fn create_collection(&mut self, options: &Document) -> Result<()> {
        let Some(there) = self.described(self.collection).await? else { return self.new_collection(options).await };
        let asked = options.iter().filter(|(field, _)| VALIDATION.contains(&field.as_str()));
        let asked: Document = asked.map(|(field, value)| (field.clone(), value.clone())).collect();
        let is_there = has_all(&there.options, &asked);
        match there.kind {
            ListedKind::View if asked.is_empty() => {
                self.nothing("a view with this name exists and would stay unchanged");
            }
            _ if asked.is_empty() => self.nothing("exists already and would stay unchanged"),
            _ if is_there => self.nothing("exists already, with this validator"),
            _ => {
                self.note("exists already, and would get this validator");
                self.validate(there, &asked).await?;
            }
        }
        Ok(())
    }

    async fn new_collection(&mut self, options: &Document) -> Result<()> {
        if self.is_no_name(self.collection, INVALID_NAMESPACE) {
            return Ok(());
        }
        let mut kind = ListedKind::Collection;
        if options.contains_key("viewOn") {
            self.cannot_tell("a view is created with `create_view`");
            kind = ListedKind::View;
        } else if let Ok(series) = options.get_document("timeseries") {
            kind = ListedKind::TimeSeries;
            self.new_series(series, options);
            if self.found.is_obstacle() {
                return Ok(());
            }
        } else if let Err(error) = self.created(options).await? {
            self.answered(&error);
            return Ok(());
        }
        self.note("would be created");
        self.projection.create(self.collection, kind, options.clone());
        Ok(())
    }

    /// Checks a new time series by its options alone: the server cannot create one in a transaction.
    fn new_series(&mut self, series: &Document, options: &Document) {
        let validators: Vec<_> = options.keys().map(String::as_str).filter(|key| VALIDATION.contains(key)).collect();
        if !validators.is_empty() {
            let validators = validators.join(", ");
            self.obstacle(format!("a time-series collection cannot have: {validators} (code {INVALID_OPTIONS})"));
            return;
        }
        let is_field = |value: &Bson| value.as_str().is_some_and(|name| !name.is_empty() && !name.contains(['.', '$']));
        let known = |(key, value): (&String, &Bson)| match key.as_str() {
            "timeField" => is_field(value),
            "metaField" => is_field(value) && value.as_str() != Some("_id") && Some(value) != series.get("timeField"),
            "granularity" => matches!(value.as_str(), Some("seconds" | "minutes" | "hours")),
            _ => false,
        };
        let fields = series.contains_key("timeField") && series.iter().all(known);
        if !fields || options.keys().any(|key| !OF_SERIES.contains(&key.as_str())) {
            self.cannot_tell("these options of a time series cannot be tried on the server");
        }
    }

    /// Tries to create a collection with these options.
    async fn created(&mut self, options: &Document) -> Result<std::result::Result<(), Error>> {
        if !self.projection.transactional {
            if !options.is_empty() {
                self.cannot_tell("this server has no transactions in which the options could be tried");
            }
            return Ok(Ok(()));
        }
        let mut scratch = Scratch::begin(self.database, self.max_time).await?;
        let created = scratch.create(options).await;
        scratch.end().await;
        refusal(created)
    }

    pub(super) async fn drop_collection(&mut self) -> Result<()> {
        match self.described(self.collection).await? {
            None => {
                self.nothing("does not exist: nothing to do");
                return Ok(());
            }
            Some(there) if there.kind == ListedKind::View => self.note("is a view, and would be dropped"),
            Some(Described { stored: None, .. }) => self.note("would be dropped, and 0 documents lost"),
            Some(Described { kind: ListedKind::TimeSeries, .. }) => {
                self.note("is a time-series collection, and would be dropped with all measurements");
            }
            Some(Described { stored: Some(stored), .. }) => {
                let count = self.estimated_count(&stored).await?;
                self.note(format!("would be dropped, and {} lost", plural(count, "document")));
            }
        }
        self.projection.drop(self.collection);
        Ok(())
    }

    pub(super) async fn modify(&mut self, fields: &Document) -> Result<()> {
        let Some(there) = self.described(self.collection).await? else {
            self.obstacle(format!("it does not exist (code {NAMESPACE_NOT_FOUND})"));
            return Ok(());
        };
        let part = |names: &[&str]| -> Document {
            let named = fields.iter().filter(|(field, _)| names.contains(&field.as_str()));
            named.map(|(field, value)| (field.clone(), value.clone())).collect()
        };
        let (created_with, view) = (part(&CREATED_WITH), part(&["viewOn", "pipeline"]));
        let index = fields.get_document("index").ok();
        let known = created_with.len() + view.len() + usize::from(index.is_some());
        if fields.len() != known {
            let known = |field: &&str| CREATED_WITH.contains(field) || ["viewOn", "pipeline", "index"].contains(field);
            let unknown: Vec<_> = fields.keys().map(String::as_str).filter(|field| !known(field)).collect();
            self.cannot_tell(format!("the server cannot be asked whether it would accept: {}", unknown.join(", ")));
        }
        let mut would_change = fields.len() != known;
        if !view.is_empty() {
            would_change |= self.redefine(&there, &view).await?;
        }
        if let Some(index) = index {
            would_change |= self.modify_index(&there, index).await?;
        }
        if !created_with.is_empty() {
            would_change |= !has_all(&there.options, &created_with);
            self.validate(there, &created_with).await?;
        }
        if !would_change {
            self.nothing("has this already: nothing to do");
        }
        Ok(())
    }

    /// Checks a change of the validator, or of how it is enforced.
    async fn validate(&mut self, there: Described, asked: &Document) -> Result<()> {
        match there.kind {
            ListedKind::View => {
                self.obstacle(format!("it is a view, and can have no validator (code {INVALID_OPTIONS})"));
                return Ok(());
            }
            ListedKind::TimeSeries => {
                self.obstacle(format!(
                    "it is a time-series collection, and can have no validator (code {INVALID_OPTIONS})"
                ));
                return Ok(());
            }
            ListedKind::Collection => {}
        }
        let mut options = there.options.clone();
        options.extend(asked.clone());
        let tried = CREATED_WITH.iter().filter_map(|field| Some(((*field).to_owned(), options.get(*field)?.clone())));
        let tried: Document = tried.collect();
        if let Err(error) = self.created(&tried).await? {
            self.answered(&error);
            return Ok(());
        }
        let validator = options.get_document("validator").cloned().unwrap_or_default();
        if let (Some(stored), false) = (&there.stored, validator.is_empty()) {
            self.violations(stored, &validator, Strictness::of(&options)).await;
        }
        self.projection.put(self.collection, Described { options, ..there });
        Ok(())
    }

    /// Returns whether an index would be changed.
    async fn modify_index(&mut self, there: &Described, asked: &Document) -> Result<bool> {
        if there.kind == ListedKind::View {
            self.obstacle(format!("it is a view (code {COMMAND_NOT_SUPPORTED_ON_VIEW})"));
            return Ok(true);
        }
        let indexes = self.indexes(there).await?;
        let meant: Vec<_> = indexes.iter().filter(|index| index.is_meant(asked)).collect();
        let simple = asked.iter().all(|(field, value)| match field.as_str() {
            "name" | "keyPattern" => true,
            "hidden" => value.as_bool().is_some(),
            _ => false,
        });
        match meant.as_slice() {
            [] => self.obstacle(format!("there is no such index (code {INDEX_NOT_FOUND})")),
            [index] if simple && there.kind == ListedKind::Collection && !index.is_named("_id_") => {
                return Ok(!index.is_modified(asked));
            }
            _ => self.cannot_tell("the server cannot be asked whether it would change the index like that"),
        }
        Ok(true)
    }

    pub(super) async fn rename(&mut self, to: &str, replacing: bool) -> Result<()> {
        match (self.described(self.collection).await?, self.described(to).await?) {
            (None, Some(_)) => self.nothing(format!("has been renamed to '{to}' already: nothing to do")),
            (None, None) => self.obstacle(format!("neither it nor '{to}' exists (code {NAMESPACE_NOT_FOUND})")),
            (Some(_), Some(_)) if !replacing => {
                self.obstacle(format!("'{to}' exists already (code {NAMESPACE_EXISTS})"));
            }
            (Some(_), Some(_)) if self.collection == to => {
                self.obstacle(format!("the old name is the new one (code {ILLEGAL_OPERATION})"));
            }
            (Some(there), target) => match there.kind {
                ListedKind::View => {
                    self.obstacle(format!(
                        "it is a view, and cannot be renamed (code {COMMAND_NOT_SUPPORTED_ON_VIEW})"
                    ));
                }
                ListedKind::TimeSeries => self.obstacle(format!(
                    "it is a time-series collection, and cannot be renamed (code {COMMAND_NOT_SUPPORTED_ON_VIEW})"
                )),
                ListedKind::Collection if self.is_no_name(to, ILLEGAL_OPERATION) => {}
                ListedKind::Collection => {
                    self.note(format!("would be renamed to '{to}'"));
                    if self.replaces(to, target).await? {
                        self.projection.rename(self.collection, to, there);
                    }
                }
            },
        }
        Ok(())
    }

    /// Checks the collection that a rename would drop. Returns whether the server would drop it.
    async fn replaces(&mut self, to: &str, target: Option<Described>) -> Result<bool> {
        let lost = match target {
            None => return Ok(true),
            Some(Described { kind: ListedKind::Collection, stored: Some(stored), .. }) => {
                self.estimated_count(&stored).await?
            }
            Some(Described { kind: ListedKind::Collection, stored: None, .. }) => 0,
            Some(_) => {
                self.obstacle(format!(
                    "'{to}' is a view or a time series, which the server does not replace (code {NAMESPACE_EXISTS})"
                ));
                return Ok(false);
            }
        };
        self.note(format!("'{to}' would be dropped, and {} lost", plural(lost, "document")));
        Ok(true)
    }
}

/// Returns whether a collection has these options. The server lists defaults only after a `collMod`.
fn has_all(options: &Document, asked: &Document) -> bool {
    asked.iter().all(|(field, asked)| match (field.as_str(), options.get(field)) {
        ("validationLevel", None) => asked.as_str() == Some("strict"),
        ("validationAction", None) => asked.as_str() == Some("error"),
        (_, found) => same_option(found, asked),
    })
}
