//! Drawings of any size.

use std::time::{Duration, Instant};

use super::*;

#[test]
fn of_nothing() {
    let nothing = Drawing::default();
    expect("nothing.dot", &Dot(&nothing).to_string());
    expect("nothing.mmd", &Mermaid(&nothing).to_string());
    expect("nothing.svg", &Svg::new(&nothing).to_string());
}

#[test]
fn of_a_thousand_in_a_chain() {
    let ids: Vec<_> = (0..1_000).map(|number| format!("{number:03}_x")).collect();
    // Each depends on the ten before it: 9,945 edges, of which 999 are left.
    let before = |at: usize| ids[at.saturating_sub(10)..at].join(", ");
    let chain: Vec<_> = (1..ids.len()).map(|at| format!("{} <- {}", before(at), ids[at])).collect();
    let drawing = drawn(&chain.join("\n"));
    let begun = Instant::now();
    let drawing = drawing.reduced();
    assert_eq!(drawing.edges.len(), 999);
    let written = [Dot(&drawing).to_string(), Mermaid(&drawing).to_string(), Svg::new(&drawing).to_string()];
    assert!(written.iter().all(|text| text.contains("999_x")));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
