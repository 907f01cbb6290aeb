//! Signing in and out, and the choice of a color scheme.

use axum::Extension;
use axum::http::header::{ORIGIN, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::Layout;
use super::leading::{FORM, back, redirect};
use super::view::View;
use super::words::visible;
use crate::access::Decision;
use crate::admin::Admin;
use crate::call::{Form, Query};
use crate::host::{self, is_loopback};
use crate::problem::Problem;
use crate::theme::{self, Theme};
use crate::tokens::{PLAIN_COOKIE, SECURE_COOKIE, SESSION};

/// The longest name that may be given, in characters.
const MAX_NAME: usize = 100;

const WRONG_TOKEN: &str = "This is not one of the application's tokens. Check it and try again.";
const WRONG_NAME: &str = "A name has at most 100 characters, without control characters.";
const PLAIN_HTTP: &str = "This page was opened over plain HTTP, where a browser does not keep the sign-in. Open it over HTTPS \
    or on localhost, or allow `insecure_cookies` in the application.";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Before {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    theme: Theme,
}

/// Shows the form to whoever has not signed in.
pub(crate) async fn form(
    Extension(admin): Extension<Admin>,
    Query(before): Query<Before>,
    parts: Parts,
) -> Result<Response, Problem> {
    let next = View::rebuild(&before.next);
    match admin.access().grant(&parts).await.0 {
        Decision::Allowed(_) => Ok(redirect(&next)),
        Decision::SignInAt(url) => Ok(redirect(&url)),
        Decision::Denied if admin.access().sign_in().is_none() => Err(no_form()),
        Decision::Denied => {
            let warning = is_probably_plain(&parts.headers, &admin).then_some(PLAIN_HTTP);
            Ok(page(&admin, Theme::of(&parts.headers), &next, warning).into_response())
        }
    }
}

/// Checks a token, and keeps the sign-in in a cookie.
pub(crate) async fn open(
    Extension(admin): Extension<Admin>,
    headers: HeaderMap,
    Form(Credentials { token, name, next }): Form<Credentials>,
) -> Result<Response, Problem> {
    let (next, theme) = (View::rebuild(&next), Theme::of(&headers));
    let refuse = |status, why| Ok((status, page(&admin, theme, &next, Some(why))).into_response());
    let Some(tokens) = admin.access().sign_in() else { return Err(no_form()) };
    let is_plain = !is_local(&headers) && origin(&headers).starts_with("http://");
    if is_plain && !admin.takes_insecure_cookies() {
        return refuse(StatusCode::BAD_REQUEST, PLAIN_HTTP);
    }
    let name = name.trim();
    if name.chars().count() > MAX_NAME || visible(name) != name || name.contains('\n') {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, WRONG_NAME);
    }
    let Some(session) = tokens.open_session(token.trim(), (!name.is_empty()).then_some(name)) else {
        admin.note_refusal();
        let form = page(&admin, theme, &next, Some(WRONG_TOKEN));
        return Ok((StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], form).into_response());
    };
    let (cookie, secure) =
        if is_plain || is_local(&headers) { (PLAIN_COOKIE, "") } else { (SECURE_COOKIE, "; Secure") };
    // Without a path, a browser takes the directory that it sees, behind any proxy.
    let cookie = format!("{cookie}={session}; Max-Age={}; HttpOnly; SameSite=Lax{secure}", SESSION.as_secs());
    Ok(([(SET_COOKIE, cookie)], redirect(&next)).into_response())
}

/// Removes the cookie.
pub(crate) async fn close() -> Response {
    let removed = "=; Max-Age=0; HttpOnly; SameSite=Lax";
    let cookies = [format!("{PLAIN_COOKIE}{removed}"), format!("{SECURE_COOKIE}{removed}; Secure")];
    (AppendHeaders(cookies.map(|cookie| (SET_COOKIE, cookie))), redirect(FORM)).into_response()
}

/// Keeps the color scheme for a year, and leads back.
pub(crate) async fn choose_theme(
    headers: HeaderMap,
    Form(Choice { theme }): Form<Choice>,
) -> Result<Response, Problem> {
    let cookie = format!("{}={}; Max-Age=31536000; HttpOnly; SameSite=Lax", theme::COOKIE_NAME, theme.name());
    Ok(([(SET_COOKIE, cookie)], redirect(&back(&headers))).into_response())
}

fn page(admin: &Admin, theme: Theme, next: &str, warning: Option<&str>) -> impl IntoResponse + use<> {
    let body = html! {
        form.panel.sign-in method="post" action="session" {
            h1 { "Sign in" }
            @if let Some(warning) = warning { (alert(warning)) }
            label.field {
                span { "Your name" em { "optional, kept in the history" } }
                input #name type="text" name="name" maxlength=(MAX_NAME) autocomplete="username";
            }
            label.field {
                span { "Token" }
                input #token type="password" name="token" required autocomplete="current-password" autofocus;
            }
            input type="hidden" name="next" value=(next);
            div.actions { button.primary { "Sign in" } }
        }
    };
    Layout::signed_out(admin, theme, "Sign in").page(&body)
}

fn alert(warning: &str) -> Markup {
    html! { p.alert.bad role="alert" { (warning) } }
}

fn no_form() -> Problem {
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "there is no sign-in form here");
    problem.help("sign in to the application itself, then come back")
}

/// Browsers send `Sec-Fetch-Site` on secure connections and to localhost only.
fn is_probably_plain(headers: &HeaderMap, admin: &Admin) -> bool {
    !is_local(headers) && !headers.contains_key("sec-fetch-site") && !admin.takes_insecure_cookies()
}

fn is_local(headers: &HeaderMap) -> bool {
    host::of(headers).is_some_and(|host| is_loopback(host::name(host)))
}

fn origin(headers: &HeaderMap) -> &str {
    headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or_default()
}
