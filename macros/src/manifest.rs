//! The source of a whole crate: `[package.metadata.mongrate]` in its Cargo.toml.
//!
//! Every expansion reads the file, so this parses one table and ignores the rest.

use std::path::Path;

/// The name of the file.
pub(crate) const NAME: &str = "Cargo.toml";

/// The source configured in the manifest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Manifest {
    /// There is no manifest: the build does not use Cargo.
    Missing,
    /// The manifest configures no source.
    Silent,
    /// `source = "..."` of the table.
    Source(String),
    /// The table cannot be parsed.
    Malformed,
}

impl Manifest {
    /// Reads the manifest of the crate being compiled.
    pub(crate) fn of_this_crate() -> Self {
        std::env::var_os("CARGO_MANIFEST_DIR")
            .and_then(|folder| std::fs::read_to_string(Path::new(&folder).join(NAME)).ok())
            .map_or(Self::Missing, |text| Self::read(&text))
    }

    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    fn read(text: &str) -> Self {
        if !text.contains("metadata") {
            return Self::Silent;
        }
        let mut table = String::new();
        let mut found = Self::Silent;
        for line in text.lines().map(str::trim) {
            if let Some(header) = line.strip_prefix('[') {
                table = key(header.split(']').next().unwrap_or_default());
                continue;
            }
            if !table.starts_with("package") && !line.starts_with("package") {
                continue;
            }
            let Some((name, value)) = line.split_once('=') else {
                continue;
            };
            let name = key(&format!("{table}.{name}"));
            match name.trim_start_matches('.') {
                "package.metadata.mongrate.source" => match string(value) {
                    Some(source) => found = Self::Source(source.to_owned()),
                    None => return Self::Malformed,
                },
                "package.metadata.mongrate" => return Self::Malformed,
                "package.metadata" | "package" if value.contains("mongrate") => {
                    return Self::Malformed;
                }
                other if other.starts_with("package.metadata.mongrate.") => return Self::Malformed,
                _ => {}
            }
        }
        found
    }
}

/// Removes spaces and quotes from a dotted key.
fn key(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '"' && *c != '\'').collect()
}

/// Parses a string on one line, followed by nothing but a comment.
fn string(value: &str) -> Option<&str> {
    let value = value.trim();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (text, rest) = value[1..].split_once(quote)?;
    let rest = rest.trim();
    (rest.is_empty() || rest.starts_with('#')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::Manifest;

    #[test]
    fn the_source_of_a_crate_is_found_in_its_table() {
        let menu = || Manifest::Source("module:menu".to_owned());
        for (text, expected) in [
            ("[package]\nname = \"a\"\n", Manifest::Silent),
            ("[package]\n[package.metadata.docs.rs]\nall-features = true\n", Manifest::Silent),
            ("[package.metadata.mongrate]\nsource = \"module:menu\"\n", menu()),
            ("[package.metadata.mongrate]\r\nsource = \"module:menu\"\r\n", menu()),
            ("[ package . metadata . \"mongrate\" ] # why\n source='module:menu' # why\n[lib]\nsource = 1", menu()),
            ("[package.metadata]\nmongrate.source = \"module:menu\"", menu()),
            ("[package]\nmetadata.mongrate.source = \"module:menu\"", menu()),
            ("package.metadata.mongrate.source = \"module:menu\"", menu()),
            ("[workspace.metadata.mongrate]\nsource = \"module:menu\"", Manifest::Silent),
            ("[package.metadata]\nmongrate = { source = \"module:menu\" }", Manifest::Malformed),
            ("[package]\nmetadata = { mongrate = { source = \"module:menu\" } }", Manifest::Malformed),
            ("[package.metadata.mongrate]\nsource = 1", Manifest::Malformed),
            ("[package.metadata.mongrate]\nsuorce = \"module:menu\"", Manifest::Malformed),
        ] {
            assert_eq!(Manifest::read(text), expected, "{text}");
        }
    }
}
