//! Why a document failed validation, in a few words. The server explains it as a tree.
//!
//! <https://www.mongodb.com/docs/manual/core/schema-validation/handle-invalid-documents/>

use mongodb::bson::{Bson, Document};

/// Longer values are omitted.
const LONGEST: usize = 60;

/// Maximum number of reasons in a message.
const REASONS: usize = 5;

/// Formats the `errInfo` of the server's error 121, as in `_id 2, missing: email`.
pub(super) fn explained(info: &Document) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(id) = info.get("failingDocumentId").and_then(short) {
        parts.push(format!("_id {id}"));
    }
    let mut reasons = Vec::new();
    if let Ok(details) = info.get_document("details") {
        explain(details, "", &mut reasons);
    }
    let more = reasons.len().saturating_sub(REASONS);
    reasons.truncate(REASONS);
    parts.extend(reasons);
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Appends the reasons of one operator: those of its nested operators, or else its own. `path` is the path of its field.
fn explain(operator: &Document, path: &str, reasons: &mut Vec<String>) {
    let before = reasons.len();
    for (field, value) in operator {
        match (field.as_str(), value) {
            ("missingProperties", Bson::Array(names)) => reasons.push(format!("missing: {}", listed(names, path))),
            ("additionalProperties", Bson::Array(names)) => {
                reasons.push(format!("not allowed: {}", listed(names, path)));
            }
            // `details` is a list within `$jsonSchema` and one operator elsewhere; the others are lists of operators.
            (_, Bson::Array(inner)) if !field.starts_with("considered") => {
                for inner in inner.iter().filter_map(Bson::as_document) {
                    explain(inner, &inside(inner, path), reasons);
                }
            }
            ("details", Bson::Document(inner)) => explain(inner, path, reasons),
            _ => {}
        }
    }
    if reasons.len() == before {
        reasons.extend(own_reason(operator, path));
    }
}

fn inside(operator: &Document, path: &str) -> String {
    operator.get_str("propertyName").map_or_else(|_| path.to_owned(), |name| joined(path, name))
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn listed(names: &[Bson], path: &str) -> String {
    let names = names.iter().filter_map(Bson::as_str);
    names.map(|name| joined(path, name)).collect::<Vec<_>>().join(" and ")
}

/// `age: comparison failed (minimum: 3, found 1)`.
fn own_reason(operator: &Document, path: &str) -> Option<String> {
    let kind = operator.get_str("operatorName").ok()?;
    let reason = operator.get_str("reason").unwrap_or("not satisfied");
    let asked = operator.get_document("specifiedAs").ok().and_then(|asked| short(&Bson::Document(asked.clone())));
    let asked = asked.unwrap_or_else(|| kind.to_owned());
    let found = operator.get("consideredValue").and_then(short);
    let found = found.map_or_else(String::new, |found| format!(", found {found}"));
    let of = if path.is_empty() { String::new() } else { format!("{path}: ") };
    Some(format!("{of}{reason} ({asked}{found})"))
}

fn short(value: &Bson) -> Option<String> {
    let text = match value {
        Bson::ObjectId(id) => format!("ObjectId('{id}')"),
        value => value.to_string(),
    };
    (text.len() <= LONGEST).then_some(text)
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    /// As the server has sent them.
    #[test]
    fn what_the_server_explains_is_one_line() {
        let minimum = doc! { "operatorName": "minimum", "specifiedAs": { "minimum": 3 }, "reason": "comparison failed", "consideredValue": 1 };
        let required = doc! { "operatorName": "required", "specifiedAs": { "required": ["email", "name"] }, "missingProperties": ["email", "name"] };
        let item = doc! {
            "operatorName": "bsonType", "specifiedAs": { "bsonType": "string" }, "reason": "type did not match", "consideredValue": 1,
            "consideredType": "int",
        };
        let items = doc! {
            "operatorName": "items", "reason": "At least one item did not match the sub-schema", "itemIndex": 0, "details": [item],
        };
        let properties = doc! { "operatorName": "properties", "propertiesNotSatisfied": [
            { "propertyName": "age", "details": [minimum] },
            { "propertyName": "address", "details": [{ "operatorName": "required", "missingProperties": ["street"] }] },
            { "propertyName": "tags", "details": [items] },
        ] };
        let more = doc! { "operatorName": "additionalProperties", "specifiedAs": { "additionalProperties": false }, "additionalProperties": ["mail"] };
        let schema =
            |rules: &[Document]| doc! { "operatorName": "$jsonSchema", "schemaRulesNotSatisfied": rules.to_vec() };
        let clause = doc! { "operatorName": "$gt", "specifiedAs": { "a": { "$gt": 3 } }, "reason": "comparison failed", "consideredValue": 1 };
        let query = doc! { "operatorName": "$and", "clausesNotSatisfied": [
            { "index": 0, "details": clause },
            { "index": 1, "details": { "operatorName": "$exists", "specifiedAs": { "b": { "$exists": true } }, "reason": "path does not exist" } },
        ] };
        for (details, told) in [
            (schema(&[required]), "_id 2, missing: email and name"),
            (schema(&[more]), "_id 2, not allowed: mail"),
            (
                schema(&[properties]),
                "_id 2, age: comparison failed ({ \"minimum\": 3 }, found 1), missing: address.street, tags: type did not match \
                 ({ \"bsonType\": \"string\" }, found 1)",
            ),
            (
                query,
                "_id 2, comparison failed ({ \"a\": { \"$gt\": 3 } }, found 1), path does not exist ({ \"b\": { \"$exists\": true } })",
            ),
            (
                doc! { "operatorName": "$expr", "reason": "expression did not match" },
                "_id 2, expression did not match ($expr)",
            ),
        ] {
            assert_eq!(explained(&doc! { "failingDocumentId": 2, "details": details }).as_deref(), Some(told));
        }
        assert_eq!(explained(&doc! {}), None);
    }
}
