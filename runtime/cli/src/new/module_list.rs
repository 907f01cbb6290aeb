//! The `mod` items of a file.

use std::fs;
use std::ops::Range;
use std::path::Path;

use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Item, ItemMod};

/// A file of Rust code.
pub(super) struct ModuleList {
    text: String,
    /// Where the code begins: after a byte order mark and a shebang, which syn does not count.
    start: usize,
    items: Vec<Item>,
}

impl ModuleList {
    /// `None` if syn cannot read it: it may be missing, or of a newer syntax.
    pub(super) fn read(file: &Path) -> Option<Self> {
        Self::of(fs::read_to_string(file).ok()?)
    }

    fn of(text: String) -> Option<Self> {
        let file = syn::parse_file(&text).ok()?;
        let mark = text.len() - text.trim_start_matches('\u{feff}').len();
        Some(Self { start: mark + file.shebang.map_or(0, |line| line.len()), items: file.items, text })
    }

    /// The text of `mod name;` at the top level, and which of its attributes leaves open whether there is such a module, or
    /// where its file is.
    pub(super) fn declaration(&self, name: &str) -> Option<(String, Option<String>)> {
        let item = self.items.iter().find(|item| in_file(item).is_some_and(|module| module.ident.unraw() == name))?;
        let mut attributes = in_file(item)?.attrs.iter().filter_map(|it| Some(it.path().get_ident()?.to_string()));
        let open = attributes.find(|name| matches!(name.as_str(), "cfg" | "cfg_attr" | "path"));
        Some((self.text[self.range(item)].to_owned(), open))
    }

    /// The text with `mod name;` in it: after the module `beside`, or else among the others, below the imports, or above all
    /// else. `None` if there is a module of this name.
    pub(super) fn with(&self, name: &str, beside: Option<&str>) -> Option<String> {
        let is_there = |item: &Item| matches!(item, Item::Mod(module) if module.ident.unraw() == name);
        if self.items.iter().any(is_there) {
            return None;
        }
        let limit = beside.unwrap_or(name);
        let is_smaller = |item: &&Item| in_file(item).is_some_and(|module| *module.ident.unraw().to_string() <= *limit);
        let line = format!("mod {name};");
        let mut modules = self.items.iter().filter(|item| in_file(item).is_some());
        let imports = self.items.iter().take_while(|item| matches!(item, Item::Use(_) | Item::ExternCrate(_)));
        Some(match (modules.clone().rfind(is_smaller), modules.next(), imports.last(), self.items.first()) {
            (Some(smaller), ..) => self.after(smaller, &format!("\n{line}")),
            (_, Some(module), ..) => self.at(self.range(module).start, &format!("{line}\n")),
            (_, _, Some(import), _) => self.after(import, &format!("\n\n{line}")),
            (.., Some(first)) => self.at(self.range(first).start, &format!("{line}\n\n")),
            _ => self.at(self.text.len(), &format!("\n{line}\n")),
        })
    }

    /// With a line more after that of an item, or right after the item if more code follows it there.
    fn after(&self, item: &Item, added: &str) -> String {
        let end = self.range(item).end;
        let rest = self.text[end..].lines().next().unwrap_or_default().trim_end();
        let is_clear = rest.is_empty() || rest.trim_start().starts_with("//");
        self.at(if is_clear { end + rest.len() } else { end }, added)
    }

    fn at(&self, place: usize, added: &str) -> String {
        let (above, below) = self.text.split_at(place);
        let added = if self.text.contains("\r\n") { added.replace('\n', "\r\n") } else { added.to_owned() };
        format!("{above}{added}{below}")
    }

    fn range(&self, item: &Item) -> Range<usize> {
        let range = item.span().byte_range();
        self.start + range.start..self.start + range.end
    }
}

/// A module in a file of its own.
fn in_file(item: &Item) -> Option<&ItemMod> {
    match item {
        Item::Mod(module) if module.content.is_none() => Some(module),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str, beside: Option<&str>) -> Option<String> {
        ModuleList::of(text.to_owned()).unwrap().with("m002_b", beside)
    }

    #[test]
    fn it_goes_after_the_module_beside_which_it_belongs() {
        for (text, expected) in [
            ("mod m001_a;\n", "mod m001_a;\nmod m002_b;\n"),
            ("mod m001_a;", "mod m001_a;\nmod m002_b;"),
            ("mod m001_a;\nmod m003_c;\n", "mod m001_a;\nmod m002_b;\nmod m003_c;\n"),
            ("pub mod m001_a; // A.\n// B.\nfn f() {}\n", "pub mod m001_a; // A.\nmod m002_b;\n// B.\nfn f() {}\n"),
            ("mod m001_a; fn f() {\n}\n", "mod m001_a;\nmod m002_b; fn f() {\n}\n"),
            ("mod m001_a; /* a\nb */\n", "mod m001_a;\nmod m002_b; /* a\nb */\n"),
            ("mod m001_a;\r\n\r\nfn f() {}\r\n", "mod m001_a;\r\nmod m002_b;\r\n\r\nfn f() {}\r\n"),
            ("\u{feff}// ü\nmod m001_a;\n", "\u{feff}// ü\nmod m001_a;\nmod m002_b;\n"),
            ("#!/usr/bin/env ä\nmod m001_a;\n", "#!/usr/bin/env ä\nmod m001_a;\nmod m002_b;\n"),
        ] {
            assert_eq!(with(text, Some("m001_a")).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn it_goes_among_modules_or_below_imports_or_above_all_else() {
        let use_b = "//! W.\n\nuse a::{\n    B,\n}; // B.\n\nfn f() {}";
        for (text, expected) in [
            ("mod a;\nmod z;\n\nuse b::C;\n", "mod a;\nmod m002_b;\nmod z;\n\nuse b::C;\n"),
            ("use b::C;\n\nmod z;\n", "use b::C;\n\nmod m002_b;\nmod z;\n"),
            ("", "\nmod m002_b;\n"),
            ("//! What.\n", "//! What.\n\nmod m002_b;\n"),
            ("#![deny(warnings)]\n/// F.\nfn f() {}\n", "#![deny(warnings)]\nmod m002_b;\n\n/// F.\nfn f() {}\n"),
            ("#!/bin/sh\n#![allow(unused)]\n", "#!/bin/sh\n#![allow(unused)]\n\nmod m002_b;\n"),
            (use_b, "//! W.\n\nuse a::{\n    B,\n}; // B.\n\nmod m002_b;\n\nfn f() {}"),
            ("// Licence.\n\nfn f() {}\n", "// Licence.\n\nmod m002_b;\n\nfn f() {}\n"),
            ("mod a {\n    mod c;\n}\n", "mod m002_b;\n\nmod a {\n    mod c;\n}\n"),
        ] {
            let made = with(text, None).unwrap();
            assert_eq!(made, expected, "{text}");
            assert!(syn::parse_file(&made).is_ok(), "{made}");
        }
    }

    #[test]
    fn a_module_that_is_there_is_not_declared_again() {
        assert_eq!(with("mod m002_b;\n", None), None);
        assert_eq!(with("mod m002_b {}\n", None), None);
    }
}
