//! What `new` does not do.

use std::fs;

use super::{MIGRATIONS, Sources};
use mongrate_tests::{MyApp, Scratch};

#[tokio::test]
async fn nothing_is_overwritten() {
    let sources = Sources::new();
    assert_eq!(sources.make(&["one"]).await.code, 0);
    let (code, declared) = (sources.read("src/bin/my-app/migrations/m005_one.rs"), sources.read(MIGRATIONS));
    // Not even as the next one: it is called twice, most likely.
    for arguments in [&["one", "--kind", "schema"][..], &["One", "--dry-run"]] {
        let ran = sources.make(arguments).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran}");
        assert!(ran.stderr.contains("error: src/bin/my-app/migrations/m005_one.rs is there already"), "{ran}");
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
        assert!(ran.stderr.contains("this is not the source tree of this program"), "{ran}");
    }
    assert_eq!(fs::read_dir(other.path().join("src")).unwrap().count(), 1);
}

#[tokio::test]
async fn mistakes_are_told_with_their_cure() {
    let sources = Sources::new();
    for (arguments, message, help) in [
        (&["größe"][..], "`ö` cannot be in an id", "letters `a-z`"),
        (&["006_add_roles"], "begins with a number", "`my-app migrate new add_roles`"),
        (&["one", "--source", "menu"], "'menu' is not a source", "`module:NAME`"),
        (&["one", "--source", "plugin:a_b"], "'plugin:a_b' is not a source", "`plugin:a-b`"),
        (&["one", "--source", "plugin:a", "--kind", "database"], "not given the whole database", "`--kind tx`"),
        (&["one", "--description", " "], "the description is empty", "leave it out"),
    ] {
        let ran = sources.make(arguments).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran}");
        let (error, cure) = ran.stderr.split_once("help: ").unwrap();
        assert!(error.contains(message) && cure.contains(help), "{ran}");
    }
    assert!(!sources.has("src/bin/my-app/migrations"));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_left_alone() {
    let sources = Sources::new();
    let broken = format!("{}}}\n", sources.read(MIGRATIONS));
    sources.write(MIGRATIONS, &broken);
    let ran = sources.make(&["one"]).await;
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("src/bin/my-app/migrations.rs cannot be read as Rust"), "{ran}");
    assert!(!sources.has("src/bin/my-app/migrations"));
    assert_eq!(sources.read(MIGRATIONS), broken);

    let sources = Sources::with_manifest("[package]\n[package.metadata.mongrate]\nsource = \"menu\"\n");
    let ran = sources.make(&["one"]).await;
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("Cargo.toml: 'menu' is not a source"), "{ran}");
}
