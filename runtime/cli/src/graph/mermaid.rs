//! The graph for Mermaid: <https://mermaid.js.org/syntax/flowchart.html>

use std::fmt::{self, Display, Write};

use super::drawing::{Class, Drawing, NOTE};
use super::paint;

/// How many edges and how many characters Mermaid takes, unless whoever draws with it sets `maxEdges` and `maxTextSize`.
pub(super) const EDGES: usize = 500;
pub(super) const TEXT: usize = 50_000;

/// Writes a `flowchart`, with a subgraph for each source.
pub(super) struct Mermaid<'d>(pub(super) &'d Drawing);

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
            // One without edges to the others would turn.
            write!(f, "\n    direction LR")?;
            for (place, node) in nodes {
                let label = node.label(node.name());
                write!(f, "\n    n{place}[\"{}\"]:::{}", Escaped(&label), node.class.word())?;
                if node.is_foreign {
                    write!(f, "\n    style n{place} stroke-dasharray:4 3")?;
                }
            }
            write!(f, "\n  end")?;
        }
        edges.iter().try_for_each(|(from, to)| write!(f, "\n  n{from} --> n{to}"))
    }
}

/// A label in which nothing is special: neither the quotation mark that ends it nor HTML nor Markdown.
struct Escaped<'t>(&'t str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|sign| match sign {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | '*' => write!(f, "#{};", u32::from(sign)),
            sign => f.write_char(sign),
        })
    }
}
