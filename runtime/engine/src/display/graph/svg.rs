//! The graph as an SVG image.
//!
//! It has the rows and lines of the text output, not boxes in layers. Migrations mostly form long chains, which become very wide in
//! layers, with lines through boxes from about thirty nodes on. (The crate `layout-rs` does so, and it panics on an empty graph.) Rows
//! keep plan order, have room for a summary, and stay readable by the hundred.

mod shapes;

use std::fmt::{self, Display};

use self::shapes::{Bend, Encoded, Escaped, Pill, Style, Text};
use super::drawing::{Class, Drawing, Node};
use super::paint::{self, Paint};
use super::rails::{Limits, Line, Rails};

/// An image can be scrolled, but should not consist of lines only.
const LIMITS: Limits = Limits { rows: usize::MAX, columns: 48 };

/// In pixels, like all sizes here.
const MARGIN: usize = 24;
const ROW: usize = 30;
const COLUMN: usize = 18;
/// Gap between a box and the text beside it.
const GAP: usize = 12;

/// Maximum number of characters of a text beside a box.
const REMARK: usize = 80;
/// Average width of a character.
const CHARACTER: usize = 7;

const EXPLANATION: &str = "Lines lead from a migration down to those that depend on it.";

/// Displays a drawing as an SVG image.
#[derive(Debug)]
pub struct Svg<'d> {
    drawing: &'d Drawing,
    rails: Rails,
    /// The text beside each node.
    remarks: Vec<String>,
    /// The left edge of the boxes and of the texts.
    boxes: usize,
    texts: usize,
    /// The beginning of all links, if the image is a part of an HTML page.
    link: Option<&'d str>,
}

impl<'d> Svg<'d> {
    /// Lays out an image that stands alone, with a style sheet for light and dark backgrounds.
    #[must_use]
    pub fn new(drawing: &'d Drawing) -> Self {
        let rails = Rails::lay(drawing, LIMITS);
        let remark = |(node, named): (&Node, &Vec<usize>)| remark(drawing, node, named);
        let remarks = drawing.nodes.iter().zip(&rails.named).map(remark).collect();
        let boxes = MARGIN + rails.width() * COLUMN;
        let widest = drawing.nodes.iter().map(|node| shapes::width(&node.label(node.id))).max().unwrap_or_default();
        Self { drawing, rails, remarks, boxes, texts: boxes + widest + GAP, link: None }
    }

    /// Makes the image a part of an HTML page: without a style sheet, so that a strict content security policy accepts it, and with
    /// a link from each migration. The link is `prefix`, such as `migration?id=`, followed by the encoded id.
    ///
    /// Its colors are attributes, which the style sheet of the page overrides: `.graph` is the image, `.completed rect` the box of an
    /// applied migration (the other classes are [`Class::word`]) and `.completed .id` its label. `.remark`, `.guide`, `.line` and
    /// `.foreign` are the other parts.
    #[must_use]
    pub fn inline(self, prefix: &'d str) -> Self {
        Self { link: Some(prefix), ..self }
    }

