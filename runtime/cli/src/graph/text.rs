//! The graph as text.

mod cells;

use console::truncate_str;
use mongrate::display::graph::{Class, Drawing, Limits, Node, Rails};

use self::cells::{Cells, Row};
use crate::ink::{CYAN, DIM, GREEN, Ink, NONE, RED, YELLOW};

/// Limits beyond which lines are hard to follow.
const LIMITS: Limits = Limits { rows: 24, columns: 8 };

/// The longest id to which the others are aligned.
const ALIGNED: usize = 48;

/// A row for each migration: its lines, its status, its id and its summary. No row is wider than `width`.
pub(super) fn text(drawing: &Drawing, width: Option<usize>) -> String {
    let rails = Rails::lay(drawing, LIMITS);
    let ids = drawing.nodes.iter().map(|node| node.id.len()).filter(|&len| len <= ALIGNED).max().unwrap_or_default();
    let mut text = String::new();
    for ((node, row), named) in drawing.nodes.iter().zip(Cells::new(&rails)).zip(&rails.named) {
        let Row { left, marker, right } = row;
        let color = color(node.class);
        let sign = node.class.sign().map(|sign| color.paint(format!("{sign} ")).to_string()).unwrap_or_default();
        let id = (if node.is_foreign { DIM } else { NONE }).paint(format!("{:ids$}", node.id));
        let named: Vec<&str> = named.iter().map(|&index| drawing.nodes[index].id).collect();
        let row = format!("{left}{}{right}  {sign}{id}  {}", color.paint(marker), remarks(node, &named));
        text += width.map_or(row.as_str().into(), |width| truncate_str(&row, width, "…")).trim_end();
        text.push('\n');
    }
    let legend = drawing.legend().into_iter().map(|(class, words)| color(class).paint(words).to_string());
    let gap = if text.is_empty() { "" } else { "\n" };
    text + gap + &legend.collect::<Vec<_>>().join("  ")
}

fn remarks(node: &Node, named: &[&str]) -> String {
    let mut remarks = Vec::new();
    if let Some(word) = node.special() {
        remarks.push(color(node.class).paint(word).to_string());
    }
    if !named.is_empty() {
        remarks.push(CYAN.paint(format_args!("← {}", named.join(", "))).to_string());
    }
    if !node.summary.is_empty() {
        remarks.push(DIM.paint(&node.summary).to_string());
    }
    remarks.join("  ")
}

/// The color of the status.
fn color(class: Class) -> Ink {
    match class {
        Class::Completed => GREEN,
        Class::Running => CYAN,
        Class::Failed => RED,
        Class::Pending => YELLOW,
        Class::Manual => DIM,
        _ => NONE,
    }
}
