//! The compile time that the attribute adds: `cargo bench -p mongrate-ui-tests --profile dev`. The profile of this program
//! does not matter, and `dev` is already built.
//!
//! Generates two crates of 1,000 functions with one driver operation each below the target folder: one of migrations, and
//! one with the same functions in a table written by hand. `cargo check` of both is measured in alternation, with all
//! dependencies built: cold, after an edit of one function, and after a line is added at the top of the file, which moves
//! every function. The result is the ratio of the two, because the noise of a machine is in both.
//!
//! Measures the CPU time of Cargo and rustc, which other programs disturb less than the time on the clock. Linux only.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

const FUNCTIONS: usize = 1_000;
const ROUNDS: usize = 5;

/// The measured steps, each with its budget as a ratio to the table.
const STEPS: [(&str, Option<f64>); 3] = [("cold", Some(1.4)), ("edit", Some(1.15)), ("line added at the top", None)];

/// The seconds of every round, by step.
type Measured = [[f64; ROUNDS]; STEPS.len()];

fn main() -> io::Result<()> {
    let samples = [Sample::create("hand-written-table", table)?, Sample::create("mongrate-migrations", migrations)?];
    for sample in &samples {
        sample.write(0, false)?;
        sample.check()?;
    }
    let mut measured = [Measured::default(); 2];
    #[expect(clippy::needless_range_loop, reason = "the round is the last index of three")]
    for round in 0..ROUNDS {
        // The order alternates as well, so that neither crate always runs on the warmer machine.
        for index in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            for (step, seconds) in samples[index].measure(round)?.into_iter().enumerate() {
                measured[index][step][round] = seconds;
            }
        }
    }
    let [table, migrations] = measured;
    println!("cargo check of {FUNCTIONS} functions, CPU time of {ROUNDS} rounds");
    for (step, (name, budget)) in STEPS.into_iter().enumerate() {
        let (by_hand, attribute) = (sorted(table[step]), sorted(migrations[step]));
        let ratio = |place: usize| attribute[place] / by_hand[place];
        let verdict = match budget {
            Some(budget) if ratio(0) <= budget => format!(", within the budget of {budget:.2}"),
            Some(budget) => format!(", over the budget of {budget:.2}"),
            None => String::new(),
        };
        println!(
            "{name}: minimum {:.2} s, by hand {:.2} s, ratio {:.2}{verdict}; median {:.2} s, by hand {:.2} s, ratio {:.2}",
            attribute[0],
            by_hand[0],
            ratio(0),
            attribute[ROUNDS / 2],
            by_hand[ROUNDS / 2],
            ratio(ROUNDS / 2),
        );
    }
    Ok(())
}

fn sorted(mut seconds: [f64; ROUNDS]) -> [f64; ROUNDS] {
    seconds.sort_unstable_by(f64::total_cmp);
    seconds
}

/// A crate of one generated file.
struct Sample {
    name: &'static str,
    folder: PathBuf,
    target: PathBuf,
    source: fn(usize) -> String,
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

    /// The seconds of each step.
    fn measure(&self, round: usize) -> io::Result<[f64; STEPS.len()]> {
        self.write(2 * round, false)?;
        self.cargo(&["clean", "--quiet", "-p", self.name])?;
        let cold = self.check()?;
        self.write(2 * round + 1, false)?;
        let edit = self.check()?;
        self.write(2 * round + 1, true)?;
        Ok([cold, edit, self.check()?])
    }

    fn write(&self, version: usize, with_line: bool) -> io::Result<()> {
        let line = if with_line { "// A line more.\n" } else { "" };
        fs::write(self.folder.join("src/lib.rs"), line.to_owned() + &(self.source)(version))
    }

    fn check(&self) -> io::Result<f64> {
        let before = cpu_seconds_of_children()?;
        self.cargo(&["check", "--quiet"])?;
        Ok(cpu_seconds_of_children()? - before)
    }

    fn cargo(&self, arguments: &[&str]) -> io::Result<()> {
        let status = Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", &self.target)
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("cargo {arguments:?} failed in {}", self.name)))
        }
    }
}

/// User and system time of all ended child processes: `cutime` and `cstime` of proc(5), in hundredths of a second.
fn cpu_seconds_of_children() -> io::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The second field is the name in parentheses, which may contain spaces.
    let after_name = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: f64 = after_name.split_whitespace().skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    Ok(ticks / 100.0)
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
