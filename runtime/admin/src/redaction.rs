//! Hides credentials from everybody, and the values that errors quote from those who may only read.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use mongrate::display::redacted;
use serde::Serialize;
use serde_json::Value;

use crate::access::Level;
use crate::call::Call;
use crate::problem::{Details, Problem, value};

/// The properties that hold the text of an error.
const ERRORS: [&str; 6] = ["error", "errorStack", "message", "detail", "causes", "failure"];

impl Call {
    /// The text of an error as the sender of the request may see it.
    pub(crate) fn error_text<'t>(&self, error: &'t str) -> Cow<'t, str> {
        let shown = redacted(error);
        if self.allowed.level < Level::Operate { self.admin.redact(&shown).into() } else { shown }
    }

    /// Answers with one of the shapes, as the sender of the request may see it.
    pub(crate) fn json(&self, shape: &impl Serialize) -> Response {
        let mut shown = value(shape);
        self.hide(&mut shown, false);
        axum::Json(shown).into_response()
    }

    /// The problem as the sender of the request may see it.
    pub(crate) fn problem(&self, mut problem: Problem) -> Problem {
        problem.detail = self.error_text(&problem.detail).into_owned();
        for cause in &mut problem.causes {
            *cause = self.error_text(cause).into_owned();
        }
        let Details { holder, plan, report, .. } = &mut *problem;
        for value in [holder, plan, report].into_iter().flatten() {
            self.hide(value, false);
        }
        problem
    }

    fn hide(&self, value: &mut Value, is_error: bool) {
        match value {
            Value::String(text) => {
                let shown = if is_error { self.error_text(text) } else { redacted(text) };
                if let Cow::Owned(shown) = shown {
                    *text = shown;
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.hide(value, is_error)),
            Value::Object(properties) => {
                properties.iter_mut().for_each(|(name, value)| self.hide(value, ERRORS.contains(&name.as_str())));
            }
            _ => {}
        }
    }
}
