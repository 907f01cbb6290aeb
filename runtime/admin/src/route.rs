//! A row of the table of routes.

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::access::Action;
use crate::doc::Doc;
use crate::parameters::Parameter;

/// A row of the table of routes.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// Relative to where the face is mounted, with a leading slash.
    pub(crate) path: &'static str,
    /// `None` for what anybody may see.
    pub(crate) action: Option<Action>,
    pub(crate) handler: MethodRouter,
    pub(crate) doc: Doc,
}

pub(crate) fn get<T: 'static>(
    path: &'static str,
    action: impl Into<Option<Action>>,
    handler: impl Handler<T, ()>,
) -> Route {
    Route::new(Method::GET, path, action.into(), on(MethodFilter::GET, handler))
}

pub(crate) fn post<T: 'static>(
    path: &'static str,
    action: impl Into<Option<Action>>,
    handler: impl Handler<T, ()>,
) -> Route {
    Route::new(Method::POST, path, action.into(), on(MethodFilter::POST, handler))
}

pub(crate) fn delete<T: 'static>(
    path: &'static str,
    action: impl Into<Option<Action>>,
    handler: impl Handler<T, ()>,
) -> Route {
    Route::new(Method::DELETE, path, action.into(), on(MethodFilter::DELETE, handler))
}

pub(crate) fn patch<T: 'static>(
    path: &'static str,
    action: impl Into<Option<Action>>,
    handler: impl Handler<T, ()>,
) -> Route {
    Route::new(Method::PATCH, path, action.into(), on(MethodFilter::PATCH, handler))
}

impl Route {
    fn new(method: Method, path: &'static str, action: Option<Action>, handler: MethodRouter) -> Self {
        Self { method, path, action, handler, doc: Doc::default() }
    }

    /// Sets what it does, in the imperative and without a period.
    pub(crate) fn does(mut self, summary: &'static str) -> Self {
        self.doc.summary = summary;
        self
    }

    /// Sets the parameters of the query. All others are refused.
    pub(crate) fn takes(mut self, parameters: &'static [Parameter]) -> Self {
        self.doc.parameters = parameters;
        self
    }

    /// Sets the shape of the JSON body.
    pub(crate) fn reads(mut self, shape: &'static str) -> Self {
        self.doc.body = Some(shape);
        self
    }

    /// Sets the answers: a status with the name of a shape, with a media type, or with nothing.
    pub(crate) fn answers(mut self, answers: &'static [(u16, &'static str)]) -> Self {
        self.doc.answers = answers;
        self
    }
}
