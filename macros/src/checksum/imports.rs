//! Runs of `use`, `mod name;` and `extern crate`, whose order rustfmt decides. Of `use`, neither does it count how the paths
//! are gathered in braces.

use std::fmt::Write as _;

use super::form::Form;
use super::tree::Tree;

/// One item of such a run.
struct Item<'t> {
    /// `use`, `mod` or `extern`.
    keyword: &'t str,
    /// Attributes and visibility.
    before: &'t [Tree],
    /// Up to the semicolon.
    after: &'t [Tree],
    /// How many tokens it has, the semicolon included.
    length: usize,
}

/// Writes the items of one kind that stand here, in an order of their own. Returns how many tokens they are.
pub(super) fn write(form: &mut Form, trees: &[Tree]) -> usize {
    let Some(first) = Item::at_start(trees) else { return 0 };
    let mut sorted = Vec::new();
    let mut length = 0;
    while let Some(item) = Item::at_start(&trees[length..]).filter(|item| item.keyword == first.keyword) {
        length += item.length;
        let mut before = Form::default();
        before.code(item.before);
        if item.keyword == "use" {
            let mut paths = Vec::new();
            gather("", item.after, &mut paths);
            sorted.extend(paths.into_iter().map(|path| (before.clone(), path.into_bytes())));
        } else {
            let mut name = Form::default();
            name.code(item.after);
            sorted.push((before, name.into_bytes()));
        }
    }
    sorted.sort();
    for (before, what) in sorted {
        form.word(first.keyword);
        form.append(before);
        form.part(b'u', &what);
    }
    length
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
        Some(Self { keyword, before: &trees[..at], after: &trees[at + 1..end], length: end + 1 })
    }
}

/// Every path that a `use` names, in full.
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
