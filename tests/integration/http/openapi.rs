//! The OpenAPI document.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use jsonschema::Validator;
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

/// The official schema of OpenAPI 3.1, which leaves the JSON schemas within a document to their own meta-schema.
fn official() -> Validator {
    let schema: Value = serde_json::from_str(include_str!("../../openapi/schema-3.1.json")).unwrap();
    assert_eq!(schema["$id"], "https://spec.openapis.org/oas/3.1/schema/2022-10-07");
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

fn faults(validator: &Validator, document: &Value) -> Vec<String> {
    validator.iter_errors(document).map(|fault| format!("{fault} at {}", fault.instance_path())).collect()
}

#[tokio::test]
async fn the_document_is_valid_by_the_official_schema_of_openapi_3_1() {
    let document = document().await;
    let official = official();
    let found = faults(&official, &document);
    assert!(found.is_empty(), "{found:#?}");
    // The schema would find what is wrong.
    for (pointer, wrong) in [
        ("/openapi", json!("3.0.3")),
        ("/info", json!({ "title": "no version" })),
        ("/paths/~1status/get/parameters/0/in", json!("body")),
        ("/paths/~1migrations~1{id}/get/parameters/0/required", json!(false)),
        ("/paths/~1status/get/responses/200", json!({ "content": {} })),
    ] {
        let mut document = document.clone();
        *document.pointer_mut(pointer).unwrap_or_else(|| panic!("nothing at {pointer}")) = wrong;
        assert!(!faults(&official, &document).is_empty(), "{pointer}");
    }
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
