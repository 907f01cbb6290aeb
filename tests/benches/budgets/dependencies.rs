//! What the default features add to `mongodb` and `tokio`.

use std::collections::BTreeSet;
use std::process::Command;

use crate::{Result, table};

const BUDGET: usize = 15;

pub(crate) fn measure() -> Result<()> {
    let with = tree("mongrate", &[])?;
    // The driver and tokio as mongrate takes them are the baseline: what they bring is the user's already.
    let baseline: BTreeSet<String> =
        ["mongodb", "tokio"].iter().flat_map(|name| tree(name, &[]).unwrap_or_default()).collect();
    let added: Vec<_> = with.difference(&baseline).filter(|name| *name != "mongrate").cloned().collect();
    let names = added.len();
    table::line("crates added to mongodb + tokio", names, format!("under {BUDGET}"), names < BUDGET);
    println!("  {}", added.join(" "));
    Ok(())
}

/// The names of a package and all that it needs.
fn tree(package: &str, more: &[&str]) -> Result<BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", package, "--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .args(more)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let names = String::from_utf8(output.stdout)?;
    Ok(names.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}
