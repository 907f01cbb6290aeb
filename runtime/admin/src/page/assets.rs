//! The style sheet, the script and the icon. Their URLs contain a hash of the contents, so that browsers may cache them
//! without a limit.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("../assets/app.css");
const SCRIPT: &str = include_str!("../assets/app.js");
const ICON: &str = include_str!("../assets/icon.svg");

pub(super) static STYLE_URL: LazyLock<String> = LazyLock::new(|| url("app.css", STYLE));
pub(super) static SCRIPT_URL: LazyLock<String> = LazyLock::new(|| url("app.js", SCRIPT));
pub(super) static ICON_URL: LazyLock<String> = LazyLock::new(|| url("icon.svg", ICON));

fn url(name: &str, contents: &str) -> String {
    let hash = Sha256::digest(contents);
    format!("{name}?v={:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3])
}

pub(crate) async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

pub(crate) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

pub(crate) async fn icon() -> Response {
    asset("image/svg+xml", ICON)
}

fn asset(kind: &'static str, contents: &'static str) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")], contents).into_response()
}
