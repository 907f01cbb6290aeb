//! The colors of an image.

use super::drawing::Class;

/// The colors of a box, as `#rrggbb`. The text is readable on the fill on any background.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub(super) fill: &'static str,
    pub(super) stroke: &'static str,
    pub(super) text: &'static str,
}

/// For a light background.
pub(super) fn light(class: Class) -> Paint {
    let (fill, stroke, text) = match class {
        Class::Linked => ("#f6f8fa", "#57606a", "#24292f"),
        Class::Completed => ("#dafbe1", "#1a7f37", "#0b4a1e"),
        Class::Running => ("#ddf4ff", "#0969da", "#0a3069"),
        Class::Failed => ("#ffebe9", "#cf222e", "#82071e"),
        Class::Pending => ("#fff8c5", "#9a6700", "#4d2d00"),
        Class::Manual => ("#f6f8fa", "#8c959f", "#57606a"),
    };
    Paint { fill, stroke, text }
}

/// For a dark background.
pub(super) fn dark(class: Class) -> Paint {
    let (fill, stroke, text) = match class {
        Class::Linked => ("#161b22", "#8b949e", "#c9d1d9"),
        Class::Completed => ("#12261e", "#3fb950", "#aff5b4"),
        Class::Running => ("#121d2f", "#58a6ff", "#cae8ff"),
        Class::Failed => ("#2d1215", "#f85149", "#ffdcd7"),
        Class::Pending => ("#272115", "#d29922", "#f8e3a1"),
        Class::Manual => ("#161b22", "#6e7681", "#9aa4ae"),
    };
    Paint { fill, stroke, text }
}
