//! What every request passes: host, origin, access, and the headers of every answer. Host and headers are those of whatever
//! a face answers, even if it has no such route.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::access::{Action, Allowed, Decision, Level};
use crate::admin::Admin;
use crate::call::Call;
use crate::doc::Doc;
use crate::face::Face;
use crate::host::{self, is_loopback};
use crate::origin;
use crate::page;
use crate::problem::Problem;
use crate::site::Site;
use crate::tenant_path;
use crate::text::visible_json;
use crate::theme::Theme;
use crate::tokens::{ADMIN_TOKEN, session_cookie};

/// No inline script or style, so that nothing has to be configured, and no other host.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const PROCESS: HeaderName = HeaderName::from_static("x-mongrate-process");
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
    let (patience, method) = (gate.admin.patience(), request.method().clone());
    patience.answer(&method, gate.lead(request, next)).await
}

impl Gate {
    async fn lead(self, request: Request, next: Next) -> Response {
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(self.face);
        parts.extensions.insert(self.admin.clone());
        let admitted = self.admit(&mut parts).await;
        let call = parts.extensions.get::<Call>().cloned();
        let mut response = match admitted {
            Ok(()) => next.run(Request::from_parts(parts, body)).await,
            Err(refusal) => refusal,
        };
        // For the frame of a problem's page.
        response.extensions_mut().insert(call);
        response
    }

    pub(crate) async fn admit(&self, parts: &mut Parts) -> Result<(), Response> {
        let refuse = |problem: Problem| problem.into_response();
        if !origin::is_safe(parts, self.admin.trusted_origins()) {
            return Err(refuse(cross_site()));
        }
        let Some(action) = self.action else { return Ok(()) };
        let allowed = self.allowed(parts).await?;
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

    async fn allowed(&self, parts: &Parts) -> Result<Allowed, Response> {
        let decision = self.admin.access().grant(parts).await.0;
        if !matches!(decision, Decision::Allowed(_)) && has_credentials(&parts.headers) {
            self.admin.note_refusal();
        }
        match decision {
            Decision::Allowed(allowed) if self.admin.is_read_only() => Ok(allowed.at_most(Level::Read)),
            Decision::Allowed(allowed) => Ok(allowed),
            Decision::SignInAt(url) if self.face == Face::Page => Err(page::redirect(&url)),
            Decision::Denied if self.face == Face::Page && self.admin.access().sign_in().is_some() => {
                Err(page::sign_in_first(parts))
            }
            Decision::Denied | Decision::SignInAt(_) => Err(unauthenticated(&parts.headers).into_response()),
        }
    }
}

/// Whether there is something to guess with.
fn has_credentials(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || headers.contains_key(ADMIN_TOKEN) || session_cookie(headers).is_some()
}

fn unauthenticated(headers: &HeaderMap) -> Problem {
    let detail = if headers.contains_key(AUTHORIZATION) || headers.contains_key(ADMIN_TOKEN) {
        "the credentials of this request are not valid"
    } else {
        "this request has no credentials"
    };
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail);
    problem.help("send a token of the application as `Authorization: Bearer <token>`")
}

fn cross_site() -> Problem {
    let detail = "this request may have been made by a page of another site: it has no `Sec-Fetch-Site: same-origin`, \
        and no `Origin` with the host of this server";
    let problem = Problem::new(StatusCode::FORBIDDEN, "cross-site", detail);
    problem.help(
        "in a browser, reload the page and try again; a program sends a token as `Authorization: Bearer <token>`; \
         behind a proxy that changes `Host`, the application has to name its origin as trusted",
    )
}

/// Fails unless requests to this host, in this environment, are answered.
pub(crate) fn check_host(admin: &Admin, parts: &Parts) -> Result<(), Problem> {
    if admin.is_open_in_production() {
        let detail = "the admin is open to everybody, which the environment 'production' forbids";
        let problem = Problem::new(StatusCode::FORBIDDEN, "unprotected", detail);
        return Err(problem.help("configure tokens in the application"));
    }
    let host = host::of_request(parts).unwrap_or_default();
    let name = host::name(host);
    let wrong_host = |help| {
        let detail = format!("the admin does not answer requests to the host '{name}'");
        Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "wrong-host", detail).help(help))
    };
    if let Some(hosts) = admin.hosts() {
        let is_known = |known: &String| known.eq_ignore_ascii_case(name) || known.eq_ignore_ascii_case(host);
        return if hosts.iter().any(is_known) { Ok(()) } else { wrong_host("add it to the hosts in the application") };
    }
    if admin.is_unprotected() && !is_loopback(name) {
        return wrong_host(
            "without tokens, only requests to localhost are answered; configure tokens in the application",
        );
    }
    if admin.is_unprotected() && is_forwarded(&parts.headers) {
        let detail = "this request came through a proxy, where everybody may seem to be on this machine";
        let problem = Problem::new(StatusCode::MISDIRECTED_REQUEST, "wrong-host", detail);
        return Err(
            problem.help("without tokens, only direct requests are answered; configure tokens in the application")
        );
    }
    Ok(())
}

/// Whether a proxy has passed the request on.
fn is_forwarded(headers: &HeaderMap) -> bool {
    let by_proxy = ["forwarded", "via", "x-real-ip"];
    headers.keys().any(|name| by_proxy.contains(&name.as_str()) || name.as_str().starts_with("x-forwarded-"))
}

/// Refuses wrong hosts, adds the headers of every answer, and shows problems to people as a page.
pub(crate) async fn dress(State((admin, face)): State<(Admin, Face)>, request: Request, next: Next) -> Response {
    let is_head = request.method() == Method::HEAD;
    let theme = Theme::of(request.headers());
    let (parts, body) = request.into_parts();
    let mut response = match check_host(&admin, &parts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(refusal) => refusal.into_response(),
    };
    if let (Face::Page, Some(problem)) = (face, response.extensions_mut().remove::<Problem>()) {
        let call = response.extensions_mut().remove::<Option<Call>>().flatten();
        let page = page::problem(&admin, call.as_ref(), theme, &problem);
        let headers = std::mem::replace(&mut response, page).into_parts().0.headers;
        for (name, value) in headers.iter().filter(|(name, _)| ![CONTENT_TYPE, CONTENT_LENGTH].contains(name)) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    if is_head {
        *response.body_mut() = Body::empty();
    } else {
        response = printable(response).await;
    }
    let is_public = response.headers().contains_key(CACHE_CONTROL);
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
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if !is_public {
        headers.append(VARY, HeaderValue::from_static("Cookie"));
    }
    headers.insert(PROCESS, admin.process_header().clone());
    response
}

/// Escapes the invisible characters in JSON, so that a terminal shows them.
async fn printable(response: Response) -> Response {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !["application/json", "application/problem+json"].contains(&kind) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // The body is in memory already.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        let detail = "the admin could not read its own answer";
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response();
    };
    parts.headers.remove(CONTENT_LENGTH);
    let shown = std::str::from_utf8(&bytes).ok().map(visible_json);
    let body = match shown {
        Some(std::borrow::Cow::Owned(shown)) => Body::from(shown),
        _ => Body::from(bytes),
    };
    Response::from_parts(parts, body)
}

/// 405; axum adds the header `Allow`.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "this path does not take this method; `Allow` names those that it takes",
    )
}
