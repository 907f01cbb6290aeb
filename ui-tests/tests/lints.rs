//! The attribute adds no diagnostics to a crate of migrations, even if every lint of rustc and clippy is denied or
//! forbidden.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

const SOURCE: &str = include_str!("../cases/lints/migrations.rs");

/// `inventory::submit!` allows the first lint, which is an error where it, or all `warnings`, are forbidden.
const ALLOWED_BY_INVENTORY: [&str; 2] = ["non_upper_case_globals", "warnings"];

/// Every lint that stable rustc and clippy know.
fn lints() -> Vec<String> {
    let help = Command::new("clippy-driver").args(["-W", "help"]).output().expect("clippy is installed");
    let help = String::from_utf8(help.stdout).unwrap();
    let name_of = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next()?;
        let level = words.next()?;
        ["allow", "warn", "deny"].contains(&level).then(|| name.replace('-', "_"))
    };
    // This lint of clippy is about the list itself.
    help.lines().filter_map(name_of).filter(|name| !name.ends_with("blanket_clippy_restriction_lints")).collect()
}

/// The lint and the line of each diagnostic of clippy.
fn reported(name: &str, level: &str, lints: &[String], source: &str) -> BTreeSet<(String, u64)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = here.parent().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lints").join(name);
    fs::create_dir_all(folder.join("src")).unwrap();
    let mongrate = workspace.join("runtime/engine");
    let manifest = format!(
        "[package]\nname = \"lints-{name}\"\nedition = \"2024\"\n\n\
         [dependencies]\nmongrate = {{ path = '{}' }}\nmongodb = {{ version = \"3.9\", default-features = false, features = [\"compat-3-3-0\"] }}\n\n\
         [workspace]\n\n[profile.dev]\ndebug = \"line-tables-only\"\n[profile.dev.package.\"*\"]\ndebug = \"line-tables-only\"\n",
        mongrate.display()
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    // On the first line, so that line numbers do not change.
    fs::write(folder.join("src/lib.rs"), format!("#![{level}({})]{source}", lints.join(", "))).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["clippy", "--offline", "--quiet", "--message-format=json"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
        .output()
        .unwrap();
    let mut reported = BTreeSet::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let message: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        if message["target"]["name"] != format!("lints_{}", name.replace('-', "_")) || message["message"].is_null() {
            continue;
        }
        let message = &message["message"];
        let spans = message["spans"].as_array().unwrap();
        let Some(span) = spans.iter().find(|span| span["is_primary"] == true) else { continue };
        let code = text(&message["code"]["code"]);
        reported.insert((
            if code.is_empty() { text(&message["message"]) } else { code },
            span["line_start"].as_u64().unwrap(),
        ));
    }
    assert!(!reported.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    reported
}

/// The same code without the attributes, with the same line numbers.
fn plain() -> String {
    let mut within = false;
    let lines = SOURCE.lines().map(|line| {
        let starts = line.trim_start().starts_with("#[migration(");
        let kept = if within || starts { "" } else { line };
        within = (within || starts) && !line.ends_with(")]");
        kept
    });
    lines.collect::<Vec<_>>().join("\n").replace(", migration};", "};")
}

#[test]
fn the_attribute_adds_no_diagnostic() {
    let lints = lints();
    assert!(lints.len() > 900, "{lints:?}");
    let of_the_code = reported("plain", "warn", &lints, &plain());
    let forbidden: Vec<_> =
        lints.iter().filter(|lint| !ALLOWED_BY_INVENTORY.contains(&lint.as_str())).cloned().collect();
    for (level, lints) in [("warn", &lints), ("deny", &lints), ("forbid", &forbidden)] {
        let with_the_attribute = reported(level, level, lints, SOURCE);
        let added: Vec<_> = with_the_attribute.difference(&of_the_code).collect();
        assert!(added.is_empty(), "{level}: {added:?}");
        // The attribute even removes one: the author of a migration cannot choose `async`.
        assert!(!with_the_attribute.iter().any(|(lint, _)| lint == "clippy::unused_async"), "{level}");
    }
}

/// When this fails, remove the exception from the guide.
#[test]
fn what_inventory_allows_cannot_be_forbidden() {
    for (lint, code) in [(ALLOWED_BY_INVENTORY[0], "E0453"), ("nonstandard_style", "forbidden_lint_groups")] {
        let added = reported("inventory", "forbid", &[lint.to_owned()], SOURCE);
        assert!(added.iter().all(|(added, _)| added == code), "{lint}: {added:?}");
    }
}
