//! What a `Schema` can do: each operation by itself, and a body that is interrupted, fails or changes.

mod changed;
mod collections;
mod confirmed;
mod conflicts;
mod indexes;
mod resumes;
mod strict;
