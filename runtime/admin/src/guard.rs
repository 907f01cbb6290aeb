//! What every request passes: host, origin, access, and the headers of every answer.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, ORIGIN, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::access::{Action, Decision, Level};
use crate::admin::Admin;
use crate::call::Call;
use crate::doc::Doc;
use crate::face::Face;
use crate::host::{self, is_loopback};
use crate::page;
use crate::problem::Problem;
use crate::site::Site;
use crate::tenant_path;
use crate::theme::Theme;
use crate::tokens::{ADMIN_TOKEN, presented};

/// No inline script or style, so that nothing has to be configured, and no other host.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const PROCESS: HeaderName = HeaderName::from_static("x-mongrate-process");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What a route asks for.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) admin: Admin,
    pub(crate) face: Face,
    /// `None` for what anybody may see: assets and the sign-in form.
    pub(crate) action: Option<Action>,
    pub(crate) doc: Doc,
}

/// Lets a request in, if it may.
pub(crate) async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(gate.face);
    parts.extensions.insert(gate.admin.clone());
    let admitted = gate.admit(&mut parts).await;
    let call = parts.extensions.get::<Call>().cloned();
    let mut response = match admitted {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(refusal) => refusal,
    };
    // For the frame of a problem's page.
    if let Some((call, problem)) = call.as_ref().zip(response.extensions_mut().remove::<Problem>()) {
        let problem = call.problem(problem);
        *response.body_mut() = problem.body().into();
        response.extensions_mut().insert(problem);
    }
    response.extensions_mut().insert(call);
    response
}

impl Gate {
    pub(crate) async fn admit(&self, parts: &mut Parts) -> Result<(), Response> {
        let refuse = |problem: Problem| problem.into_response();
        self.check_host(parts).map_err(refuse)?;
        if !parts.method.is_safe() && !has_token(&parts.headers) && !self.is_same_origin(parts) {
            let detail = "the request comes from another site";
            let problem = Problem::new(StatusCode::FORBIDDEN, "cross-site", detail);
            return Err(refuse(problem.help("reload the page and try again, or send a token in a header")));
        }
        let Some(action) = self.action else { return Ok(()) };
        let allowed = match self.admin.access().grant(parts).await.0 {
            Decision::Allowed(allowed) if self.admin.is_read_only() => allowed.at_most(Level::Read),
            Decision::Allowed(allowed) => allowed,
            Decision::SignInAt(url) if self.face == Face::Page => return Err(page::redirect(&url)),
            Decision::Denied if self.face == Face::Page && self.admin.access().sign_in().is_some() => {
                return Err(page::sign_in_first(parts));
            }
            Decision::Denied | Decision::SignInAt(_) => {
                self.admin.note_refusal();
                let problem =
                    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "no valid credentials were sent");
                return Err(refuse(problem.help("send a token as `Authorization: Bearer <token>`")));
            }
        };
        let theme = Theme::of(&parts.headers);
        let mut call = Call { admin: self.admin.clone(), site: self.admin.site().clone(), allowed, theme };
        let decision = match call.require(action) {
            Ok(()) => self.find_site(parts).await.map(|site| call.site = site),
            refused => refused,
        };
        let decision = decision.and_then(|()| self.doc.check(parts)).map_err(refuse);
        parts.extensions.insert(call);
        decision
    }

    /// The database that the request is about.
    async fn find_site(&self, parts: &mut Parts) -> Result<Site, Problem> {
        match (tenant_path::take(parts, self.face)?, self.admin.tenants()) {
            (None, _) => Ok(self.admin.site().clone()),
            (Some(database), Some(tenants)) => tenants.site(&database).await,
            (Some(_), None) => Err(Problem::not_found("this application has not configured tenants")),
        }
    }

    fn check_host(&self, parts: &Parts) -> Result<(), Problem> {
        let host = host::of_request(parts).unwrap_or_default();
        let name = host::name(host);
        let is_forwarded =
            ["forwarded", "x-forwarded-for", "x-forwarded-host"].iter().any(|name| parts.headers.contains_key(*name));
        let is_known = match self.admin.hosts() {
            Some(hosts) => {
                hosts.iter().any(|known| known.eq_ignore_ascii_case(name) || known.eq_ignore_ascii_case(host))
            }
            None => !self.admin.is_unprotected() || (is_loopback(name) && !is_forwarded),
        };
        if is_known {
            return Ok(());
        }
        let problem =
            Problem::new(StatusCode::MISDIRECTED_REQUEST, "wrong-host", format!("'{name}' is not served here"));
        Err(problem.help(
            "without tokens, only requests to localhost are answered; otherwise name the hosts in the application",
        ))
    }

    /// Browsers send `Sec-Fetch-Site` on secure connections, and `Origin` with every POST.
    fn is_same_origin(&self, parts: &Parts) -> bool {
        if let Some(site) = parts.headers.get(FETCH_SITE) {
            return site == "same-origin" || site == "none";
        }
        let Some(origin) = parts.headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()) else { return false };
        let authority = origin.parse::<Uri>().ok().and_then(|origin| origin.authority().map(ToString::to_string));
        self.admin.trusted_origins().iter().any(|trusted| trusted == origin)
            || authority.is_some_and(|authority| {
                host::of_request(parts).is_some_and(|host| host.eq_ignore_ascii_case(&authority))
            })
    }
}

/// Only what a browser never sends by itself: no `Basic`.
fn has_token(headers: &HeaderMap) -> bool {
    presented(headers).is_some() || headers.contains_key(ADMIN_TOKEN)
}

/// Adds the headers of every answer, and shows problems to people as a page.
pub(crate) async fn dress(State((admin, face)): State<(Admin, Face)>, request: Request, next: Next) -> Response {
    let is_head = request.method() == Method::HEAD;
    let theme = Theme::of(request.headers());
    let mut response = next.run(request).await;
    if let (Face::Page, Some(problem)) = (face, response.extensions_mut().remove::<Problem>()) {
        let call = response.extensions_mut().remove::<Option<Call>>().flatten();
        response = page::problem(&admin, call.as_ref(), theme, &problem);
    }
    if is_head {
        *response.body_mut() = axum::body::Body::empty();
    }
    let headers = response.headers_mut();
    let fixed = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_FRAME_OPTIONS, "DENY"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With `no-referrer`, the Origin of a form would be `null`.
        (REFERRER_POLICY, "same-origin"),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
        (VARY, "Cookie"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.insert(PROCESS, admin.process_header().clone());
    response
}

/// 405; axum adds the header `Allow`.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this path does not take this method")
}
