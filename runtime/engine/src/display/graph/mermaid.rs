//! The graph for Mermaid: <https://mermaid.js.org/syntax/flowchart.html>

use std::fmt::{self, Display, Write};

use super::drawing::{Class, Drawing, NOTE};
use super::paint;

/// Displays a drawing as a `flowchart` of Mermaid, with a subgraph for each source.
#[derive(Clone, Copy, Debug)]
pub struct Mermaid<'d>(pub &'d Drawing);

impl Mermaid<'_> {
    /// Mermaid's default limit of edges: `maxEdges`.
    pub const MAX_EDGES: usize = 500;
    /// Mermaid's default limit of characters: `maxTextSize`.
    pub const MAX_TEXT: usize = 50_000;
}

impl Display for Mermaid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Drawing { nodes, edges } = self.0;
        writeln!(f, "flowchart LR")?;
        write!(f, "  %% {NOTE}")?;
        for class in Class::ALL {
            let paint = paint::light(class);
            if nodes.iter().any(|node| node.class == class) {
                let (word, fill, stroke, text) = (class.word(), paint.fill, paint.stroke, paint.text);
                write!(f, "\n  classDef {word} fill:{fill},stroke:{stroke},color:{text}")?;
            }
        }
        for (number, (source, nodes)) in self.0.by_source().into_iter().enumerate() {
            write!(f, "\n  subgraph s{number}[\"{}\"]", Escaped(&source.to_string()))?;
            // A subgraph without edges to the others would be rotated.
            write!(f, "\n    direction LR")?;
            for (index, node) in nodes {
                let label = node.label(node.name());
                write!(f, "\n    n{index}[\"{}\"]:::{}", Escaped(&label), node.class.word())?;
                if node.is_foreign {
                    write!(f, "\n    style n{index} stroke-dasharray:4 3")?;
                }
            }
            write!(f, "\n  end")?;
        }
        edges.iter().try_for_each(|(from, to)| write!(f, "\n  n{from} --> n{to}"))
    }
}

/// An escaped label: quotation marks, HTML and Markdown have no meaning in it.
struct Escaped<'t>(&'t str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|sign| match sign {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | '*' => write!(f, "#{};", u32::from(sign)),
            sign => f.write_char(sign),
        })
    }
}
