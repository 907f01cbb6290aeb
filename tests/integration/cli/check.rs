//! `check`: what is linked in, and the lock file beside the sources if there is one. Nothing says where a database would be.

use mongrate_tests::{MyApp, Ran, Scratch};
use serde_json::{Value, json};

use super::lock_file::{LOCK, locked, modify};
use super::new::Sources;

const FINE: &str =
    "source       migrations\nsystem       4\nmodule:menu  2\n\n6 migrations of 2 sources are consistent.\n";

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{ran}"))
}

fn of_my_app(findings: &Value) -> Value {
    json!({
        "valid": findings.as_array().unwrap().is_empty(),
        "migrations": 6,
        "sources": [{ "source": "system", "migrations": 4 }, { "source": "module:menu", "migrations": 2 }],
        "findings": findings,
    })
}

#[tokio::test]
async fn what_fits_together_is_told_in_short() {
    for sources in [Sources::new(), locked().await] {
        let ran = sources.app().run(["check"]).await;
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, FINE, ""), "{ran}");
        let ran = sources.app().run(["check", "--format", "json"]).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
        assert_eq!(document(&ran), of_my_app(&json!([])));
    }
}

#[tokio::test]
async fn more_of_it_is_every_migration_in_plan_order() {
    let ran = Sources::new().app().run(["check", "-v"]).await;
    assert_eq!(ran.code, 0, "{ran}");
    let order: Vec<_> = ran.stdout.lines().skip(1).map_while(|line| line.split_whitespace().next()).collect();
    let plan = ["001_create_users", "002_assign_roles", "003_lower_emails", "004_shrink_orders"];
    assert_eq!(order, [&plan[..], &["module:menu:001_namespace", "module:menu:002_prices"]].concat());
    assert!(ran.stdout.contains("tests/src/bin/my-app/migrations.rs:"), "{ran}");
}

#[tokio::test]
async fn what_differs_from_the_lock_file_is_a_finding() {
    let sources = locked().await;
    modify(&sources, "002_assign_roles");
    let before = format!("{}009_gone t2:0\n", sources.read(LOCK));
    sources.write(LOCK, &before);
    let ran = sources.app().run(["check"]).await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stdout.contains("\n002_assign_roles: its code differs from the released one (migrations.lock"),
        "{ran}"
    );
    assert!(ran.stdout.contains("\n009_gone: it is released (migrations.lock), but not linked into this"), "{ran}");
    assert!(ran.stdout.ends_with("\n6 migrations of 2 sources: 2 problems.\n"), "{ran}");

    let ran = sources.app().run(["check", "--format", "json"]).await;
    assert_eq!(ran.code, 1, "{ran}");
    let mut document = document(&ran);
    for finding in document["findings"].as_array_mut().unwrap() {
        assert!(finding["message"].take().as_str().unwrap().contains(LOCK));
    }
    let findings = json!([
        { "id": "002_assign_roles", "problem": "modified", "message": null, "object": null, "expected": null, "found": null },
        { "id": "009_gone", "problem": "removed", "message": null, "object": null, "expected": null, "found": null },
    ]);
    assert_eq!(document, of_my_app(&findings));
    assert_eq!(sources.read(LOCK), before);
}

#[tokio::test]
async fn what_is_not_released_yet_is_a_remark() {
    let sources = locked().await;
    let first_two: String = sources.read(LOCK).split_inclusive('\n').take(5).collect();
    sources.write(LOCK, &first_two);
    let ran = sources.app().run(["check"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, FINE), "{ran}");
    assert!(ran.stderr.starts_with("4 migrations are not in migrations.lock yet; `my-app migrate lock-file`"), "{ran}");
    let ran = sources.app().run(["check", "--quiet"]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
}

#[tokio::test]
async fn a_container_without_sources_is_no_mistake() {
    let nowhere = Scratch::new();
    let ran = MyApp::anywhere().within(nowhere.path()).run(["check"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, FINE), "{ran}");
    assert!(ran.stderr.starts_with("No lock file was compared: cannot find the sources of this program"), "{ran}");
}
