//! Output formats.

use clap::builder::{PossibleValuesParser, TypedValueParser};

/// The format of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// For people.
    Table,
    /// One JSON document on stdout, even if the command fails.
    Json,
    /// The other formats are those of a graph.
    Text,
    Dot,
    Mermaid,
    Svg,
}

impl Format {
    /// Parses one of these names. The `--format` of `graph` replaces the one that all commands have.
    pub(super) fn among(names: &'static [&'static str]) -> impl TypedValueParser<Value = Self> {
        PossibleValuesParser::new(names).map(|name| match name.as_str() {
            "json" => Self::Json,
            "text" => Self::Text,
            "dot" => Self::Dot,
            "mermaid" => Self::Mermaid,
            "svg" => Self::Svg,
            _ => Self::Table,
        })
    }
}
