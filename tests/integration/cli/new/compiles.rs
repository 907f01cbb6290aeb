//! What `new` writes compiles. The files are those of a ui test, so that rustc, clippy and rustfmt read each of them, and warn of nothing;
//! here they are held to what the program writes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::Sources;

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui-tests/cases/pass/new")
}

/// Compares with a file of the ui test; `UPDATE_EXPECT=1` overwrites it.
fn expect(name: &str, code: &str) {
    let file = cases().join(name);
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&file, code).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(code, expected, "UPDATE_EXPECT=1 overwrites {name}");
}

#[tokio::test]
async fn every_kind_of_migration_is_one_that_the_ui_tests_compile() {
    let mut names = BTreeSet::new();
    for source in ["system", "module:menu", "plugin:whale-alerts"] {
        for kind in ["tx", "schema", "backfill", "database"] {
            if source.starts_with("plugin") && kind == "database" {
                continue;
            }
            for (name, options) in [(kind.to_owned(), &[][..]), (format!("{kind}_reversible"), &["--reversible"])] {
                let sources = Sources::new();
                let arguments = [&[&*name, "--source", source, "--kind", kind, "--quiet"], options].concat();
                let ran = sources.make(&arguments).await;
                assert_eq!(ran.code, 0, "{ran}");
                let file = Path::new(ran.stdout.trim_end()).file_name().unwrap().to_str().unwrap().to_owned();
                expect(&file, &sources.read(ran.stdout.trim_end()));
                assert!(names.insert(file), "{name} twice");
            }
        }
    }
    assert_eq!(names.len(), 22);
    let there = fs::read_dir(cases()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(there.collect::<BTreeSet<_>>(), names);
    let case = fs::read_to_string(cases().with_extension("rs")).unwrap();
    for name in &names {
        assert!(case.contains(&format!("mod {};", name.trim_end_matches(".rs"))), "{name} is not compiled");
    }
}
