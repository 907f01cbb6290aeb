//! `new` never breaks a build that worked. A workspace has migrations in every layout; it is built before, after, and once more
//! with the lines that `new` leaves to the user.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, iter};

use serde_json::Value;

/// How the module gets into the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    /// `new` declares it.
    Added,
    /// `new` prints the declaration, which has this in it.
    ByHand(&'static str),
}
use Done::{Added, ByHand};

/// A source that is a layout: its crate and its files there. `MIGRATION` stands for its first migration.
struct Layout {
    source: &'static str,
    folder: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// Where the new file goes, in the crate.
    file: &'static str,
    done: Done,
}

/// Those in `many/src/`, of which `lib.rs` declares the modules, and those in crates of their own.
#[rustfmt::skip]
const LAYOUTS: &[Layout] = &[
    Layout { source: "module:file", folder: "many", files: &[("file.rs", "MIGRATION")],
        file: "file/m002_b.rs", done: Added },
    Layout { source: "module:list", folder: "many", files: &[("list.rs", "mod m001_a;"), ("list/m001_a.rs", "MIGRATION")],
        file: "list/m002_b.rs", done: Added },
    Layout { source: "module:mod_rs", folder: "many", files: &[("mod_rs/mod.rs", "MIGRATION")],
        file: "mod_rs/m002_b.rs", done: Added },
    Layout { source: "module:mod_list", folder: "many", files: &[("mod_list/mod.rs", "mod m001_a;"), ("mod_list/m001_a.rs", "MIGRATION")],
        file: "mod_list/m002_b.rs", done: Added },
    Layout { source: "module:nested", folder: "many", files: &[("nested.rs", "mod inner;"), ("nested/inner.rs", "mod migrations;"), ("nested/inner/migrations.rs", "MIGRATION")],
        file: "nested/inner/migrations/m002_b.rs", done: Added },
    Layout { source: "module:inline", folder: "many", files: &[("inline.rs", "mod inner {\n    mod m001_a;\n}"), ("inline/inner/m001_a.rs", "MIGRATION")],
        file: "inline/inner/m001_a/m002_b.rs", done: ByHand("#[path = \"m001_a/m002_b.rs\"]") },
    Layout { source: "module:here", folder: "many", files: &[("here.rs", "mod inner {\nMIGRATION\n}")],
        file: "here/m002_b.rs", done: Added },
    Layout { source: "module:path_file", folder: "many", files: &[("path_file.rs", "#[path = \"deep/changes.rs\"]\nmod inner;"), ("deep/changes.rs", "MIGRATION")],
        file: "deep/changes/m002_b.rs", done: ByHand("#[path = \"changes/m002_b.rs\"]") },
    Layout { source: "module:path_list", folder: "many", files: &[("path_list.rs", "#[path = \"flat/m001_a.rs\"]\nmod m001_a;"), ("flat/m001_a.rs", "MIGRATION")],
        file: "flat/m001_a/m002_b.rs", done: ByHand("#[path = \"m001_a/m002_b.rs\"]") },
    Layout { source: "module:path_beside", folder: "many", files: &[("path_beside.rs", "#[path = \"path_beside/m001_a.rs\"]\nmod m001_a;"), ("path_beside/m001_a.rs", "MIGRATION")],
        file: "path_beside/m002_b.rs", done: ByHand("#[path = \"path_beside/m002_b.rs\"]") },
    Layout { source: "module:path_above", folder: "many", files: &[("path_above.rs", "#[path = \"elsewhere.rs\"]\nmod inner;"), ("elsewhere.rs", "mod m001_c;"), ("m001_c.rs", "MIGRATION")],
        file: "m001_c/m002_b.rs", done: ByHand("#[path = \"m001_c/m002_b.rs\"]") },
    Layout { source: "module:include_file", folder: "many", files: &[("include_file.rs", "include!(\"some.rs\");"), ("some.rs", "MIGRATION")],
        file: "some/m002_b.rs", done: ByHand("#[path = \"some/m002_b.rs\"]") },
    Layout { source: "module:include_list", folder: "many", files: &[("include_list.rs", "include!(\"names/all.rs\");"), ("names/all.rs", "mod m001_a;"), ("names/m001_a.rs", "MIGRATION")],
        file: "names/m001_a/m002_b.rs", done: ByHand("#[path = \"m001_a/m002_b.rs\"]") },
    Layout { source: "module:by_macro", folder: "many", files: &[("by_macro.rs", "macro_rules! modules {\n    ($($name:ident)*) => { $(mod $name;)* };\n}\nmodules! { m001_a }"), ("by_macro/m001_a.rs", "MIGRATION")],
        file: "by_macro/m001_a/m002_b.rs", done: ByHand("#[path = \"m001_a/m002_b.rs\"]") },
    Layout { source: "module:cfg_list", folder: "many", files: &[("cfg_list.rs", "#[cfg(feature = \"extra\")]\nmod m001_a;"), ("cfg_list/m001_a.rs", "MIGRATION")],
        file: "cfg_list/m002_b.rs", done: ByHand("#[cfg(feature = \"extra\")]\nmod m002_b;") },
    Layout { source: "module:cfg_all", folder: "many", files: &[("cfg_all.rs", "#[cfg(feature = \"extra\")]\nmod inner;"), ("cfg_all/inner.rs", "mod m001_a;"), ("cfg_all/inner/m001_a.rs", "MIGRATION")],
        file: "cfg_all/inner/m002_b.rs", done: Added },
    Layout { source: "module:root", folder: "root", files: &[("lib.rs", "//! Shared things.\n#![deny(warnings)]\nMIGRATION")],
        file: "migrations/m002_b.rs", done: Added },
    Layout { source: "module:shebang", folder: "shebang", files: &[("lib.rs", "#!/usr/bin/env cargo\n#![deny(warnings)]\nmod m001_a;"), ("m001_a.rs", "MIGRATION")],
        file: "m002_b.rs", done: Added },
    Layout { source: "module:both", folder: "both", files: &[("lib.rs", "#![deny(warnings)]\nmod migrations;"), ("main.rs", "#![deny(warnings)]\nmod migrations;\nMAIN"), ("migrations.rs", "MIGRATION")],
        file: "migrations/m002_b.rs", done: Added },
    Layout { source: "module:tested", folder: "tested", files: &[("lib.rs", "#![deny(warnings)]\nmod migrations;"), ("migrations.rs", "MIGRATION"), ("../tests/it.rs", "#[path = \"../src/migrations.rs\"]\nmod migrations;")],
        file: "migrations/m002_b.rs", done: ByHand("#[path = \"migrations/m002_b.rs\"]") },
    Layout { source: "plugin:whale", folder: "plugin", files: &[("lib.rs", "#![deny(warnings)]\nmod migrations;"), ("migrations.rs", "mod m001_a;\n#[cfg(test)]\nmod tests {}"), ("migrations/m001_a.rs", "MIGRATION")],
        file: "migrations/m002_b.rs", done: Added },
    Layout { source: "module:first", folder: "first", files: &[("lib.rs", "//! The migrations come later.\n#![deny(warnings)]")],
        file: "migrations/m001_b.rs", done: Added },
    Layout { source: "module:taken", folder: "taken", files: &[("lib.rs", "#![deny(warnings)]\nuse std::fmt as migrations;\n/// F.\npub fn f() -> migrations::Result { Ok(()) }")],
        file: "lib/m001_b.rs", done: ByHand("#[path = \"lib/m001_b.rs\"]") },
    Layout { source: "module:program", folder: "program", files: &[("bin/new-layouts.rs", "#![deny(warnings)]\nLINKED\nMIGRATION\nMAIN")],
        file: "bin/migrations/m002_b.rs", done: Added },
];

