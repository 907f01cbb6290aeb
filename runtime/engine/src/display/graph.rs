//! Drawings of the dependency graph: SVG, Graphviz and Mermaid, and the layout that they share with the text output of the command
//! line.

mod dot;
mod drawing;
mod mermaid;
mod paint;
mod part;
mod rails;
mod svg;
#[cfg(test)]
mod tests;

pub use self::dot::Dot;
pub use self::drawing::{Class, Drawing, Node};
pub use self::mermaid::Mermaid;
pub use self::rails::{Limits, Line, Rails};
pub use self::svg::Svg;
