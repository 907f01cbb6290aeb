//! The OpenAPI 3.1 document, made from the table of routes and the engine's JSON shapes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::access::Action;
use crate::doc::{JSON, media_type};
use crate::route::Route;

/// The shapes of this crate, beside those of the engine.
const SHAPES: &str = include_str!("openapi/shapes.json");

const PROBLEM: &str = "application/problem+json";

/// Describes the API with these routes, and once more for each tenant's database, if there are any.
pub(crate) fn document(routes: &[Route], has_tenants: bool) -> Value {
    let mut paths = Map::new();
    for route in routes {
        add(&mut paths, route, "");
        if has_tenants && route.path != "/tenants" {
            add(&mut paths, route, "/tenants/{database}");
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Database migrations",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Errors are problem details (RFC 9457). Properties are added within a major version, never removed.",
        },
        // Relative to this document, so that it holds wherever the API is mounted.
        "servers": [{ "url": "." }],
        "security": [{ "bearer": [] }, { "token": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas(&Value::Object(paths.clone())),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "token": { "type": "apiKey", "in": "header", "name": "X-Admin-Token" },
            },
        },
    })
}

fn add(paths: &mut Map<String, Value>, route: &Route, below: &str) {
    let path = format!("{below}{}", route.path);
    let operations = paths.entry(path.clone()).or_insert_with(|| json!({}));
    operations[route.method.as_str().to_ascii_lowercase()] = operation(route, &path);
}

fn operation(route: &Route, path: &str) -> Value {
    let doc = route.doc;
    let in_path = placeholders(path).map(|name| {
        let description = match name {
            "database" => "The name of a tenant's database",
            _ if path.contains("/runs/") => "The id of the run",
            _ => "Qualified id of the migration",
        };
        json!({ "name": name, "in": "path", "required": true, "description": description, "schema": { "type": "string" } })
    });
    let in_query = doc.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name, "in": "query", "required": false,
            "description": parameter.description, "schema": parameter.schema(),
        })
    });
    let mut operation = json!({
        "operationId": operation_id(route, path),
        "summary": doc.summary,
        "responses": responses(doc.answers),
    });
    let parameters: Vec<_> = in_path.chain(in_query).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(action) = route.action {
        operation["description"] = needs(action).into();
    }
    if let Some(shape) = doc.body {
        operation["requestBody"] = json!({ "required": false, "content": content(JSON, shape) });
    }
    operation
}

fn needs(action: Action) -> String {
    format!("Needs the level `{}`.", action.level())
}

fn responses(answers: &'static [(u16, &'static str)]) -> Value {
    let mut responses = Map::new();
    for (status, shape) in answers {
        let response =
            responses.entry(status.to_string()).or_insert_with(|| json!({ "description": meaning(*status) }));
        if let Some(kind) = media_type(shape) {
            response["content"][kind] = content(kind, shape)[kind].clone();
        }
    }
    responses
        .insert("default".to_owned(), json!({ "description": "A problem", "content": content(PROBLEM, "problem") }));
    responses.into()
}

fn content(kind: &str, shape: &str) -> Value {
    let schema = match shape {
        "any" => json!({ "type": "object" }),
        shape if shape.contains('/') => json!({ "type": "string" }),
        shape => json!({ "$ref": format!("#/components/schemas/{shape}") }),
    };
    json!({ kind: { "schema": schema } })
}

fn meaning(status: u16) -> &'static str {
    match status {
        202 => "Started",
        303 => "It is there",
        304 => "Not changed since the given `ETag`",
        _ => "Done",
    }
}

/// A unique name, such as `get-migrations-id`.
fn operation_id(route: &Route, path: &str) -> String {
    let path = path.replace(['{', '}'], "");
    let words = path.split(['/', '.']).filter(|word| !word.is_empty());
    [&route.method.as_str().to_ascii_lowercase()[..]].into_iter().chain(words).collect::<Vec<_>>().join("-")
}

/// The names in braces.
fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// The shapes that a value refers to, directly or through others.
fn schemas(value: &Value) -> Map<String, Value> {
    let all = shapes();
    let (mut named, mut next) = (BTreeSet::new(), vec![value]);
    while let Some(value) = next.pop() {
        match value {
            Value::Object(object) => {
                let name = object.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
                let found = name.and_then(|name| all.get_key_value(name));
                next.extend(found.filter(|(name, _)| named.insert(*name)).map(|(_, shape)| shape));
                next.extend(object.values());
            }
            Value::Array(values) => next.extend(values),
            _ => {}
        }
    }
    named.into_iter().map(|name| (name.clone(), all[name].clone())).collect()
}

/// The engine's shapes and those of this crate. `extends` adds properties to a shape of the engine.
fn shapes() -> Map<String, Value> {
    let mut shapes = definitions(mongrate::json::SCHEMA);
    for (name, mut shape) in definitions(SHAPES) {
        let base = shape.as_object_mut().and_then(|shape| shape.remove("extends"));
        if let Some(base) = base.as_ref().and_then(Value::as_str).and_then(|base| shapes.get(base)) {
            shape = extended(base, &shape);
        }
        shapes.insert(name, shape);
    }
    shapes
}

fn definitions(text: &str) -> Map<String, Value> {
    let text = text.replace("#/$defs/", "#/components/schemas/");
    let mut whole = serde_json::from_str::<Value>(&text).unwrap_or_default();
    match whole["$defs"].take() {
        Value::Object(definitions) => definitions,
        _ => Map::new(),
    }
}

fn extended(base: &Value, by: &Value) -> Value {
    let mut shape = base.clone();
    shape["description"] = by["description"].clone();
    if let (Some(properties), Some(more)) = (shape["properties"].as_object_mut(), by["properties"].as_object()) {
        properties.extend(more.clone());
    }
    if let (Some(required), Some(more)) = (shape["required"].as_array_mut(), by["required"].as_array()) {
        required.extend(more.iter().cloned());
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_of_shapes_can_be_read() {
        for text in [mongrate::json::SCHEMA, SHAPES] {
            assert!(!definitions(text).is_empty());
        }
    }

    #[test]
    fn a_shape_is_extended() {
        let page = &shapes()["status-page"];
        assert!(page["properties"]["pending"].is_object() && page["properties"]["next"].is_object());
        assert!(page["required"].as_array().unwrap().contains(&json!("next")));
    }
}
