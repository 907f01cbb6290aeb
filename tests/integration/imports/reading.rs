//! Reads the imports of a crate from its source.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::Arrows;

/// The path of a module from the crate's root, which is empty.
pub(super) type Module = Vec<String>;

/// A path as it is written, segment by segment.
type Written = Vec<String>;

/// One file.
#[derive(Default)]
struct File {
    /// The paths in `use` and in code.
    named: Vec<Written>,
    /// Its re-exports: the name and the path.
    exported: BTreeMap<String, Written>,
    /// Its modules that are only compiled for tests.
    tests: Vec<String>,
}

/// The names that the root of a crate re-exports, in order.
pub(in super::super) fn re_exports(name: &str) -> Vec<String> {
    files(name).remove(&Module::new()).unwrap().exported.into_keys().collect()
}

fn files(name: &str) -> BTreeMap<Module, File> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src");
    let mut files = BTreeMap::new();
    read(&source, &Module::new(), &mut files);
    files
}

/// The arrows between the modules of a crate.
pub(super) fn imports(name: &str) -> Arrows {
    let mut files = files(name);
    let tests: Vec<Module> = files
        .iter()
        .flat_map(|(module, file)| file.tests.iter().map(|test| [module.clone(), vec![test.clone()]].concat()))
        .collect();
    files.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
    let mut arrows = Arrows::new();
    for (module, file) in &files {
        let defined = file.named.iter().filter_map(|written| defined_in(&files, module, written, 8));
        arrows.insert(module.clone(), defined.filter(|to| to != module).collect());
    }
    assert!(arrows.values().flatten().count() > 5, "{name}: nothing was read");
    arrows
}

fn read(folder: &Path, above: &Module, files: &mut BTreeMap<Module, File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = if above.is_empty() && name == "lib" { Module::new() } else { [&above[..], &[name]].concat() };
        if path.is_dir() {
            read(&path, &module, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let tokens: TokenStream = fs::read_to_string(&path).unwrap().parse().unwrap();
            let mut file = File::default();
            file.walk(tokens);
            files.insert(module, file);
        }
    }
}

/// The module that defines what a path names, as seen from a module; `None` for another crate.
fn defined_in(files: &BTreeMap<Module, File>, from: &Module, written: &Written, hops: u8) -> Option<Module> {
    let (mut at, mut rest) = match written.first()?.as_str() {
        "crate" => (Module::new(), &written[1..]),
        "self" => (from.clone(), &written[1..]),
        "super" => (from.clone(), &written[..]),
        first if files.contains_key(&[from.clone(), vec![first.to_owned()]].concat()) => (from.clone(), &written[..]),
        _ => return None,
    };
    while let [first, others @ ..] = rest {
        // The one module whose file has another name.
        let below = [at.clone(), vec![first.trim_start_matches("__").to_owned()]].concat();
        if first == "super" {
            at.pop();
        } else if files.contains_key(&below) {
            at = below;
        } else {
            break;
        }
        rest = others;
    }
    match rest.first().and_then(|name| files.get(&at)?.exported.get(name)) {
        Some(exported) if hops > 0 => defined_in(files, &at, exported, hops - 1).or(Some(at)),
        _ => Some(at),
    }
}

impl File {
    fn walk(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let (mut place, mut exports) = (0, false);
        while let Some(token) = tokens.get(place) {
            place += 1;
            match token {
                TokenTree::Punct(sign) if sign.as_char() == '#' => {
                    let Some(TokenTree::Group(attribute)) = tokens.get(place) else { continue };
                    let text = attribute.stream().to_string().replace(' ', "");
                    place += 1;
                    if text.starts_with("cfg(test")
                        || text.starts_with("cfg(doctest")
                        || text.starts_with("cfg(all(test")
                    {
                        place = self.skip(&tokens, place);
                    }
                }
                TokenTree::Group(group) => self.walk(group.stream()),
                TokenTree::Ident(word) if word == "pub" => {
                    exports = true;
                    if matches!(tokens.get(place), Some(TokenTree::Group(of)) if of.delimiter() == Delimiter::Parenthesis)
                    {
                        place += 1;
                    }
                    continue;
                }
                TokenTree::Ident(word) if word == "use" => {
                    let end = end_of_item(&tokens, place - 1);
                    for (name, path) in tree(&tokens[place..end - 1], &[]) {
                        if exports {
                            self.exported.insert(name, path);
                        } else {
                            self.named.push(path);
                        }
                    }
                    place = end;
                }
                TokenTree::Ident(_) => {
                    let (path, end) = path_at(&tokens, place - 1);
                    if path.len() > 1 {
                        self.named.push(path);
                    }
                    place = end;
                }
                _ => {}
            }
            exports = false;
        }
    }

    /// Skips an item that is only compiled for tests. Returns the position behind it.
    fn skip(&mut self, tokens: &[TokenTree], place: usize) -> usize {
        let end = end_of_item(tokens, place);
        let word = |token: &TokenTree| matches!(token, TokenTree::Ident(_)).then(|| token.to_string());
        let words: Vec<_> = tokens[place..end].iter().filter_map(word).collect();
        if let Some(at) = words.iter().position(|word| word == "mod") {
            self.tests.extend(words.get(at + 1).cloned());
        }
        end
    }
}

/// The position behind the item that begins here, after its `;` or its braces.
fn end_of_item(tokens: &[TokenTree], place: usize) -> usize {
    let is_use = matches!(&tokens[place..], [TokenTree::Ident(word), ..] if word == "use");
    let ends = |token: &TokenTree| match token {
        TokenTree::Punct(sign) => sign.as_char() == ';',
        TokenTree::Group(group) => !is_use && group.delimiter() == Delimiter::Brace,
        _ => false,
    };
    tokens[place..].iter().position(ends).map_or(tokens.len(), |at| place + at + 1)
}

/// The path that begins here, and the position behind it.
fn path_at(tokens: &[TokenTree], mut place: usize) -> (Written, usize) {
    let mut path = Written::new();
    while let Some(TokenTree::Ident(word)) = tokens.get(place) {
        path.push(word.to_string());
        place += 1;
        match tokens.get(place..place + 2) {
            Some([TokenTree::Punct(one), TokenTree::Punct(two)]) if one.as_char() == ':' && two.as_char() == ':' => {
                place += 2;
            }
            _ => break,
        }
    }
    (path, place)
}

/// The leaves of a tree of `use`: the name here, and the path.
fn tree(tokens: &[TokenTree], above: &[String]) -> Vec<(String, Written)> {
    let comma = |token: &TokenTree| matches!(token, TokenTree::Punct(sign) if sign.as_char() == ',');
    let mut leaves = Vec::new();
    for branch in tokens.split(comma).filter(|branch| !branch.is_empty()) {
        let (path, end) = path_at(branch, 0);
        let path = [above, &path[..]].concat();
        if let Some(TokenTree::Group(group)) = branch.get(end) {
            leaves.extend(tree(&group.stream().into_iter().collect::<Vec<_>>(), &path));
        } else {
            let alias = match branch.last() {
                Some(TokenTree::Ident(word)) => word.to_string(),
                _ => String::new(),
            };
            let path =
                if path.last().is_some_and(|last| last == "self") { path[..path.len() - 1].to_vec() } else { path };
            let name = if alias == "self" { path.last().cloned().unwrap_or_default() } else { alias };
            leaves.push((name, path));
        }
    }
    leaves
}