    /// The attributes of an element, if there is no style sheet.
    fn unstyled<'a>(&self, attributes: &'a str) -> &'a str {
        if self.link.is_some() { attributes } else { "" }
    }

    fn paint(&self, class: Class) -> Option<Paint> {
        self.link.map(|_| paint::light(class))
    }

    fn remark<'t>(&self, at: (usize, usize), words: &'t str) -> Text<'t> {
        Text { class: "remark", at, words, fill: self.link.map(|_| shapes::REMARK) }
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, line: &Line) -> fmt::Result {
        let (own, column) = (x(self.rails.columns[line.from]), x(line.column));
        let color = line.column % shapes::LINES.len();
        let painted = format!(" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"", shapes::LINES[color]);
        write!(f, "<path class=\"line line{color}\"{} d=\"", self.unstyled(&painted))?;
        let begin = if own == column { line.from } else { line.from + 1 };
        if own != column {
            write!(f, "{}", Bend { from: (own, y(line.from)), to: (column, y(begin)) })?;
        }
        if begin + 1 < line.last() {
            write!(f, "M{column} {}V{}", y(begin), y(line.last() - 1))?;
        }
        for &to in &line.to {
            write!(f, "{}", Bend { from: (column, y(to - 1)), to: (x(self.rails.columns[to]), y(to)) })?;
        }
        let ids: Vec<_> = line.to.iter().map(|&to| self.drawing.nodes[to].id).collect();
        let title = format!("{} → {}", self.drawing.nodes[line.from].id, ids.join(", "));
        writeln!(f, "\"><title>{}</title></path>", Escaped(&title))
    }

    fn node(&self, f: &mut fmt::Formatter<'_>, row: usize) -> fmt::Result {
        let (node, cx, cy) = (&self.drawing.nodes[row], x(self.rails.columns[row]), y(row));
        let foreign = if node.is_foreign { " foreign" } else { "" };
        let described = node.described();
        let described = Escaped(&described);
        let class = node.class.word();
        match self.link {
            Some(prefix) => {
                let dashed = if node.is_foreign { " stroke-dasharray=\"4 3\" opacity=\"0.7\"" } else { "" };
                let (prefix, id) = (Escaped(prefix), Encoded(node.id));
                write!(f, "<a class=\"{class}{foreign}\" href=\"{prefix}{id}\"{dashed} ")?;
            }
            None => write!(f, "<g class=\"{class}{foreign}\" role=\"graphics-symbol\" ")?,
        }
        writeln!(f, "aria-label=\"{described}\"><title>{described}</title>")?;
        let guide = self.unstyled(" stroke=\"#d0d7de\" stroke-dasharray=\"1 4\"");
        write!(f, "<path class=\"guide\"{guide} d=\"M{cx} {cy}H{}\"/>", self.boxes)?;
        let fill = self.paint(node.class).map(|paint| format!(" fill=\"{}\"", paint.stroke)).unwrap_or_default();
        writeln!(f, "<circle cx=\"{cx}\" cy=\"{cy}\" r=\"5\"{fill}/>")?;
        let paint = self.paint(node.class);
        writeln!(f, "{}", Pill { at: (self.boxes, cy), label: &node.label(node.id), paint })?;
        let end = if self.link.is_some() { "a" } else { "g" };
        writeln!(f, "{}</{end}>", self.remark((self.texts, cy), &self.remarks[row]))
    }

    fn legend(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut x, y) = (MARGIN - GAP, y(self.drawing.nodes.len()) + GAP);
        for (class, words) in self.drawing.legend() {
            writeln!(
                f,
                "<g class=\"{}\">{}</g>",
                class.word(),
                Pill { at: (x, y), label: &words, paint: self.paint(class) }
            )?;
            x += shapes::width(&words) + GAP;
        }
        writeln!(f, "{}", self.remark((x, y), EXPLANATION))
    }

    /// Size of the image.
    fn size(&self) -> (usize, usize) {
        let remark = self.remarks.iter().map(|remark| remark.chars().count()).max().unwrap_or_default();
        let legend: usize = self.drawing.legend().iter().map(|(_, words)| shapes::width(words) + GAP).sum();
        let legend = legend + EXPLANATION.len() * CHARACTER;
        let width = (self.texts + remark * CHARACTER).max(MARGIN + legend) + MARGIN;
        (width, y(self.drawing.nodes.len()) + GAP + MARGIN)
    }
}

/// The text beside a node, truncated to the available width.
fn remark(drawing: &Drawing, node: &Node, named: &[usize]) -> String {
    let mut parts: Vec<String> = node.special().map(str::to_owned).into_iter().collect();
    if !named.is_empty() {
        let ids: Vec<_> = named.iter().map(|&index| drawing.nodes[index].id).collect();
        parts.push(format!("← {}", ids.join(", ")));
    }
    parts.extend((!node.summary.is_empty()).then(|| node.summary.clone()));
    let remark = parts.join(" · ");
    match remark.char_indices().nth(REMARK) {
        Some((end, _)) => format!("{}…", remark[..end].trim_end()),
        None => remark,
    }
}

fn x(column: usize) -> usize {
    MARGIN + column * COLUMN
}

fn y(row: usize) -> usize {
    MARGIN + row * ROW
}

impl Display for Svg<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height) = self.size();
        let counts: Vec<_> = self.drawing.legend().into_iter().map(|(_, words)| words).collect();
        write!(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" ")?;
        write!(f, "viewBox=\"0 0 {width} {height}\" role=\"graphics-document\" ")?;
        write!(f, "aria-label=\"Migrations: {}\"", Escaped(&counts.join(", ")))?;
        writeln!(f, "{}>", self.unstyled(" class=\"graph\" font-family=\"ui-monospace, monospace\" font-size=\"13\""))?;
        writeln!(f, "<desc>{EXPLANATION}</desc>")?;
        if self.link.is_none() {
            writeln!(f, "<style>\n{Style}</style>")?;
            writeln!(f, "<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>")?;
        }
        self.rails.lines.iter().try_for_each(|line| self.line(f, line))?;
        (0..self.drawing.nodes.len()).try_for_each(|row| self.node(f, row))?;
        self.legend(f)?;
        write!(f, "</svg>")
    }
}
