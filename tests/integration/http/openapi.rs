//! The OpenAPI document.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use mongrate::Migrator;
use mongrate_tests::TestDb;
use mongrate_tests::http::{App, READ};
use serde_json::{Value, json};

async fn document() -> Value {
    let db = TestDb::new().await;
    let app = App::new(&Migrator::builder(db.clone()).build().unwrap());
    let answer = app.get(READ, "/openapi.json").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.value(), *app.1.whole());
    answer.value()
}

/// The structure that OpenAPI 3.1 asks for, as far as this document uses it.
fn structure() -> Value {
    let text = json!({ "type": "string", "minLength": 1 });
    let schema = json!({ "type": "object" });
    let content = json!({
        "type": "object", "propertyNames": { "pattern": "^[a-z]+/[a-z0-9.+-]+$" }, "minProperties": 1,
        "additionalProperties": { "type": "object", "required": ["schema"], "properties": { "schema": schema } },
    });
    let response = json!({
        "type": "object", "required": ["description"], "additionalProperties": false,
        "properties": { "description": text, "content": content },
    });
    let parameter = json!({
        "type": "object", "required": ["name", "in", "required", "description", "schema"], "additionalProperties": false,
        "properties": {
            "name": text, "in": { "enum": ["query", "path"] }, "required": { "type": "boolean" }, "description": text,
            "schema": schema,
        },
        "if": { "properties": { "in": { "const": "path" } } },
        "then": { "properties": { "required": { "const": true } } },
    });
    let operation = json!({
        "type": "object", "required": ["operationId", "summary", "description", "responses"], "additionalProperties": false,
        "properties": {
            "operationId": text, "summary": text, "description": text,
            "parameters": { "type": "array", "items": parameter },
            "requestBody": {
                "type": "object", "required": ["required", "content"], "additionalProperties": false,
                "properties": { "required": { "type": "boolean" }, "content": content },
            },
            "responses": {
                "type": "object", "required": ["default"], "minProperties": 2,
                "propertyNames": { "pattern": "^([1-5][0-9]{2}|default)$" }, "additionalProperties": response,
            },
        },
    });
    json!({
        "type": "object", "required": ["openapi", "info", "servers", "security", "paths", "components"],
        "additionalProperties": false,
        "properties": {
            "openapi": { "const": "3.1.0" },
            "info": { "type": "object", "required": ["title", "version"], "properties": { "title": text, "version": text } },
            "servers": { "const": [{ "url": "." }] },
            "security": { "const": [{ "bearer": [] }, { "token": [] }] },
            "paths": {
                "type": "object", "minProperties": 2, "propertyNames": { "pattern": "^/" },
                "additionalProperties": {
                    "type": "object", "propertyNames": { "enum": ["get", "post", "delete"] },
                    "additionalProperties": operation,
                },
            },
            "components": {
                "type": "object", "required": ["schemas", "securitySchemes"], "additionalProperties": false,
                "properties": {
                    "schemas": { "type": "object", "propertyNames": { "pattern": "^[a-zA-Z0-9._-]+$" } },
                    "securitySchemes": { "type": "object", "required": ["bearer", "token"] },
                },
            },
        },
    })
}

#[tokio::test]
async fn the_document_is_built_as_openapi_3_1_asks() {
    let document = document().await;
    let validator = jsonschema::draft202012::new(&structure()).unwrap();
    let faults: Vec<_> =
        validator.iter_errors(&document).map(|fault| format!("{fault} at {}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    // Each shape is a JSON schema, and each reference leads to one.
    for (name, shape) in document["components"]["schemas"].as_object().unwrap() {
        let mut shape = shape.clone();
        shape["components"] = document["components"].clone();
        jsonschema::draft202012::new(&shape).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let ids: Vec<_> =
        operations(&document).map(|(_, _, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
}

#[tokio::test]
async fn placeholders_of_paths_are_parameters() {
    let document = document().await;
    for (path, method, operation) in operations(&document) {
        let named = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let described = parameters
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap());
        assert!(named.eq(described), "{method} {path}");
    }
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, operations)| {
        operations
            .as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}
