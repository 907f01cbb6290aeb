//! What `new` does not do.

use std::fs;

use mongrate_tests::{MyApp, Scratch};

use super::{MIGRATIONS, Sources};

#[tokio::test]
async fn nothing_is_overwritten() {
    let sources = Sources::new();
    assert_eq!(sources.make(&["one"]).await.code, 0);
    let (code, declared) = (sources.read("src/bin/my-app/migrations/m005_one.rs"), sources.read(MIGRATIONS));
    // Not even as the next one: it is called twice, most likely.
    for arguments in [&["one", "--kind", "schema"][..], &["One", "--dry-run"]] {
        let ran = sources.make(arguments).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran}");
        assert!(ran.stderr.contains("error: src/bin/my-app/migrations/m005_one.rs already exists"), "{ran}");
    }
    assert_eq!(sources.read("src/bin/my-app/migrations/m005_one.rs"), code);
    assert_eq!(sources.read(MIGRATIONS), declared);
}

#[tokio::test]
async fn without_the_sources_it_says_where_they_would_be() {
    let nowhere = Scratch::new();
    let ran = MyApp::anywhere().within(nowhere.path()).run(["new", "one"]).await;
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("cannot find the sources of this program"), "{ran}");
    assert!(ran.stderr.contains("`cargo run -- migrate ...`"), "{ran}");
    assert_eq!(fs::read_dir(nowhere.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn it_does_not_write_into_another_project() {
    let other = Scratch::new();
    fs::create_dir(other.path().join("src")).unwrap();
    fs::write(other.path().join("Cargo.toml"), "[package]\nname = \"other\"\n").unwrap();
    fs::write(other.path().join("src/main.rs"), "fn main() {}\n").unwrap();
    for source in ["system", "module:menu", "module:none_yet"] {
        let ran = MyApp::anywhere().within(other.path()).run(["new", "one", "--source", source]).await;
        assert_eq!(ran.code, 2, "{ran}");
        assert!(ran.stderr.contains("this is not the source tree of '"), "{ran}");
    }
    assert_eq!(fs::read_dir(other.path().join("src")).unwrap().count(), 1);
}

#[tokio::test]
async fn mistakes_are_told_with_their_cure() {
    let sources = Sources::new();
    for (arguments, message, cure) in [
        (&["größe"][..], "an id cannot contain `ö`", "letters a-z"),
        (&["006_add_roles"], "the number is added automatically", "leave it out: add_roles"),
        (&["one", "--source", "menu"], "invalid value 'menu'", "`module:NAME`"),
        (&["one", "--source", "plugin:a_b"], "invalid value 'plugin:a_b'", "a-z, 0-9 and `-`"),
        (&["one", "--source", "plugin:a", "--kind", "database"], "does not get the whole database", "`--kind tx`"),
    ] {
        let ran = sources.make(arguments).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran}");
        assert!(ran.stderr.contains(message) && ran.stderr.contains(cure), "{ran}");
    }
    assert!(!sources.has("src/bin/my-app/migrations"));

    let sources = Sources::with_manifest("[package]\nname = \"a\"\n[package.metadata.mongrate]\nsource = \"menu\"\n");
    let ran = sources.make(&["one"]).await;
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("Cargo.toml: \"menu\": a source is `system`"), "{ran}");
}

#[tokio::test]
async fn a_file_that_syn_cannot_read_is_left_to_the_user() {
    let sources = Sources::new();
    let broken = format!("{}}}\n", sources.read(MIGRATIONS));
    sources.write(MIGRATIONS, &broken);
    let ran = sources.make(&["one", "--quiet"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "src/bin/my-app/migrations/m005_one.rs\n"), "{ran}");
    assert!(ran.stderr.contains("Add this to src/bin/my-app/migrations.rs"), "{ran}");
    assert!(ran.stderr.contains("\n    mod m005_one;\n"), "{ran}");
    assert_eq!(sources.read(MIGRATIONS), broken);
}

#[tokio::test]
async fn what_cannot_be_finished_is_undone() {
    let sources = Sources::new();
    let before = sources.read(MIGRATIONS);
    // The new text of the file is written here first.
    sources.write("src/bin/my-app/migrations.rs.new/in_the_way", "");
    let ran = sources.make(&["one"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran}");
    assert!(ran.stderr.contains("could not write src/bin/my-app/migrations.rs: "), "{ran}");
    assert!(ran.stderr.contains("nothing was written"), "{ran}");
    assert!(!sources.has("src/bin/my-app/migrations/m005_one.rs"));
    assert_eq!(sources.read(MIGRATIONS), before);
}
