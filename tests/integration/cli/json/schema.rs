//! docs/json-schema.json, and documents beside it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

pub(super) struct Schema {
    whole: Value,
}

impl Schema {
    pub(super) fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/json-schema.json");
        Self { whole: serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap() }
    }

    /// Whether a document is as described under this name, or else why not.
    pub(super) fn check(&self, name: &str, document: &Value) -> Result<(), String> {
        let mut schema = self.whole.clone();
        let whole = schema.as_object_mut().unwrap();
        whole.remove("anyOf");
        whole.insert("$ref".to_owned(), json!(format!("#/$defs/{name}")));
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let faults: Vec<_> =
            validator.iter_errors(document).map(|fault| format!("{} at {}", fault, fault.instance_path())).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }

    /// Notes each described property that is there and not null, as `definition.property`.
    pub(super) fn visit(&self, name: &str, document: &Value, seen: &mut BTreeSet<String>) {
        let schema = &self.whole["$defs"][name];
        if let Some(other) = reference(schema) {
            return self.visit(other, document, seen);
        }
        for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
            let value = &document[property];
            if value.is_null() {
                continue;
            }
            seen.insert(format!("{name}.{property}"));
            let inner = reference(schema).or_else(|| reference(&schema["items"]));
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for (value, inner) in values.iter().filter_map(|value| inner.map(|inner| (value, inner))) {
                self.visit(inner, value, seen);
            }
        }
    }

    /// All properties, as [`visit`](Self::visit) notes them.
    pub(super) fn properties(&self) -> Vec<String> {
        let objects = self.definitions().iter().filter_map(|(name, schema)| Some((name, schema.get("properties")?)));
        let properties = objects.flat_map(|(name, properties)| {
            properties.as_object().unwrap().keys().map(move |property| format!("{name}.{property}"))
        });
        properties.collect()
    }

    /// What is not described, or may be anything.
    pub(super) fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        for (name, schema) in self.definitions() {
            if schema["description"].as_str().is_none() {
                gaps.push(format!("{name} is not described"));
            }
            let Some(properties) = schema.get("properties").and_then(Value::as_object) else { continue };
            if schema["additionalProperties"] != json!(false) {
                gaps.push(format!("{name} may have other properties"));
            }
            let required = schema["required"].as_array().unwrap();
            for (property, schema) in properties {
                let name = format!("{name}.{property}");
                // Durations say their unit, in their name and in words.
                let text = schema["description"].as_str().unwrap_or_default();
                if text.is_empty() || property.ends_with("Ms") && !text.contains("milliseconds") {
                    gaps.push(format!("{name} is not described"));
                }
                if property != "error" && !required.iter().any(|known| known == property) {
                    gaps.push(format!("{name} may be absent"));
                }
                if schema.get("type").is_none() && reference(schema).is_none() {
                    gaps.push(format!("{name} may be anything"));
                }
            }
        }
        gaps
    }

    fn definitions(&self) -> &Map<String, Value> {
        self.whole["$defs"].as_object().unwrap()
    }
}

/// The name of the definition that this one refers to, or else may be null.
fn reference(schema: &Value) -> Option<&str> {
    let direct = schema["$ref"].as_str();
    direct.or_else(|| schema["anyOf"][0]["$ref"].as_str())?.strip_prefix("#/$defs/")
}

/// The document with one property of any of its objects missing, or one more, or one of another type.
pub(super) fn spoilt(document: &Value) -> Vec<Value> {
    let mut paths = Vec::new();
    objects(document, String::new(), &mut paths);
    let mut spoilt = Vec::new();
    let mut spoil = |path: &str, how: &dyn Fn(&mut Map<String, Value>)| {
        let mut copy = document.clone();
        how(copy.pointer_mut(path).unwrap().as_object_mut().unwrap());
        spoilt.push(copy);
    };
    for path in paths {
        spoil(&path, &|object| drop(object.insert("undocumented".to_owned(), Value::Null)));
        for property in document.pointer(&path).unwrap().as_object().unwrap().keys() {
            spoil(&path, &|object| drop(object.remove(property)));
            spoil(&path, &|object| drop(object.insert(property.clone(), json!([{}]))));
        }
    }
    spoilt
}

/// Pointers to all objects in it, but not to stored documents.
fn objects(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object.iter().filter(|(name, _)| !["before", "after"].contains(&name.as_str())) {
                objects(value, format!("{path}/{name}"), paths);
            }
            paths.push(path);
        }
        Value::Array(values) => {
            for (place, value) in values.iter().enumerate() {
                objects(value, format!("{path}/{place}"), paths);
            }
        }
        _ => {}
    }
}
