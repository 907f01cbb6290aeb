//! Holds answers of the API against its OpenAPI document.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{Method, StatusCode};
use jsonschema::Validator;
use serde_json::{Value, json};

use super::{API, Answer};

/// The OpenAPI document of a mounted API.
pub struct Document {
    whole: Value,
    /// By the pointer to a schema.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Document {
    pub(super) fn new(whole: Value) -> Self {
        Self { whole, validators: Mutex::default() }
    }

    /// The whole document.
    #[must_use]
    pub fn whole(&self) -> &Value {
        &self.whole
    }

    /// Panics unless an answer is as described. `path` is that of the request, with its query.
    pub(super) fn check(&self, method: &Method, path: &str, answer: &Answer) {
        let Some(path) = path.strip_prefix(API) else { return };
        let path = path.split('?').next().unwrap_or_default();
        let path = if path.is_empty() { "/" } else { path };
        if let Err(fault) = self.fault(method, path, answer) {
            panic!("{method} {path}: {fault}\n{answer:?}");
        }
    }

    fn fault(&self, method: &Method, path: &str, answer: &Answer) -> Result<(), String> {
        let described = if method == Method::HEAD { &Method::GET } else { method };
        let operation = self.operation(described, path);
        if operation.is_none() && !answer.status.is_client_error() {
            return Err(format!("it is not described, but the answer is {}", answer.status));
        }
        let response =
            operation.as_ref().map_or_else(|| self.problem(), |pointer| self.response(pointer, answer.status))?;
        let Some(kind) = answer.header("content-type") else {
            return if answer.text.is_empty() { Ok(()) } else { Err("a body has no type".to_owned()) };
        };
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let pointer = format!("{response}/content/{}", escaped(kind));
        if self.whole.pointer(&pointer).is_none() {
            return Err(format!("the type {kind} is not described for {}", answer.status));
        }
        if method == Method::HEAD || !kind.ends_with("json") {
            return Ok(());
        }
        let document: Value = serde_json::from_str(&answer.text).map_err(|error| error.to_string())?;
        let mut faults = String::new();
        for fault in self.validator(&format!("{pointer}/schema")).iter_errors(&document) {
            writeln!(faults, "{fault} at {}", fault.instance_path()).map_err(|error| error.to_string())?;
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// The pointer to the operation that serves a path: literal segments go before placeholders.
    fn operation(&self, method: &Method, path: &str) -> Option<String> {
        let paths = self.whole["paths"].as_object()?.keys().filter(|template| matches(template, path));
        let template = paths.min_by_key(|template| template.matches('{').count())?;
        let pointer = format!("/paths/{}/{}", escaped(template), method.as_str().to_ascii_lowercase());
        self.whole.pointer(&pointer).map(|_| pointer)
    }

    fn response(&self, operation: &str, status: StatusCode) -> Result<String, String> {
        let known =
            |name: &str| Some(format!("{operation}/responses/{name}")).filter(|at| self.whole.pointer(at).is_some());
        let default = || known("default").filter(|_| status.is_client_error() || status.is_server_error());
        known(status.as_str()).or_else(default).ok_or_else(|| format!("the status {status} is not described"))
    }

    /// The answer of a path that is not described.
    fn problem(&self) -> Result<String, String> {
        self.response("/paths/~1status/get", StatusCode::NOT_FOUND)
    }

    fn validator(&self, pointer: &str) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = validators.entry(pointer.to_owned()).or_insert_with(|| {
            let mut schema = self.whole.pointer(pointer).unwrap().clone();
            schema["components"] = json!({ "schemas": self.whole["components"]["schemas"] });
            Arc::new(jsonschema::options().should_validate_formats(true).build(&schema).unwrap())
        });
        validator.clone()
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(&path)
            .all(|(known, given)| known == given || known.starts_with('{') && !given.is_empty())
}

/// A name within a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
