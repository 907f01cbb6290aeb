use mongodb::bson::doc;

use super::*;

fn create_index(on: &str, name: &str) -> Effect {
    Effect::CreateIndexes { on: on.to_owned(), specs: vec![doc! { "key": { "a": 1 }, "name": name }] }
}

fn create(name: &str, options: Document) -> Effect {
    Effect::CreateCollection { name: name.to_owned(), options }
}

fn drop(name: &str) -> Effect {
    Effect::Drop { name: name.to_owned() }
}

fn rename(from: &str, to: &str) -> Effect {
    Effect::Rename { from: from.to_owned(), to: to.to_owned(), replacing: false }
}

fn facts(effects: &[Effect]) -> Vec<Document> {
    let facts = Facts::of(effects);
    let stored = facts.to_array();
    assert_eq!(Facts::parse(&stored), Some(facts));
    stored.into_iter().map(|fact| fact.as_document().unwrap().clone()).collect()
}

#[test]
fn each_effect_leaves_a_fact() {
    let validator = doc! { "a": { "$gt": 1 } };
    let view =
        Effect::CreateView { name: "v".to_owned(), on: "users".to_owned(), pipeline: vec![doc! { "$match": {} }] };
    let fields = doc! { "validator": validator.clone(), "comment": "why", "cappedSize": 4096 };
    let left = facts(&[
        create_index("users", "a_1"),
        Effect::DropIndex { on: "users".to_owned(), name: "old".to_owned() },
        create("orders", doc! { "validator": validator.clone(), "writeConcern": { "w": 1 } }),
        view,
        Effect::Modify { on: "things".to_owned(), fields },
        drop("tmp"),
        rename("x", "y"),
    ]);
    assert_eq!(
        left,
        [
            doc! { "on": "users", "index": "a_1", "spec": { "key": { "a": 1 }, "name": "a_1" } },
            doc! { "on": "users", "index": "old", "spec": null },
            doc! { "on": "orders", "is": "collection", "options": { "validator": validator.clone() } },
            doc! { "on": "v", "is": "view", "options": { "viewOn": "users", "pipeline": [{ "$match": {} }] } },
            doc! { "on": "things", "is": "collection", "options": { "validator": validator, "size": 4096 } },
            doc! { "on": "tmp", "is": null },
            doc! { "renamed": "x", "to": "y" },
        ]
    );
}

#[test]
fn a_later_fact_replaces_an_earlier_one_about_the_same_object() {
    let dropped = Effect::DropIndex { on: "users".to_owned(), name: "a_1".to_owned() };
    assert_eq!(
        facts(&[create_index("users", "a_1"), dropped.clone()]),
        [doc! { "on": "users", "index": "a_1", "spec": null }]
    );
    assert_eq!(facts(&[dropped, create_index("users", "a_1")]).len(), 1);
    let all = Effect::DropIndexes { on: "users".to_owned() };
    assert_eq!(
        facts(&[create_index("users", "a_1"), create_index("users", "b_1"), all]),
        [doc! { "on": "users", "index": "*", "spec": null }]
    );
}

#[test]
fn dropping_a_collection_removes_its_facts() {
    let effects = [create("tmp", doc! { "capped": true }), create_index("tmp", "a_1"), drop("tmp")];
    assert_eq!(facts(&effects), [doc! { "on": "tmp", "is": null }]);
    // A recreated collection has nothing that earlier migrations added to it.
    assert_eq!(
        facts(&[drop("tmp"), create("tmp", doc! {})]),
        [doc! { "on": "tmp", "is": null }, doc! { "on": "tmp", "is": "collection" }]
    );
}

#[test]
fn a_rename_moves_facts() {
    // A restructured collection: the old one is kept under another name.
    let effects =
        [drop("orders_old"), create_index("orders", "a_1"), rename("orders", "orders_old"), create("orders", doc! {})];
    assert_eq!(
        facts(&effects),
        [
            doc! { "renamed": "orders", "to": "orders_old" },
            doc! { "on": "orders_old", "index": "a_1", "spec": { "key": { "a": 1 }, "name": "a_1" } },
            doc! { "on": "orders", "is": "collection" },
        ]
    );
    // A drop that came before the collection existed does not move.
    assert_eq!(
        facts(&[drop("a"), create("a", doc! {}), rename("a", "b")]),
        [doc! { "on": "a", "is": null }, doc! { "renamed": "a", "to": "b" }, doc! { "on": "b", "is": "collection" }]
    );
}

#[test]
fn an_index_is_modified_by_name_or_by_keys() {
    let hide = |index: Document| Effect::Modify { on: "users".to_owned(), fields: doc! { "index": index } };
    let left = facts(&[create_index("users", "a_1"), hide(doc! { "name": "a_1", "hidden": true })]);
    let hidden = doc! { "key": { "a": 1 }, "name": "a_1", "hidden": true };
    assert!(left.contains(&doc! { "on": "users", "index": "a_1", "spec": hidden }), "{left:?}");
    let left = facts(&[hide(doc! { "keyPattern": { "b": 1 }, "hidden": true })]);
    let hidden = doc! { "keyPattern": { "b": 1 }, "hidden": true };
    assert!(left.contains(&doc! { "on": "users", "index": "", "spec": hidden }), "{left:?}");
}

#[test]
fn facts_of_another_version_are_rejected() {
    for fact in [doc! { "on": "a" }, doc! { "on": "a", "is": "teapot" }, doc! { "is": null }, doc! { "renamed": "a" }] {
        assert_eq!(Facts::parse(&[fact.clone().into()]), None, "{fact}");
    }
}
