//! Two versions of Mongrate in one program, which would each see only the migrations registered with it.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn cargo_refuses_two_versions() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("versions");
    let _ = fs::remove_dir_all(&folder);
    let write = |file: &str, text: &str| {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    // A later version as Cargo sees it: the same name and the same `links`.
    let manifest = |name: &str, rest: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"99.0.0\"\nedition = \"2024\"\n{rest}")
    };
    write("later/Cargo.toml", &manifest("mongrate", "links = \"mongrate\"\n"));
    write("later/build.rs", "fn main() {}\n");
    write("later/src/lib.rs", "");
    write("plugin/Cargo.toml", &manifest("plugin", "[dependencies]\nmongrate = { path = \"../later\" }\n"));
    write("plugin/src/lib.rs", "");
    let dependencies = format!(
        "[dependencies]\nplugin = {{ path = \"plugin\" }}\nmongrate = {{ path = '{}' }}\n\n[workspace]\n",
        workspace.join("runtime/engine").display()
    );
    write("Cargo.toml", &manifest("my-app", &dependencies));
    write("src/lib.rs", "");
    fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();

    let output = Command::new(env!("CARGO")).args(["check", "--offline"]).current_dir(&folder).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("package `mongrate` links to the native library `mongrate`, but it conflicts"), "{told}");
}
