//! One line per budget.

use std::fmt::Display;

/// The heads of the columns.
pub(crate) fn head() {
    println!("{:<58} {:>34} {:>22}", "what", "measured", "budget");
}

/// A line, and whether it is within the budget.
pub(crate) fn line(what: &str, measured: impl Display, budget: impl Display, within: bool) {
    let verdict = if within { "" } else { "  OVER BUDGET" };
    println!("{what:<58} {:>34} {:>22}{verdict}", measured.to_string(), budget.to_string());
}
