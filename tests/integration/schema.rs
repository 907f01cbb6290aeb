//! Operations of `Schema`, and bodies that are interrupted, fail or change.

mod changed;
mod collections;
mod confirmed;
mod conflicts;
mod indexes;
mod queries;
mod replacing;
mod resumes;
mod several;
mod strict;
