//! `lock-file`, in a copy of the application's sources. What the macro makes of such a file is tested where it can be compiled: in
//! ui-tests, and by the sample, which has one.

use std::fs;
use std::path::Path;

use mongrate_tests::{MyApp, Ran, Scratch};
use serde_json::{Value, json};

use super::knobs::IDS;
use super::new::Sources;

pub(super) const LOCK: &str = "migrations.lock";

async fn lock_file(sources: &Sources, options: &[&str]) -> Ran {
    sources.app().run([&["lock-file"], options].concat()).await
}

/// A copy in which everything is locked.
pub(super) async fn locked() -> Sources {
    let sources = Sources::new();
    let ran = lock_file(&sources, &["--quiet"]).await;
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""), "{ran}");
    sources
}

/// The lines that are not for people.
fn lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

fn ids(text: &str) -> Vec<&str> {
    lines(text).into_iter().map(|line| line.split_once(' ').unwrap().0).collect()
}

/// Another checksum on the line of this id.
pub(super) fn modify(sources: &Sources, id: &str) {
    let text = sources.read(LOCK);
    let line = lines(&text).into_iter().find(|line| line.starts_with(id)).unwrap();
    sources.write(LOCK, &text.replace(line, &format!("{id} t2:{}", "0".repeat(64))));
}

#[tokio::test]
async fn every_migration_has_a_line_of_its_own() {
    let sources = Sources::new();
    let ran = lock_file(&sources, &[]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "migrations.lock: 6 added, 6 in all\n"), "{ran}");
    let text = sources.read(LOCK);
    assert!(text.starts_with("# The released migrations of this crate.") && text.ends_with('\n'), "{text}");
    assert!(!text.contains('\r'));
    assert_eq!(ids(&text), IDS);
    for line in lines(&text) {
        let digits = line.split_once(" t2:").unwrap().1;
        assert!(digits.len() == 64 && digits.chars().all(|digit| digit.is_ascii_hexdigit()), "{line}");
    }
}

#[tokio::test]
async fn once_locked_there_is_nothing_to_do() {
    let sources = locked().await;
    let before = sources.read(LOCK);
    let ran = lock_file(&sources, &[]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "migrations.lock: 0 added, 6 in all\n"), "{ran}");
    assert_eq!(sources.read(LOCK), before);
    // Not even the line ends that somebody's git has made of it.
    sources.write(LOCK, &before.replace('\n', "\r\n"));
    assert_eq!(lock_file(&sources, &[]).await.code, 0);
    assert_eq!(sources.read(LOCK), before.replace('\n', "\r\n"));
}

#[tokio::test]
async fn only_what_is_missing_is_added() {
    let sources = locked().await;
    let whole = sources.read(LOCK);
    let without: String = whole.split_inclusive('\n').filter(|line| !line.contains("002_")).collect();
    sources.write(LOCK, &without);
    let ran = lock_file(&sources, &[]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "migrations.lock: 2 added, 6 in all\n"), "{ran}");
    assert_eq!(sources.read(LOCK), whole);
}

#[tokio::test]
async fn a_check_finds_what_is_missing_and_writes_nothing() {
    let sources = Sources::new();
    let ran = lock_file(&sources, &["--check"]).await;
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(ran.stdout.lines().next(), Some("migrations.lock: 6 missing, 0 in all"), "{ran}");
    assert_eq!(ran.stdout.lines().skip(1).map(str::trim).collect::<Vec<_>>(), IDS);
    assert!(ran.stderr.contains("`my-app migrate lock-file` writes what is missing"), "{ran}");
    assert!(!sources.has(LOCK));

    let sources = locked().await;
    let ran = lock_file(&sources, &["--check"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "migrations.lock: 0 missing, 6 in all\n"), "{ran}");
}

#[tokio::test]
async fn a_line_that_differs_stays_and_is_told() {
    let sources = locked().await;
    modify(&sources, "002_assign_roles");
    let gone = format!("{}009_gone t2:{}\n", sources.read(LOCK), "0".repeat(64));
    sources.write(LOCK, &gone);
    for options in [&[][..], &["--check"]] {
        let ran = lock_file(&sources, options).await;
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stdout.contains("002_assign_roles: its code is not what was released: migrations.lock"), "{ran}");
        assert!(ran.stderr.contains("warning: 009_gone: it is released (migrations.lock), but not linked"), "{ran}");
        assert_eq!(sources.read(LOCK), gone);
    }
}

