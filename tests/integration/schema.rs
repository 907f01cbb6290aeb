//! What a `Schema` can do: everything twice, because an interrupted migration starts again from the top.

mod collections;
mod conflicts;
mod indexes;
mod resumes;
