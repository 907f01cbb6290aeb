//! What a run is told, and what it tells.

mod child;
mod conclusion;
mod identity;
mod limited;
mod settings;
mod stop;
