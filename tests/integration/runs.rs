//! What a run is told, and what it tells.

mod limited;
mod settings;
