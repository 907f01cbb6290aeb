//! The code of a new migration, to copy. Nothing is written on the server.

use axum::response::{IntoResponse, Response};
use mongodb::bson::DateTime;
use mongrate::migration::template::{Template, name, next_id, sentence, source};
use mongrate::{Kind, Migration};
use serde::{Deserialize, Serialize};

use crate::call::{Call, Json};
use crate::problem::Problem;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// Words, such as `Add roles`.
    name: String,
    source: Option<String>,
    #[serde(default)]
    kind: Style,
    #[serde(default)]
    reversible: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Style {
    #[default]
    Tx,
    Schema,
    Database,
}

/// The shape `new`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct New {
    id: String,
    source: String,
    dependencies: Vec<&'static str>,
    file: String,
    created: [String; 0],
    changed: [String; 0],
    add: Option<()>,
    code: String,
    dry_run: bool,
}

pub(crate) async fn draft(call: Call, Json(body): Json<Body>) -> Result<Response, Problem> {
    let refused = |message: String| Problem::unprocessable(message);
    let name = name(&body.name).map_err(refused)?;
    let source = source(body.source.as_deref().unwrap_or("system")).map_err(refused)?;
    if source.starts_with("plugin:") && matches!(body.kind, Style::Database) {
        let problem = Problem::unprocessable("a plugin's migration does not get the whole database");
        return Err(problem.help("ask for the kind `tx` or `schema`, which have the plugin's own collections"));
    }
    let registry = call.migrator().registry();
    let own: Vec<_> = registry.into_iter().filter(|migration| migration.source().to_string() == source).collect();
    let plain = |id: &'static str| id.rsplit(':').next().unwrap_or(id);
    let ids: Vec<_> = own.iter().map(|migration| plain(migration.id())).collect();
    // What depends on a manual migration waits until somebody runs that.
    let dependency = own.iter().rfind(|migration| !migration.is_manual()).map(Migration::id);
    let id = next_id(&name, &ids, &[], false, DateTime::now());
    let template = Template {
        id: &id,
        source: Some(&*source).filter(|source| *source != "system"),
        dependency,
        kind: body.kind.into(),
        reversible: body.reversible,
        description: &sentence(&name),
    };
    let new = New {
        id: if source == "system" { id.clone() } else { format!("{source}:{id}") },
        dependencies: dependency.into_iter().collect(),
        file: template.file_name(),
        created: [],
        changed: [],
        add: None,
        code: template.code(),
        dry_run: true,
        source,
    };
    Ok(axum::Json(new).into_response())
}

impl From<Style> for Kind {
    fn from(style: Style) -> Self {
        match style {
            Style::Tx => Self::Tx,
            Style::Schema => Self::Schema,
            Style::Database => Self::Database,
        }
    }
}
