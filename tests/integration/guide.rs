//! The guides are complete and correct.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;
use std::{env, fs};

use mongrate_tests::{MyApp, Scratch, TestDb};
use tokio::process::Command;
use tokio::time::timeout;

use crate::cli::texts::orphan;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// The guide explains the cause and the fix of every error.
#[test]
fn every_error_is_in_the_guide() {
    let source = read("runtime/engine/src/error.rs");
    let (_, after) = source.split_once("pub enum Error {\n").unwrap();
    let (body, _) = after.split_once("\n}\n").unwrap();
    let is_variant = |line: &&str| line.strip_prefix("    ").is_some_and(|rest| rest.starts_with(char::is_uppercase));
    let name = |line: &str| line.trim().chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
    let variants: Vec<_> = body.lines().filter(is_variant).map(name).collect();
    assert!(variants.len() > 30, "{variants:?}");
    let guide = read("docs/guide/operating.md");
    let (_, table) = guide.split_once("## Every error").unwrap();
    let rows: String = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()).collect();
    let missing: Vec<_> = variants.iter().filter(|variant| !rows.contains(&format!("`{variant}`"))).collect();
    assert!(missing.is_empty(), "not in docs/guide/operating.md: {missing:?}");
}

/// What a reader types does what the guide or the README says, one line after the other: every `my-app` line of a `sh` block, on one database for
/// each guide. A comment `# exits with 5` is held to, all others exit with 0.
#[tokio::test]
async fn every_command_of_the_guides_does_what_they_say() {
    let mut ran = 0;
    let guides = ["command-line", "operating", "rolling-back", "running", "writing"];
    let guides = guides.map(|guide| format!("docs/guide/{guide}.md"));
    for guide in guides.into_iter().chain(["README.md".to_owned()]) {
        let db = TestDb::new().await;
        let sources = source_tree();
        for line in commands(&read(&guide)) {
            if line.contains(REMOVED) {
                orphan(&db, "001_create_users", REMOVED).await;
            }
            let output = shell(&line, &db, &sources).await;
            let expected = line.split_once("# exits with ").map_or(0, |(_, code)| code[..1].parse().unwrap());
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(expected), "{guide}: {line}\n{told}");
            ran += 1;
        }
    }
    assert!(ran > 40, "{ran}");
}

/// A migration of which the guides say that it is not there any more.
const REMOVED: &str = "000_removed";

/// The menu needs a person: its tests are in `cli::shell`.
const FOR_PEOPLE: &str = "my-app migrate shell";

fn commands(guide: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut inside = false;
    for line in guide.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside && line.contains("my-app ") && line != FOR_PEOPLE => commands.push(line.to_owned()),
            _ => {}
        }
    }
    commands
}

/// Where `my-app` finds its sources: `new` and `lock-file` write there.
fn source_tree() -> Scratch {
    let (scratch, here) = (Scratch::new(), Path::new(env!("CARGO_MANIFEST_DIR")));
    let app = Path::new("src/bin/my-app");
    fs::create_dir_all(scratch.path().join("tests").join(app)).unwrap();
    // The real manifest inherits from its workspace, which Cargo would not find here.
    let manifest = "[package]\nname = \"mongrate-tests\"\nedition = \"2024\"\n\n[dependencies]\nmongodb = \"3\"\nmongrate = \"0.1\"\n";
    fs::write(scratch.path().join("tests/Cargo.toml"), manifest).unwrap();
    for file in [app.join("main.rs"), app.join("migrations.rs")] {
        fs::copy(here.join(&file), scratch.path().join("tests").join(&file)).unwrap();
    }
    scratch
}

async fn shell(line: &str, db: &TestDb, sources: &Scratch) -> Output {
    let program = MyApp::program();
    let path = format!("{}:{}", program.parent().unwrap().display(), env::var("PATH").unwrap());
    let run = Command::new("bash")
        .args(["-c", line])
        .current_dir(sources.path().join("tests"))
        .env("PATH", path)
        .env("MONGODB_URI", MyApp::uri(db))
        .env_remove("CARGO_MANIFEST_DIR")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    timeout(Duration::from_secs(60), run).await.unwrap_or_else(|_| panic!("it takes too long: {line}")).unwrap()
}
