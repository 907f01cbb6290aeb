//! The OpenAPI document.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use mongrate::Migrator;
use mongrate::migrator::DatabaseFilter;
use mongrate_admin::Admin;
use mongrate_tests::TestDb;
use mongrate_tests::http::{App, READ, api, tokens};
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

/// The document is made from the table of routes; here the routes are asked.
#[tokio::test]
async fn everything_described_is_served_and_takes_its_parameters() {
    let db = TestDb::new().await;
    let app = App::new(&Migrator::builder(db.clone()).build().unwrap());
    for (path, method, operation) in operations(app.1.whole()) {
        if path == "/events" {
            // The answer does not end.
            continue;
        }
        let url = path.replace("{id}", "000_nothing").replace("{run}", "7");
        let send = |query: &str| {
            let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
            app.send(api(method, READ, &format!("{url}?{query}")).body(Body::empty()).unwrap())
        };
        let answer = send("").await;
        assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert!(!answer.text.contains("there is nothing at this path"), "{method} {path}");
        if method != "get" {
            continue;
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "query") {
            let (name, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
            let value = schema["enum"][0].as_str().or(schema["minimum"].as_u64().map(|_| "1"));
            let value = value.unwrap_or(match (schema["type"].as_str(), schema["format"].as_str()) {
                (Some("boolean"), _) => "true",
                (_, Some("date-time")) => "2026-05-02T10:00:00Z",
                _ => "a",
            });
            let answer = send(&format!("{name}={value}")).await;
            assert!(!answer.text.contains("unknown query parameter"), "{path} {name}: {}", answer.text);
        }
        let unknown = send("undocumented=true").await;
        assert_eq!(unknown.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

/// Each description names the required level, and a token below it is refused.
#[tokio::test]
async fn the_level_is_described() {
    let db = TestDb::new().await;
    let app = App::new(&Migrator::builder(db.clone()).build().unwrap());
    for (path, method, operation) in operations(app.1.whole()).filter(|(path, ..)| *path != "/events") {
        let url = path.replace("{id}", "000_nothing").replace("{run}", "7");
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
        let answer = app.send(api(method.clone(), READ, &url).body(Body::empty()).unwrap()).await;
        let for_readers = operation["description"] == "Needs the level `read`.";
        assert_eq!(answer.status == StatusCode::FORBIDDEN, !for_readers, "{method} {path}: {}", answer.text);
    }
}

#[tokio::test]
async fn with_tenants_every_path_is_described_for_each() {
    let db = TestDb::new().await;
    let admin = Admin::new(&Migrator::builder(db.clone()).build().unwrap(), tokens());
    let filter = DatabaseFilter::prefix(db.tenants());
    let document = admin.tenants(db.client().clone(), filter, |builder| builder).build().openapi();
    let (of_tenants, own): (Vec<_>, Vec<_>) =
        operations(&document).map(|(path, ..)| path).partition(|path| path.starts_with("/tenants/"));
    assert_eq!(of_tenants.len(), own.len() - 1);
    assert!(own.contains(&"/tenants") && of_tenants.contains(&"/tenants/{database}/migrations/{id}"));
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
