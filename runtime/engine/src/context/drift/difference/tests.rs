use mongodb::bson::doc;

use super::*;
use crate::context::drift::Footprint;
use crate::context::schema::effect::Effect;

const NONE: [(&str, Vec<Document>); 0] = [];

fn index(on: &str, name: &str, spec: Document) -> Effect {
    let mut spec = spec;
    spec.insert("name", name);
    Effect::CreateIndexes { on: on.to_owned(), specs: vec![spec] }
}

fn a_1(on: &str) -> Effect {
    index(on, "a_1", doc! { "key": { "a": 1 } })
}

fn drop_index(on: &str, name: &str) -> Effect {
    Effect::DropIndex { on: on.to_owned(), name: name.to_owned() }
}

fn create(name: &str) -> Effect {
    Effect::CreateCollection { name: name.to_owned(), options: Document::new() }
}

fn modify(on: &str, fields: Document) -> Effect {
    Effect::Modify { on: on.to_owned(), fields }
}

fn gone(name: &str) -> Effect {
    Effect::Drop { name: name.to_owned() }
}

fn rename(from: &str, to: &str) -> Effect {
    Effect::Rename { from: from.to_owned(), to: to.to_owned(), replacing: false }
}

/// Migrations `1`, `2`, .. that were executed in this order.
fn executed(bodies: &[&[Effect]]) -> Vec<Footprint> {
    let footprints = bodies.iter().zip(1_i64..).map(|(effects, number)| Footprint {
        id: number.to_string(),
        order: (1, number),
        facts: Facts::of(*effects),
    });
    footprints.collect()
}

fn expected(bodies: &[&[Effect]]) -> Expectation {
    Expectation::of(executed(bodies))
}

fn collection(name: &str) -> Document {
    doc! { "name": name, "type": "collection", "options": {} }
}

fn listed(name: &str) -> Document {
    doc! { "v": 2, "key": { "a": 1 }, "name": name }
}

/// Returns one line for each difference.
fn found(expectation: &Expectation, snapshot: &Snapshot) -> Vec<String> {
    let differences = expectation.differences(snapshot).into_iter();
    let line = |difference: Difference| {
        let Difference { id, object, expected, found, is_notice, .. } = difference;
        let notice = if is_notice { "notice " } else { "" };
        format!("{notice}{id}: {object}: {expected} -> {found}")
    };
    differences.map(line).collect()
}

#[test]
fn an_unchanged_database_has_no_differences() {
    let bodies: [&[Effect]; 2] = [&[create("users"), a_1("users")], &[drop_index("users", "old"), gone("tmp")]];
    let snapshot =
        Snapshot::of(&[collection("users")], [("users", vec![listed("_id_"), listed("a_1"), listed("their_own")])]);
    assert!(found(&expected(&bodies), &snapshot).is_empty());
}

#[test]
fn each_difference_names_its_migration() {
    let validator = doc! { "validator": { "a": 1 } };
    let bodies: [&[Effect]; 3] = [
        &[a_1("users"), index("users", "b_1", doc! { "key": { "b": 1 }, "unique": true }), drop_index("users", "old")],
        &[modify("orders", validator), create("lost")],
        &[gone("tmp"), a_1("building")],
    ];
    let snapshot = Snapshot::of(
        &[collection("users"), collection("orders"), collection("tmp"), collection("building")],
        [
            ("users", vec![doc! { "v": 2, "key": { "b": 1 }, "name": "b_1" }, listed("old")]),
            ("building", vec![doc! { "spec": listed("a_1"), "buildUUID": 1 }]),
        ],
    );
    assert_eq!(
        found(&expected(&bodies), &snapshot),
        [
            "notice 3: index 'a_1' of 'building': { \"key\": { \"a\": 1 } } -> { \"key\": { \"a\": 1 } }, still being built",
            "2: collection 'lost': a collection -> none",
            "2: validator of 'orders': { \"a\": 1 } -> none",
            "notice 3: collection 'tmp': none -> there again",
            "1: index 'a_1' of 'users': { \"key\": { \"a\": 1 } } -> none",
            "1: index 'b_1' of 'users': { \"key\": { \"b\": 1 }, \"unique\": true } -> { \"key\": { \"b\": 1 } }",
            "1: index 'old' of 'users': none -> { \"key\": { \"a\": 1 } }",
        ]
    );
}

#[test]
fn changes_by_a_later_migration_are_expected() {
    let bodies: [&[Effect]; 3] = [&[a_1("users")], &[drop_index("users", "a_1")], &[a_1("users")]];
    let without = Snapshot::of(&[collection("users")], [("users", vec![])]);
    assert!(found(&expected(&bodies[..2]), &without).is_empty());
    assert_eq!(found(&expected(&bodies), &without), ["3: index 'a_1' of 'users': { \"key\": { \"a\": 1 } } -> none"]);
    // The order in which the records are read does not matter.
    let mut footprints = executed(&bodies[..2]);
    footprints.reverse();
    assert!(found(&Expectation::of(footprints), &without).is_empty());
}

