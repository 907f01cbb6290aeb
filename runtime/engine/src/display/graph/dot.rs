//! The graph for Graphviz: <https://graphviz.org/doc/info/lang.html>

use std::fmt::{self, Display};

use super::drawing::{Drawing, NOTE, Node};
use super::paint;

/// Displays a drawing as a `digraph` of Graphviz, with a cluster for each source.
#[derive(Clone, Copy, Debug)]
pub struct Dot<'d>(pub &'d Drawing);

impl Display for Dot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "// {NOTE}")?;
        writeln!(f, "digraph migrations {{")?;
        writeln!(f, "  graph [rankdir=LR, fontname=Helvetica, color=\"#afb8c1\", style=rounded]")?;
        writeln!(f, "  node [shape=box, fontname=Helvetica]")?;
        writeln!(f, "  edge [color=\"#57606a\"]")?;
        for (source, nodes) in self.0.by_source() {
            let source = source.to_string();
            writeln!(f, "  subgraph {} {{", Quoted(&format!("cluster_{source}")))?;
            writeln!(f, "    label={}", Shown(&source))?;
            nodes.into_iter().try_for_each(|(_, node)| write_node(f, node))?;
            writeln!(f, "  }}")?;
        }
        for &(from, to) in &self.0.edges {
            let [from, to] = [from, to].map(|index| Quoted(self.0.nodes[index].id));
            writeln!(f, "  {from} -> {to}")?;
        }
        write!(f, "}}")
    }
}

fn write_node(f: &mut fmt::Formatter<'_>, node: &Node) -> fmt::Result {
    let paint = paint::light(node.class);
    let style = if node.is_foreign { "rounded,filled,dashed" } else { "rounded,filled" };
    write!(f, "    {} [label={}, ", Quoted(node.id), Shown(&node.label(node.name())))?;
    write!(f, "fillcolor=\"{}\", color=\"{}\", fontcolor=\"{}\", ", paint.fill, paint.stroke, paint.text)?;
    writeln!(f, "style=\"{style}\", tooltip={}]", Shown(&node.described()))
}

/// A quoted name.
struct Quoted<'t>(&'t str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// A label, in which Graphviz interprets HTML entities.
struct Shown<'t>(&'t str);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Quoted(&self.0.replace('&', "&amp;")).fmt(f)
    }
}
