//! What the attribute adds to a build: `cargo bench -p mongrate-ui-tests --profile dev` (the profile of this program itself
//! does not matter, and `dev` is already built).
//!
//! Two crates of 1,000 functions with one driver operation each are made below the target folder: one of migrations, and
//! one with the same functions in a table written by hand. `cargo check` of both is timed, cold (with all dependencies
//! built) and after an edit of one function. The machine's noise is in both, so the ratio says more than the seconds.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, io};

const FUNCTIONS: usize = 1_000;
const ROUNDS: usize = 3;
const COLD: Duration = Duration::from_millis(4_500);
const EDIT: Duration = Duration::from_millis(1_500);

fn main() -> io::Result<()> {
    let table = Sample::create("hand-written-table", table)?.measure()?;
    let mongrate = Sample::create("mongrate-migrations", migrations)?.measure()?;
    println!("cargo check of {FUNCTIONS} functions, best of {ROUNDS}");
    for (name, measured, by_hand, budget) in
        [("cold", mongrate.cold, table.cold, COLD), ("edit", mongrate.edit, table.edit, EDIT)]
    {
        let verdict = if measured <= budget { "within" } else { "over" };
        println!(
            "{name}: {:.2} s, by hand {:.2} s (ratio {:.2}), {verdict} the budget of {:.2} s",
            measured.as_secs_f64(),
            by_hand.as_secs_f64(),
            measured.as_secs_f64() / by_hand.as_secs_f64(),
            budget.as_secs_f64()
        );
    }
    Ok(())
}

/// A crate in which everything hangs on one generated file.
struct Sample {
    name: &'static str,
    folder: PathBuf,
    target: PathBuf,
    source: fn(usize) -> String,
}

struct Measured {
    cold: Duration,
    edit: Duration,
}

impl Sample {
    fn create(name: &'static str, source: fn(usize) -> String) -> io::Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let workspace = here.parent().unwrap_or(here);
        let target = env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| workspace.join("target"), PathBuf::from)
            .join("compile-time");
        let folder = target.join(name);
        fs::create_dir_all(folder.join("src"))?;
        let runtime = workspace.join("runtime/engine");
        fs::write(
            folder.join("Cargo.toml"),
            format!(
                "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                 [dependencies]\nmongrate = {{ path = '{}' }}\n\
                 mongodb = {{ version = \"3.9\", default-features = false }}\n\n[workspace]\n",
                runtime.display()
            ),
        )?;
        fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock"))?;
        Ok(Self { name, folder, target, source })
    }

    fn measure(&self) -> io::Result<Measured> {
        self.write(0)?;
        self.cargo(&["check", "--quiet"])?;
        let (mut cold, mut edit) = (Duration::MAX, Duration::MAX);
        for round in 0..ROUNDS {
            self.cargo(&["clean", "--quiet", "-p", self.name])?;
            cold = cold.min(self.cargo(&["check", "--quiet"])?);
            self.write(round + 1)?;
            edit = edit.min(self.cargo(&["check", "--quiet"])?);
        }
        Ok(Measured { cold, edit })
    }

    fn write(&self, version: usize) -> io::Result<()> {
        fs::write(self.folder.join("src/lib.rs"), (self.source)(version))
    }

    fn cargo(&self, arguments: &[&str]) -> io::Result<Duration> {
        let start = Instant::now();
        let status = Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", &self.target)
            .status()?;
        if status.success() {
            Ok(start.elapsed())
        } else {
            Err(io::Error::other(format!("cargo {arguments:?} failed in {}", self.name)))
        }
    }
}

fn migrations(version: usize) -> String {
    let mut source = "use mongodb::{Database, bson::{Document, doc}};\nuse mongrate::migration;\n".to_owned();
    for number in 0..FUNCTIONS {
        let deps = number
            .checked_sub(1)
            .map_or_else(String::new, |previous| format!(", deps = [\"{:03}_step_{previous}\"]", previous % 1_000));
        let _ = writeln!(source, "#[migration(id = \"{:03}_step_{number}\"{deps})]", number % 1_000);
        source.push_str(&function(number, version));
    }
    source
}

fn table(version: usize) -> String {
    let mut source = "use mongodb::{BoxFuture, Database, bson::{Document, doc}};\n\
                      pub type Body = for<'a> fn(&'a Database) -> BoxFuture<'a, Result<(), mongodb::error::Error>>;\n"
        .to_owned();
    let mut rows = String::new();
    for number in 0..FUNCTIONS {
        source.push_str(&function(number, version));
        let _ = writeln!(rows, "(\"step_{number}\", |db| Box::pin(step_{number}(db))),");
    }
    let _ = writeln!(source, "pub static TABLE: [(&str, Body); {FUNCTIONS}] = [{rows}];");
    source
}

/// The edit is in the middle.
fn function(number: usize, version: usize) -> String {
    let value = if number == FUNCTIONS / 2 { version } else { 0 };
    format!(
        "async fn step_{number}(db: &Database) -> Result<(), mongodb::error::Error> {{\n    \
         db.collection::<Document>(\"c\").insert_one(doc! {{ \"value\": {value}_i64 }}).await?;\n    Ok(())\n}}\n"
    )
}
