//! Makes a module of every heading of `docs/guide/recipes.md` that has Rust code. Blocks that are only compiled (`rust,no_run`) are
//! left to the doctests of `mongrate-tests`.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    const GUIDE: &str = "../../docs/guide/recipes.md";
    println!("cargo::rerun-if-changed={GUIDE}");
    let guide = fs::read_to_string(GUIDE)?;
    let mut modules = String::new();
    for section in guide.split("\n## ").skip(1) {
        let (heading, text) = section.split_once('\n').unwrap_or_default();
        let code: String = text.split("\n```rust\n").skip(1).filter_map(|block| block.split("\n```").next()).collect();
        write!(modules, "mod {} {{\n{code}\n}}\n", heading.to_lowercase().replace(' ', "_"))?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("recipes.rs"), modules)?;
    Ok(())
}
