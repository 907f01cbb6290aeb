//! The tenant that a request names: the API in its path, the page in its query.

use std::borrow::Cow;

use axum::Router;
use axum::extract::{Query, Request};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{Uri, uri};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use percent_encoding::percent_decode_str;

use crate::face::Face;
use crate::problem::Problem;

/// The database that the path of a request named.
#[derive(Clone, Debug)]
struct Named(String);

/// Serves each path of an API below `/tenants/{database}`, too.
pub(crate) fn with_tenants(api: Router) -> Router {
    Router::new().fallback_service(api).layer(from_fn(strip))
}

/// Moves the name of the database from the path to the extensions.
async fn strip(mut request: Request, next: Next) -> Response {
    let path = request.uri().path().strip_prefix("/tenants/").map(|path| path.split_once('/').unwrap_or((path, "")));
    let Some((database, rest)) = path.filter(|(database, rest)| !database.is_empty() && !rest.starts_with("tenants"))
    else {
        return next.run(request).await;
    };
    let name = percent_decode_str(database).decode_utf8().map(Cow::into_owned);
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    match (name, with_path(request.uri(), &format!("/{rest}{query}"))) {
        (Ok(name), Ok(uri)) => {
            request.extensions_mut().insert(Named(name));
            *request.uri_mut() = uri;
            next.run(request).await
        }
        // Not the name of a database, and so not a path of the API.
        _ => next.run(request).await,
    }
}

/// Takes the name of the tenant's database out of a request, so that handlers do not see it.
pub(crate) fn take(parts: &mut Parts, face: Face) -> Result<Option<String>, Problem> {
    if face == Face::Api {
        return Ok(parts.extensions.remove::<Named>().map(|Named(name)| name));
    }
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) else { return Ok(None) };
    let Some((_, database)) = pairs.into_iter().find(|(name, _)| name == "database") else { return Ok(None) };
    let others = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.starts_with("database="));
    let query = others.collect::<Vec<_>>().join("&");
    parts.uri = with_path(&parts.uri, &format!("{}?{query}", parts.uri.path()))
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    Ok(Some(database))
}

fn with_path(uri: &Uri, path: &str) -> Result<Uri, axum::http::Error> {
    let mut parts = uri::Parts::from(uri.clone());
    parts.path_and_query = Some(path.parse::<PathAndQuery>()?);
    Ok(Uri::from_parts(parts)?)
}