#[test]
fn facts_move_with_a_rename_and_end_with_a_drop() {
    let bodies: [&[Effect]; 3] = [
        &[a_1("orders"), modify("orders", doc! { "validator": { "a": 1 } }), a_1("orders_old")],
        &[gone("orders_old"), rename("orders", "orders_old"), create("orders")],
        &[gone("orders_old")],
    ];
    let snapshot = Snapshot::of(&[collection("orders"), collection("orders_old")], [("orders_old", vec![])]);
    assert_eq!(
        found(&expected(&bodies[..2]), &snapshot),
        [
            "1: validator of 'orders_old': { \"a\": 1 } -> none",
            "1: index 'a_1' of 'orders_old': { \"key\": { \"a\": 1 } } -> none",
        ]
    );
    assert_eq!(found(&expected(&bodies), &snapshot), ["notice 3: collection 'orders_old': none -> there again"]);
}

#[test]
fn one_missing_collection_is_one_difference() {
    let bodies: [&[Effect]; 1] = [&[a_1("users"), index("users", "b_1", doc! { "key": { "b": 1 } })]];
    assert_eq!(found(&expected(&bodies), &Snapshot::default()), ["1: collection 'users': a collection -> none"]);
}

#[test]
fn a_view_has_a_definition() {
    let view = Effect::CreateView { name: "v".to_owned(), on: "users".to_owned(), pipeline: Vec::new() };
    let listed = |on: &str| doc! { "name": "v", "type": "view", "options": { "viewOn": on, "pipeline": [] } };
    let bodies: [&[Effect]; 1] = [&[view]];
    assert!(found(&expected(&bodies), &Snapshot::of(&[listed("users")], NONE)).is_empty());
    assert_eq!(
        found(&expected(&bodies), &Snapshot::of(&[listed("people")], NONE)),
        ["1: viewOn of 'v': \"users\" -> \"people\""]
    );
    assert_eq!(found(&expected(&bodies), &Snapshot::of(&[collection("v")], NONE)), ["1: 'v': a view -> a collection"]);
}

#[test]
fn an_effect_in_doubt_is_not_compared() {
    let bodies: [&[Effect]; 1] = [&[a_1("users"), create("orders")]];
    let snapshot = Snapshot::of(&[collection("users")], [("users", vec![])]);
    for (in_doubt, remaining) in [(drop_index("users", "a_1"), 1), (gone("orders"), 1), (rename("users", "orders"), 0)]
    {
        let mut expectation = expected(&bodies);
        expectation.skip(&in_doubt);
        assert_eq!(found(&expectation, &snapshot).len(), remaining, "{in_doubt:?}");
    }
}

/// Details that the server has filled in are compared, too.
#[test]
fn details_are_read_from_the_database_and_presence_is_not() {
    let collation = doc! { "locale": "de", "strength": 3 };
    let there = doc! { "v": 2, "key": { "a": 1 }, "name": "a_1", "collation": collation.clone() };
    let effects = [
        index("users", "a_1", doc! { "key": { "a": 1 }, "collation": { "locale": "de" } }),
        index("users", "stale_1", doc! { "key": { "stale": 1 } }),
        modify("users", doc! { "validator": { "a": 1 }, "index": { "keyPattern": { "a": 1 }, "hidden": false } }),
    ];
    let stale = doc! { "name": "users", "type": "collection", "options": { "validator": { "b": 1 } } };
    let snapshot = Snapshot::of(&[stale], [("users", vec![there])]);
    let detailed = Facts::of(&effects).detailed(&snapshot);
    let expectation = Expectation::of(vec![Footprint { id: "1".to_owned(), order: (1, 1), facts: detailed }]);
    assert_eq!(
        found(&expectation, &snapshot),
        [
            "1: validator of 'users': { \"a\": 1 } -> { \"b\": 1 }",
            "1: index 'stale_1' of 'users': { \"key\": { \"stale\": 1 } } -> none",
        ]
    );
    let other = doc! { "key": { "a": 1 }, "name": "a_1", "collation": { "locale": "de", "strength": 1 } };
    let validated = doc! { "name": "users", "type": "collection", "options": { "validator": { "a": 1 } } };
    let other = Snapshot::of(&[validated], [("users", vec![other, doc! { "key": { "stale": 1 }, "name": "stale_1" }])]);
    assert_eq!(found(&expectation, &other).len(), 1);
}

#[test]
fn an_accepted_difference_is_no_longer_reported() {
    let bodies: [&[Effect]; 1] = [&[
        a_1("users"),
        index("users", "b_1", doc! { "key": { "b": 1 } }),
        drop_index("users", "old"),
        modify("users", doc! { "validator": { "a": 1 } }),
        create("lost"),
        a_1("lost"),
        gone("tmp"),
    ]];
    let snapshot = Snapshot::of(
        &[collection("users"), collection("tmp")],
        [("users", vec![doc! { "key": { "c": 1 }, "name": "b_1" }, listed("old")])],
    );
    let mut footprints = executed(&bodies);
    let differences = Expectation::of(footprints.clone()).differences(&snapshot);
    assert_eq!(differences.len(), 6);
    for difference in differences {
        difference.accept(&mut footprints[0].facts);
    }
    let stored = footprints[0].to_document();
    footprints[0] = Footprint::parse("1", &stored).unwrap();
    assert!(Expectation::of(footprints).differences(&snapshot).is_empty());
}

#[test]
fn a_long_description_is_truncated() {
    let long = doc! { "a": "x".repeat(10_000) };
    assert_eq!(shown(&long.into()).len(), SHOWN + 3);
}