const MAIN: &str = "
#[tokio::main(flavor = \"current_thread\")]
async fn main() -> std::process::ExitCode {
    let Some(cli) = mongrate_cli::Cli::from_args() else { return std::process::ExitCode::FAILURE };
    cli.run(|builder| builder).await
}
";

fn migration(source: &str) -> String {
    // Its crate says whose it is.
    let source = if source == "plugin:whale" { String::new() } else { format!(", source = \"{source}\"") };
    format!(
        "#[mongrate::migration(id = \"001_a\"{source})]
async fn up(_tx: &mut mongrate::Tx) -> Result<(), mongrate::Error> {{\n    Ok(())\n}}\n"
    )
}

struct Workspace(PathBuf);

impl Workspace {
    /// In a folder that stays: what Cargo has built is used again.
    fn new() -> Self {
        let workspace = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-layouts"));
        let _ = fs::remove_dir_all(&workspace.0);
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        fs::create_dir_all(&workspace.0).unwrap();
        fs::copy(ours.join("Cargo.lock"), workspace.0.join("Cargo.lock")).unwrap();
        // The dependencies are those of the tests, so that they are built already.
        let text = fs::read_to_string(ours.join("Cargo.toml")).unwrap();
        let (_, dependencies) = text.split_once("\n[workspace.dependencies]").unwrap();
        let (dependencies, rest) = dependencies.split_once("\n[workspace.lints.rust]").unwrap();
        let (_, profiles) = rest.split_once("\n[profile.").unwrap();
        let dependencies = dependencies.replace("path = \"", &format!("path = \"{}/", ours.display()));
        let manifest = format!(
            "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\nexclude = [\"target\"]\n\n[workspace.dependencies]{dependencies}\n[profile.{profiles}"
        );
        workspace.write("Cargo.toml", &manifest);
        let tests = fs::read_to_string(ours.join("tests/Cargo.toml")).unwrap();
        let (_, dependencies) = tests.split_once("\n[dependencies]").unwrap();
        let (dependencies, _) = dependencies.split_once("\n[lints]").unwrap();
        let features = "[features]\ncompare = [\"dep:async-trait\", \"dep:mongodb-migrator\", \"dep:mongodb2\"]\n";
        let manifest = format!("{}{features}[dependencies]{dependencies}", package("dependencies", ""));
        workspace.write("dependencies/Cargo.toml", &manifest.replace("[dev-dependencies]\n", ""));
        workspace.write("dependencies/src/lib.rs", "");

        let mut folders: Vec<&str> = LAYOUTS.iter().map(|layout| layout.folder).collect();
        folders.dedup();
        let libraries: Vec<_> = folders.iter().filter(|folder| !["both", "program"].contains(folder)).collect();
        let linked: Vec<_> = libraries.iter().map(|name| format!("use new_layouts_{name} as _;\n")).collect();
        for folder in &folders {
            let mut manifest = package(folder, if *folder == "plugin" { "plugin:whale" } else { "" });
            if *folder != "program" {
                manifest.push_str("[lib]\ntest = false\ndoctest = false\n");
            }
            if *folder == "many" {
                manifest.push_str("[features]\ndefault = [\"extra\"]\nextra = []\n");
            }
            manifest.push_str("[dependencies]\nmongodb.workspace = true\n");
            for name in ["mongrate", "mongrate-cli"] {
                writeln!(manifest, "{name} = {{ workspace = true, features = [\"default\"] }}").unwrap();
            }
            manifest.push_str("tokio = { workspace = true, features = [\"rt\", \"macros\"] }\n");
            if *folder == "program" {
                for name in &libraries {
                    writeln!(manifest, "new-layouts-{name} = {{ path = \"../{name}\", default-features = false }}")
                        .unwrap();
                }
            }
            workspace.write(&format!("{folder}/Cargo.toml"), &manifest);
        }
        for layout in LAYOUTS {
            for (file, text) in layout.files {
                let text = text.replace("MIGRATION", &migration(layout.source)).replace("LINKED", &linked.concat());
                workspace.write(&format!("{}/src/{file}", layout.folder), &format!("{}\n", text.replace("MAIN", MAIN)));
            }
        }
        let modules = LAYOUTS.iter().filter(|layout| layout.folder == "many");
        let modules = modules.map(|layout| format!("mod {};\n", layout.source.trim_start_matches("module:")));
        let lib: String = iter::once("#![deny(warnings)]\n".to_owned()).chain(modules).collect();
        workspace.write("many/src/lib.rs", &lib);
        workspace
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.0.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// The folder of programs that were built for these tests.
    fn programs() -> PathBuf {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        target.join(if cfg!(debug_assertions) { "debug" } else { "release" })
    }

    #[track_caller]
    fn build(&self, arguments: &[&str]) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--offline", "--workspace", "--all-targets"]).args(arguments).current_dir(&self.0);
        cargo.args(Self::programs().ends_with("release").then_some("--release"));
        // What Cargo says to these tests about their package would make ring's build script run again.
        for (name, _) in env::vars() {
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(name);
            }
        }
        let built = cargo.env("CARGO_TARGET_DIR", Self::programs().parent().unwrap()).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }

    /// What the program prints in a crate of this workspace.
    #[track_caller]
    fn document(&self, program: &str, folder: &str, arguments: &[&str]) -> Value {
        let mut command = Command::new(Self::programs().join(program));
        command.arg("migrate").args(arguments).args(["--format", "json"]).current_dir(self.0.join(folder));
        let output = command.env_remove("CARGO_MANIFEST_DIR").env("CARGO", env!("CARGO")).output().unwrap();
        assert!(output.status.success(), "{folder} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn package(name: &str, source: &str) -> String {
    let source =
        if source.is_empty() { String::new() } else { format!("[package.metadata.mongrate]\nsource = \"{source}\"\n") };
    format!(
        "[package]\nname = \"new-layouts-{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n{source}"
    )
}

#[test]
fn every_layout_still_builds() {
    let workspace = Workspace::new();
    workspace.build(&[]);
    let (mut by_hand, mut wrong) = (Vec::new(), Vec::new());
    for layout in LAYOUTS {
        let arguments =
            if layout.folder == "plugin" { &["new", "b"][..] } else { &["new", "b", "--source", layout.source] };
        let made = workspace.document(program_of(layout), layout.folder, arguments);
        let lines = made["add"]["lines"].as_str();
        let is_right = match layout.done {
            Added => made["add"].is_null(),
            ByHand(expected) => lines.is_some_and(|lines| lines.contains(expected)),
        };
        if !is_right || made["file"] != format!("src/{}", layout.file) {
            wrong.push(format!("{made:#}"));
        }
        if lines.is_some() {
            by_hand.push((layout.folder, made["add"].clone()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    workspace.build(&[]);

    for (folder, add) in by_hand {
        let file = workspace.0.join(folder).join(add["file"].as_str().unwrap());
        writeln!(OpenOptions::new().append(true).open(file).unwrap(), "{}", add["lines"].as_str().unwrap()).unwrap();
    }
    workspace.build(&["--no-default-features"]);
    workspace.build(&[]);
    for program in ["new-layouts", "new-layouts-both"] {
        let linked = workspace.document(program, "program", &["graph", "--offline"]).to_string();
        for layout in LAYOUTS.iter().filter(|layout| program_of(layout) == program) {
            let file = format!("/{}", layout.file.trim_end_matches(".rs"));
            let (_, id) = file.rsplit_once("/m").unwrap();
            assert!(linked.contains(&format!("\"{}:{id}\"", layout.source)), "{} is missing", layout.source);
        }
    }
}

/// The program that links it in.
fn program_of(layout: &Layout) -> &'static str {
    if layout.folder == "both" { "new-layouts-both" } else { "new-layouts" }
}
