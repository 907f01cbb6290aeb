//! What rustfmt makes of all migrations of this workspace, and of the code around them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, iter};

use proc_macro2::{TokenStream, TokenTree};

use super::super::bytes::Form;
use super::super::tree::Tree;

const FOLDERS: [&str; 4] = ["sample-app", "tests", "ui-tests/cases/pass", "ui-tests/cases/lints"];

/// Every source file, as a module.
fn sources() -> (Vec<PathBuf>, String) {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in a workspace");
    let mut files = Vec::new();
    let mut folders: Vec<_> = FOLDERS.iter().map(|folder| workspace.join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut text = String::new();
    for file in &files {
        let source = fs::read_to_string(file).expect("a source file is text");
        writeln!(text, "mod file {{\n{source}\n}}").expect("a string can be written");
    }
    (files, text)
}

/// What is hashed of each file.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let tokens: TokenStream = text.parse().expect("rustfmt writes tokens");
    let modules = tokens.into_iter().filter_map(|token| match token {
        TokenTree::Group(group) => Some(group.stream()),
        _ => None,
    });
    let form = |module| {
        let mut form = Form::default();
        form.code(&Tree::read(module));
        form.into_bytes()
    };
    modules.map(form).collect()
}

/// From a little before the first difference.
fn differing(expected: &[u8], found: &[u8]) -> String {
    let same = iter::zip(expected, found).take_while(|(expected, found)| expected == found).count();
    let shown = |form: &[u8]| {
        let window = &form[same.saturating_sub(200)..form.len().min(same + 100)];
        String::from_utf8_lossy(window).replace('\0', "")
    };
    format!("{}\n{}", shown(expected), shown(found))
}

fn rustfmt(text: &str, style: &str, config: &str) -> String {
    let mut command = Command::new("rustfmt");
    command.args(["--edition", "2024", "--style-edition", style, "--config", config]);
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.expect("rustfmt is a part of the toolchain");
    let mut input = child.stdin.take().expect("it is piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(text.as_bytes()).expect("rustfmt reads its input"));
        child.wait_with_output().expect("rustfmt ends")
    });
    assert!(output.status.success(), "{style} {config}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("rustfmt writes text")
}

#[test]
fn rustfmt_changes_no_checksum() {
    let (files, text) = sources();
    let expected = forms(&text);
    assert_eq!(expected.len(), files.len());
    assert!(text.matches("migration(").count() > 100, "there is little to try it on");

    let project = "max_width=120,use_small_heuristics=Max";
    let same = |of: &str, formatted: &str| {
        let found = forms(formatted);
        assert_eq!(found.len(), files.len(), "{of}");
        for (file, (expected, found)) in iter::zip(&files, iter::zip(&expected, &found)) {
            assert!(expected == found, "{of}: {}\n{}", file.display(), differing(expected, found));
        }
    };
    for width in (60..=140).step_by(20) {
        for style in ["2021", "2024"] {
            same(&format!("{width}, {style}"), &rustfmt(&text, style, &format!("max_width={width}")));
        }
    }
    let narrow = rustfmt(&text, "2021", "max_width=60");
    same("narrow and wide again", &rustfmt(&narrow, "2024", project));
    for options in [
        "use_field_init_shorthand=true,match_block_trailing_comma=true,match_arm_leading_pipes=Always",
        "remove_nested_parens=false,force_explicit_abi=false,merge_derives=false,match_arm_leading_pipes=Preserve",
        "reorder_imports=false,reorder_modules=false,use_small_heuristics=Off,hard_tabs=true",
    ] {
        same(options, &rustfmt(&text, "2024", options));
    }
}
