//! Operations of `Schema`, and bodies that are interrupted, fail or change.

mod changed;
mod collections;
mod confirmed;
mod conflicts;
mod indexes;
mod resumes;
mod strict;
