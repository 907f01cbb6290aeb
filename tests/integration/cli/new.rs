//! A new migration, written by the program into a copy of its sources.

mod compiles;
mod refused;
mod unwritten;

use std::fs;
use std::path::Path;

use mongrate_tests::{MyApp, Ran, Scratch};
use serde_json::{Value, json};

/// Where the crate lies in its workspace, and its migrations in the crate.
const CRATE: &str = "tests";
const MIGRATIONS: &str = "src/bin/my-app/migrations.rs";

/// A copy of the application's sources, with a library beside it.
pub(super) struct Sources(Scratch);

impl Sources {
    pub(super) fn new() -> Self {
        Self::with_manifest("[package]\nname = \"my-app\"\n")
    }

    fn with_manifest(manifest: &str) -> Self {
        let sources = Self(Scratch::new());
        let dependencies = "[dependencies]\nmongodb = \"3\"\nmongrate = \"0.1\"\n";
        sources.write("Cargo.toml", &format!("{manifest}{dependencies}"));
        sources.write("src/lib.rs", "//! Shared things.\n\npub mod menu {}\n");
        for file in ["src/bin/my-app/main.rs", MIGRATIONS] {
            sources.write(file, &fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap());
        }
        sources
    }

    pub(super) fn write(&self, file: &str, text: &str) {
        let file = self.0.path().join(CRATE).join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub(super) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.path().join(CRATE).join(file)).unwrap()
    }

    pub(super) fn has(&self, file: &str) -> bool {
        self.0.path().join(CRATE).join(file).exists()
    }

    /// The folder of the workspace.
    pub(super) fn root(&self) -> &Path {
        self.0.path()
    }

    /// The program, called in the folder of the crate as `cargo run` does it.
    pub(super) fn app(&self) -> MyApp {
        MyApp::anywhere().with("CARGO", env!("CARGO")).within(&self.0.path().join(CRATE))
    }

    async fn make(&self, words: &[&str]) -> Ran {
        self.app().run(["new"].iter().chain(words).copied()).await
    }
}

#[tokio::test]
async fn it_writes_a_file_and_its_mod_line() {
    let sources = Sources::new();
    let before = sources.read(MIGRATIONS);
    let ran = sources.make(&["Add addresses", "--description", "Everybody lives somewhere."]).await;
    assert_eq!(ran.code, 0, "{ran}");
    let expected = "005_add_addresses, after 003_lower_emails\n\
                    created src/bin/my-app/migrations/m005_add_addresses.rs\n\
                    changed src/bin/my-app/migrations.rs\n";
    assert_eq!(ran.stdout, expected);
    assert!(ran.stderr.contains("`my-app migrate up --dry-run` tries it out"), "{ran}");

    let code = sources.read("src/bin/my-app/migrations/m005_add_addresses.rs");
    assert!(code.contains("\n/// Everybody lives somewhere.\n#[migration("), "{code}");
    // The one before it, 004, is manual.
    assert!(code.contains("id = \"005_add_addresses\", deps = [\"003_lower_emails\"]"), "{code}");
    let after = sources.read(MIGRATIONS);
    assert_eq!(after.replacen("mod m005_add_addresses;\n\n", "", 1), before);
}

#[tokio::test]
async fn it_knows_the_number_of_what_is_not_linked_in_yet() {
    let sources = Sources::new();
    assert_eq!(sources.make(&["one"]).await.code, 0);
    // Of another source, it has no say.
    assert_eq!(sources.make(&["one", "--source", "module:menu"]).await.code, 0);
    let ran = sources.make(&["two"]).await;
    assert!(ran.stdout.starts_with("006_two, after 003_lower_emails\n"), "{ran}");
    assert!(ran.stderr.contains("m005_one.rs is not linked into this program"), "{ran}");
    assert!(!ran.stderr.contains("m003_one.rs"), "{ran}");
    let lines: Vec<_> = ["m003_one", "m005_one", "m006_two"].map(|name| format!("mod {name};\n")).to_vec();
    assert!(sources.read(MIGRATIONS).contains(&lines.concat()));
}

#[tokio::test]
async fn the_first_one_of_a_source_goes_into_the_library() {
    let sources = Sources::new();
    let ran = sources.make(&["init", "--source", "plugin:whale-alerts", "--format", "json"]).await;
    assert_eq!(ran.code, 0, "{ran}");
    let mut told: Value = serde_json::from_str(&ran.stdout).unwrap();
    let code = told["code"].take();
    let expected = json!({
        "id": "plugin:whale-alerts:001_init",
        "source": "plugin:whale-alerts",
        "dependencies": [],
        "file": "src/migrations/m001_init.rs",
        "created": ["src/migrations/m001_init.rs", "src/migrations.rs"],
        "changed": ["src/lib.rs"],
        "add": null,
        "code": null,
        "dryRun": false,
    });
    assert_eq!(told, expected);
    assert_eq!(sources.read("src/migrations/m001_init.rs"), code.as_str().unwrap());
    assert!(sources.read("src/migrations.rs").ends_with("\n\nmod m001_init;\n"));
    assert_eq!(sources.read("src/lib.rs"), "//! Shared things.\n\nmod migrations;\n\npub mod menu {}\n");
}

#[tokio::test]
async fn the_crate_says_whose_it_is() {
    let sources =
        Sources::with_manifest("[package]\nname = \"menu\"\n[package.metadata.mongrate]\nsource = \"module:menu\"\n");
    let ran = sources.make(&["add_sections", "--quiet"]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
    assert_eq!(ran.stdout, "src/bin/my-app/migrations/m003_add_sections.rs\n");
    let code = sources.read(ran.stdout.trim_end());
    assert!(code.contains("#[migration(id = \"003_add_sections\", deps = [\"module:menu:002_prices\"])]"), "{code}");

    // Another one has to be said.
    let ran = sources.make(&["add_sections", "--quiet", "--source", "system"]).await;
    let code = sources.read(ran.stdout.trim_end());
    assert!(code.contains("\n    source = \"system\",\n    deps = [\"003_lower_emails\"]\n"), "{code}");
}

#[tokio::test]
async fn a_date_takes_the_place_of_the_number() {
    let sources = Sources::new();
    let ran = sources.make(&["add-roles", "--dated", "--quiet"]).await;
    let (_, name) = ran.stdout.trim_end().rsplit_once("/m").unwrap();
    let date = name.strip_suffix("_add_roles.rs").unwrap();
    assert!(date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()), "{ran}");
    let code = sources.read(ran.stdout.trim_end());
    assert!(code.contains(&format!("id = \"{date}_add_roles\", deps = [\"003_lower_emails\"]")), "{code}");
}

#[tokio::test]
async fn a_dry_run_shows_the_code_and_writes_nothing() {
    let sources = Sources::new();
    let before = sources.read(MIGRATIONS);
    let shown = sources.make(&["one", "--dry-run"]).await;
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.stderr.contains("'005_one' would be written to src/bin/my-app/migrations/m005_one.rs"), "{shown}");
    assert!(!sources.has("src/bin/my-app/migrations"));
    assert_eq!(sources.read(MIGRATIONS), before);

    assert_eq!(sources.make(&["one"]).await.code, 0);
    assert_eq!(sources.read("src/bin/my-app/migrations/m005_one.rs"), shown.stdout);
}
