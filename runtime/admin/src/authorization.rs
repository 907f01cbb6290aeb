//! Who decides what a request may do.

use axum::http::request::Parts;
use mongodb::BoxFuture;

use crate::access::Grant;
use crate::tokens::Tokens;

/// Decides what a request may do. Implemented by [`Tokens`], and by closures `Fn(&Parts) -> Grant`.
///
/// It is asked for every request, and for a stream of events again every 20 seconds.
pub trait Access: Send + Sync + 'static {
    /// Returns what this request may do, and who makes it.
    fn grant<'r>(&'r self, request: &'r Parts) -> BoxFuture<'r, Grant>;

    /// Returns the tokens that the page's sign-in form accepts. Default: `None`, no form.
    fn sign_in(&self) -> Option<&Tokens> {
        None
    }

    /// Returns whether anybody may do everything, so that only requests from the own host may be answered. Default: `false`.
    fn is_unprotected(&self) -> bool {
        false
    }
}

impl<F: Fn(&Parts) -> Grant + Send + Sync + 'static> Access for F {
    fn grant<'r>(&'r self, request: &'r Parts) -> BoxFuture<'r, Grant> {
        let grant = self(request);
        Box::pin(async { grant })
    }
}

impl Access for Tokens {
    fn grant<'r>(&'r self, request: &'r Parts) -> BoxFuture<'r, Grant> {
        let grant = self.decide(request);
        Box::pin(async { grant })
    }

    fn sign_in(&self) -> Option<&Tokens> {
        (!self.is_unprotected()).then_some(self)
    }

    fn is_unprotected(&self) -> bool {
        Self::is_unprotected(self)
    }
}
