//! SVG elements.

use std::fmt::{self, Display, Write};

use crate::display::graph::drawing::Class;
use crate::display::graph::paint::{self, Paint};

/// Colors of lines, so that neighbors differ. Visible on white and black, and different from the status colors.
pub(super) const LINES: [&str; 6] = ["#8250df", "#1b7c83", "#bf3989", "#6e7781", "#4c6ef5", "#b26a00"];

/// Color of secondary text.
pub(super) const REMARK: &str = "#57606a";

const FIXED: &str = "\
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace }
.remark { fill: #57606a; font-family: system-ui, 'Segoe UI', Helvetica, Arial, sans-serif }
.paper { fill: #ffffff }
.guide { stroke: #d0d7de; stroke-dasharray: 1 4 }
.line { fill: none; stroke-width: 2 }
.line:hover { stroke-width: 5 }
.foreign rect { stroke-dasharray: 4 3 }
.foreign { opacity: 0.7 }
";

const DARK: &str = "\
.remark { fill: #8b949e }
.paper { fill: #0d1117 }
.guide { stroke: #30363d }
";

/// The style sheet.
pub(super) struct Style;

impl Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FIXED)?;
        for (number, color) in LINES.iter().enumerate() {
            writeln!(f, ".line{number} {{ stroke: {color} }}")?;
        }
        classes(f, paint::light)?;
        write!(f, "@media (prefers-color-scheme: dark) {{\n{DARK}")?;
        classes(f, paint::dark)?;
        writeln!(f, "}}")
    }
}

fn classes(f: &mut fmt::Formatter<'_>, paint: fn(Class) -> Paint) -> fmt::Result {
    Class::ALL.into_iter().try_for_each(|class| {
        let (word, Paint { fill, stroke, text }) = (class.word(), paint(class));
        write!(f, ".{word} rect {{ fill: {fill}; stroke: {stroke} }} .{word} circle {{ fill: {stroke} }} ")?;
        writeln!(f, ".{word} .id {{ fill: {text} }}")
    })
}

/// A label in a box, at its left edge and vertical center.
pub(super) struct Pill<'t> {
    pub(super) at: (usize, usize),
    pub(super) label: &'t str,
    /// Its colors, if there is no style sheet.
    pub(super) paint: Option<Paint>,
}

impl Pill<'_> {
    const HEIGHT: usize = 22;
    /// Padding on each side of the label.
    const PADDING: usize = 10;
    /// Width of a monospaced character in any font.
    const CHARACTER: usize = 8;
}

/// Width of the box around a label.
pub(super) fn width(label: &str) -> usize {
    2 * Pill::PADDING + label.chars().count() * Pill::CHARACTER
}

impl Display for Pill<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (x, middle) = self.at;
        let (width, height, radius) = (width(self.label), Self::HEIGHT, Self::HEIGHT / 2);
        write!(f, "<rect x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"", middle - radius)?;
        if let Some(Paint { fill, stroke, .. }) = self.paint {
            write!(f, " fill=\"{fill}\" stroke=\"{stroke}\"")?;
        }
        let fill = self.paint.map(|paint| paint.text);
        write!(f, "/>{}", Text { class: "id", at: (x + Self::PADDING, middle), words: self.label, fill })
    }
}

/// A line of text, at its left edge and vertical center.
pub(super) struct Text<'t> {
    pub(super) class: &'static str,
    pub(super) at: (usize, usize),
    pub(super) words: &'t str,
    /// Its color, if there is no style sheet.
    pub(super) fill: Option<&'static str>,
}

impl Text<'_> {
    /// Distance from the center of the letters to their baseline. `dominant-baseline` is not supported everywhere.
    const BASELINE: usize = 4;
}

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, (x, middle)) = (self.class, self.at);
        write!(f, "<text class=\"{class}\" x=\"{x}\" y=\"{}\"", middle + Self::BASELINE)?;
        if let Some(fill) = self.fill {
            write!(f, " fill=\"{fill}\"")?;
        }
        write!(f, ">{}</text>", Escaped(self.words))
    }
}

/// A line from one column down to another.
pub(super) struct Bend {
    pub(super) from: (usize, usize),
    pub(super) to: (usize, usize),
}

impl Display for Bend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((x, top), (to, bottom)) = (self.from, self.to);
        let middle = usize::midpoint(top, bottom);
        write!(f, "M{x} {top}")?;
        if x == to { write!(f, "V{bottom}") } else { write!(f, "C{x} {middle} {to} {middle} {to} {bottom}") }
    }
}

/// A text in the query of a URL.
pub(super) struct Encoded<'t>(pub(super) &'t str);

impl Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => f.write_char(char::from(byte)),
            _ => write!(f, "%{byte:02X}"),
        })
    }
}

/// Text in XML.
pub(super) struct Escaped<'t>(pub(super) &'t str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|sign| match sign {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            _ => f.write_char(sign),
        })
    }
}
