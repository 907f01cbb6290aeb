//! Runs of `use`, `mod name;` and `extern crate`, which rustfmt may reorder. How the paths of a `use` are grouped in braces
//! makes no difference either.

use std::fmt::Write as _;

use super::tree::Tree;

/// Items of one kind in a row.
pub(super) struct Run<'t> {
    /// `use`, `mod` or `extern`.
    pub(super) keyword: &'t str,
    pub(super) items: Vec<Item<'t>>,
    /// The number of tokens, semicolons included.
    pub(super) length: usize,
}

pub(super) struct Item<'t> {
    keyword: &'t str,
    /// Attributes and visibility.
    pub(super) before: &'t [Tree],
    pub(super) names: Names<'t>,
    /// The number of tokens, the semicolon included.
    length: usize,
}

/// What an item names.
pub(super) enum Names<'t> {
    /// Every path of a `use`, in full.
    Paths(Vec<String>),
    /// What follows any other keyword, up to the semicolon.
    Tokens(&'t [Tree]),
}

impl<'t> Run<'t> {
    /// Parses the run at the start of these tokens.
    pub(super) fn at_start(trees: &'t [Tree]) -> Option<Self> {
        let first = Item::at_start(trees)?;
        let mut run = Self { keyword: first.keyword, length: first.length, items: vec![first] };
        while let Some(item) = Item::at_start(&trees[run.length..]).filter(|item| item.keyword == run.keyword) {
            run.length += item.length;
            run.items.push(item);
        }
        Some(run)
    }
}

impl<'t> Item<'t> {
    fn at_start(trees: &'t [Tree]) -> Option<Self> {
        let mut at = 0;
        while trees.get(at)?.is_sign('#') {
            if matches!(trees.get(at + 1)?, Tree::Group(_, content) if content.first()?.is_word("macro_use")) {
                return None;
            }
            at += 2;
        }
        if trees.get(at)?.is_word("pub") {
            at += 1 + usize::from(trees.get(at + 1)?.parentheses().is_some());
        }
        let Tree::Word(keyword) = trees.get(at)? else { return None };
        let is_meant = match keyword.as_str() {
            "use" => true,
            "mod" => trees.get(at + 2)?.is_sign(';'),
            "extern" => trees.get(at + 1)?.is_word("crate"),
            _ => false,
        };
        let end = trees.iter().position(|tree| tree.is_sign(';')).filter(|_| is_meant)?;
        let after = &trees[at + 1..end];
        let names = if keyword == "use" {
            let mut paths = Vec::new();
            gather("", after, &mut paths);
            Names::Paths(paths)
        } else {
            Names::Tokens(after)
        };
        Some(Self { keyword, before: &trees[..at], names, length: end + 1 })
    }
}

/// Lists the full paths that a `use` names.
fn gather(prefix: &str, mut rest: &[Tree], paths: &mut Vec<String>) {
    let mut path = prefix.to_owned();
    let mut name = "";
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            Tree::Word(word) if word == "as" => {
                if let Some(Tree::Word(alias)) = rest.first()
                    && alias != name
                {
                    let _ = write!(path, " as {alias}");
                }
                break;
            }
            Tree::Word(word) => {
                name = word;
                path.push_str(word);
            }
            Tree::Sign(sign, _) => path.push(*sign),
            Tree::Group(_, list) => {
                list.split(|tree| tree.is_sign(',')).for_each(|entry| gather(&path, entry, paths));
                return;
            }
            Tree::Literal(_) => {}
        }
    }
    if path.len() > prefix.len() {
        paths.push(path);
    }
}
