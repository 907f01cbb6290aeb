//! Compiler output in a crate with a migrations.lock. Each test has its own crate below the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = r#"use mongrate::{Error, Tx, migration};

/// Users have roles.
#[migration(id = "002_roles", source = "module:users")]
pub async fn roles(tx: &mut Tx) -> Result<(), Error> {
    tx.collection("roles").insert_one(1_u8).await?;
    Ok(())
}

#[migration(id = "003_names", source = "module:users", deps = ["module:users:002_roles"])]
mod names {
    use mongrate::{Error, Tx};

    const NAME: u8 = 2;

    pub async fn up(tx: &mut Tx) -> Result<(), Error> {
        tx.collection("names").insert_one(NAME).await?;
        tx.collection("names").insert_one(include_str!("names.txt").len()).await?;
        Ok(())
    }
}
"#;

/// Checksums of algorithm `t2`, which never changes.
const LOCK: &str = "# what is released\n\
    module:users:002_roles t2:009f0c5c1d300ad0bd4d36dd954dbf13be6326dac5dcec7270715f745385ec42\n\
    module:users:003_names t2:1c0c42a8f7486b1a275bf95ea6c1b8733998fd8ccd92db6ff19dd70d0576a778\n";

/// The source with another body and another constant.
fn edited() -> String {
    SOURCE.replace("1_u8", "3_u8").replace("NAME: u8 = 2", "NAME: u8 = 4")
}

struct Crate {
    name: &'static str,
    folder: PathBuf,
}

struct Checked {
    passed: bool,
    /// Whether Cargo ran the compiler.
    compiled: bool,
    told: String,
}

impl Crate {
    fn new(name: &'static str, source: &str, lock: Option<&str>) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let workspace = here.parent().unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("released").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("src")).unwrap();
        let mongrate = workspace.join("runtime/engine");
        // The same profile as in this workspace, so that its checked dependencies are reused.
        let manifest = format!(
            "[package]\nname = \"released-{name}\"\nedition = \"2024\"\n\n\
             [dependencies]\nmongrate = {{ path = '{}' }}\n\n[workspace]\n\n\
             [profile.dev]\ndebug = \"line-tables-only\"\n[profile.dev.package.\"*\"]\ndebug = \"line-tables-only\"\n",
            mongrate.display()
        );
        let this = Self { name, folder };
        this.write("Cargo.toml", &manifest);
        this.write("src/lib.rs", source);
        this.write("src/names.txt", "alice\nbob\n");
        if let Some(lock) = lock {
            this.write("migrations.lock", lock);
        }
        fs::copy(workspace.join("Cargo.lock"), this.folder.join("Cargo.lock")).unwrap();
        this
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.join(file), text).unwrap();
    }

    fn check(&self) -> Checked {
        let output = Command::new(env!("CARGO"))
            .args(["check", "--offline", "--color=never"])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let compiling = format!("Checking released-{} ", self.name);
        let compiled = stderr.contains(&compiling);
        let told = stderr.split_once(&compiling).map_or(stderr.as_str(), |(_, after)| after);
        let told = told.split_once('\n').map_or("", |(_, lines)| lines);
        Checked { passed: output.status.success(), compiled, told: told.trim_end().to_owned() }
    }

    fn passes(&self) -> bool {
        let checked = self.check();
        assert!(checked.passed, "{}", checked.told);
        assert!(!checked.told.contains("warning"), "{}", checked.told);
        checked.compiled
    }

    fn fails(&self) -> String {
        let checked = self.check();
        assert!(!checked.passed);
        checked.told
    }
}

#[test]
fn an_edit_of_a_released_migration_fails_at_its_function() {
    let told = Crate::new("edited", &edited(), Some(LOCK)).fails();
    insta::assert_snapshot!(told);
}

#[test]
fn a_lock_file_of_which_a_merge_has_made_nonsense_fails() {
    let told = Crate::new("merged", SOURCE, Some(&LOCK.replace("# what", "<<<<<<<"))).fails();
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_as_it_was_released_passes() {
    Crate::new("as-released", SOURCE, Some(LOCK)).passes();
}

#[test]
fn comments_and_white_space_may_change() {
    let commented =
        SOURCE.replace("    Ok", "\n  // Done.\n  Ok").replace("Users have", "Every user has").replace('\n', "\r\n");
    assert_ne!(commented, SOURCE);
    Crate::new("commented", &commented, Some(&LOCK.replace('\n', "\r\n"))).passes();
}

#[test]
fn an_edit_of_an_included_file_alone_is_noticed() {
    let of = Crate::new("included", SOURCE, Some(LOCK));
    of.passes();
    of.write("src/names.txt", "alice\r\nbob\r\n");
    of.passes();
    of.write("src/names.txt", "alice\neve\n");
    let told = of.fails();
    assert!(told.contains("`module:users:003_names` is released"), "{told}");
}

#[test]
fn the_checksum_of_a_pre_release_fails() {
    let told = Crate::new("pre-release", SOURCE, Some(&LOCK.replace("002_roles t2:", "002_roles t1:"))).fails();
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_not_released_may_change() {
    Crate::new("without-a-lock", &edited(), None).passes();
    Crate::new("with-another-lock", &edited(), Some("module:users:001_init t2:0\n")).passes();
}

#[test]
fn an_edit_of_the_lock_file_alone_is_noticed() {
    let of = Crate::new("noticed", SOURCE, Some(LOCK));
    of.passes();
    assert!(!of.passes(), "it was compiled again without a reason");

    of.write("migrations.lock", &LOCK.replace("002_roles t2:", "002_roles t2:0"));
    let told = of.fails();
    assert!(told.contains("`module:users:002_roles` is released"), "{told}");

    // How an edit is accepted.
    let accepted: String = LOCK.split_inclusive('\n').filter(|line| !line.contains("002_roles")).collect();
    of.write("migrations.lock", &accepted);
    assert!(of.passes());

    fs::remove_file(of.folder.join("migrations.lock")).unwrap();
    assert!(of.passes(), "the file is gone, and nobody has noticed");
    assert!(!of.passes());
}