#[tokio::test]
async fn what_is_gone_is_a_warning_only() {
    let sources = locked().await;
    sources.write(LOCK, &format!("{}009_gone t2:0\n", sources.read(LOCK)));
    let ran = lock_file(&sources, &[]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "migrations.lock: 0 added, 7 in all\n"), "{ran}");
    assert!(ran.stderr.contains("warning: 009_gone: "), "{ran}");
}

#[tokio::test]
async fn checksums_of_an_older_algorithm_are_rewritten() {
    let sources = locked().await;
    let whole = sources.read(LOCK);
    sources.write(LOCK, &whole.replace(" t2:", " t0:"));
    let ran = lock_file(&sources, &["--check"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "migrations.lock: 0 missing, 6 out of date, 6 in all\n"), "{ran}");
    let ran = lock_file(&sources, &[]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "migrations.lock: 0 added, 6 rewritten, 6 in all\n"), "{ran}");
    assert_eq!(sources.read(LOCK), whole);
}

#[tokio::test]
async fn what_a_merge_has_left_is_refused() {
    let sources = locked().await;
    let broken = sources.read(LOCK).replacen("002_assign_roles", "<<<<<<< HEAD\n002_assign_roles", 1);
    sources.write(LOCK, &broken);
    for command in ["lock-file", "check"] {
        let ran = sources.app().run([command]).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran}");
        assert!(ran.stderr.contains("error: migrations.lock: line 5 is not understood: `<<<<<<< HEAD`"), "{ran}");
        assert!(ran.stderr.contains("help: "), "{ran}");
    }
    assert_eq!(sources.read(LOCK), broken);
}

#[tokio::test]
async fn programs_read_what_was_done() {
    let sources = Sources::new();
    let document = async |options: &[&str]| {
        let ran = lock_file(&sources, &[&["--format", "json"], options].concat()).await;
        serde_json::from_str::<Value>(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{ran}"))
    };
    let file = |added: &[&str], modified: &[&str], total: usize| {
        let removed: [&str; 0] = [];
        json!([{ "path": LOCK, "added": added, "rewritten": [], "modified": modified, "removed": removed, "total": total }])
    };
    assert_eq!(document(&["--check"]).await, json!({ "written": false, "files": file(&IDS, &[], 0) }));
    assert_eq!(document(&[]).await, json!({ "written": true, "files": file(&IDS, &[], 6) }));
    modify(&sources, "003_lower_emails");
    assert_eq!(document(&[]).await, json!({ "written": true, "files": file(&[], &["003_lower_emails"], 6) }));
}

#[tokio::test]
async fn the_sources_are_found_from_the_whole_workspace() {
    let sources = Sources::new();
    fs::write(sources.root().join("Cargo.toml"), "[workspace]\nmembers = [\"tests\"]\n").unwrap();
    let ran = MyApp::anywhere().within(sources.root()).run(["lock-file"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "tests/migrations.lock: 6 added, 6 in all\n"), "{ran}");
    assert!(sources.has(LOCK));
}

/// With `cargo run`, wherever one is.
#[tokio::test]
async fn the_sources_are_found_where_cargo_says() {
    let (sources, elsewhere) = (Sources::new(), Scratch::new());
    let folder = sources.root().join("tests");
    let app = MyApp::anywhere().within(elsewhere.path()).with("CARGO_MANIFEST_DIR", folder.to_str().unwrap());
    let ran = app.run(["lock-file"]).await;
    assert_eq!(ran.code, 0, "{ran}");
    let there = folder.join(LOCK);
    assert_eq!(ran.stdout, format!("{}: 6 added, 6 in all\n", there.display()));
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn without_the_sources_nothing_is_written() {
    let nowhere = Scratch::new();
    let app = MyApp::anywhere().within(nowhere.path());
    let another = |ran: &Ran| {
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran}");
        assert!(ran.stderr.contains("error: the sources of this program are not here"), "{ran}");
        assert!(ran.stderr.contains("`cargo run -- migrate ...`"), "{ran}");
    };
    another(&app.run(["lock-file"]).await);
    // A project of somebody else's.
    fs::write(nowhere.path().join("Cargo.toml"), "[package]\nname = \"another\"\n").unwrap();
    another(&app.run(["lock-file"]).await);
    assert!(!Path::new(nowhere.path()).join(LOCK).exists());
}
