//! Files included by a migration with `include!`, `include_str!` or `include_bytes!` and a literal path.

use std::fs;
use std::path::{self, Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream};
use syn::LitStr;

use super::digest::digest;
use super::tree::Tree;

/// Inserts the content of each file behind its path, and returns the paths. A file that cannot be read is left for rustc
/// to report.
pub(super) fn read(trees: &mut [Tree], file: impl FnOnce() -> Option<PathBuf>) -> Vec<String> {
    let mut files = Vec::new();
    if mentions_any(trees)
        && let Some(file) = file()
    {
        put(trees, &file, &mut files);
    }
    files
}

fn mentions_any(trees: &[Tree]) -> bool {
    trees.iter().any(|tree| match tree {
        Tree::Word(word) => is_include(word),
        Tree::Group(_, content) => mentions_any(content),
        _ => false,
    })
}

fn is_include(word: &str) -> bool {
    matches!(word, "include" | "include_str" | "include_bytes")
}

fn put(trees: &mut [Tree], from: &Path, files: &mut Vec<String>) {
    for at in 0..trees.len() {
        let macro_name = match &trees[..at] {
            [.., Tree::Word(name), not] if not.is_sign('!') && is_include(name) => Some(name.clone()),
            _ => None,
        };
        let Tree::Group(_, content) = &mut trees[at] else { continue };
        match (macro_name, content.as_slice()) {
            (Some(name), [Tree::Literal(literal), comma @ ..]) if comma.len() <= 1 => {
                if let Some(included) = include(&name, literal, from, files) {
                    content.insert(1, Tree::Group(Delimiter::None, included));
                }
            }
            _ => put(content, from, files),
        }
    }
}

/// Reads a file: code as tokens, any other text with LF line ends, because version control may change these.
fn include(name: &str, literal: &str, from: &Path, files: &mut Vec<String>) -> Option<Vec<Tree>> {
    let literal: LitStr = syn::parse_str(literal).ok()?;
    let path = path::absolute(from).ok()?.parent()?.join(literal.value());
    let bytes = fs::read(&path).ok()?;
    let shown = path.to_str()?.to_owned();
    let is_new = !files.contains(&shown);
    if is_new {
        files.push(shown);
    }
    let text = if name == "include_bytes" { None } else { String::from_utf8(bytes.clone()).ok() };
    let text = text.map(|text| text.replace("\r\n", "\n"));
    let code = text.as_ref().filter(|_| name == "include" && is_new).and_then(|text| text.parse::<TokenStream>().ok());
    if let Some(code) = code {
        let mut trees = Tree::read(code);
        put(&mut trees, &path, files);
        return Some(trees);
    }
    Some(vec![Tree::Literal(digest(text.as_ref().map_or(&bytes, |text| text.as_bytes())))])
}
