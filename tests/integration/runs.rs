//! The settings, the identity, the events and the end of a run.

mod child;
mod conclusion;
mod events;
mod identity;
mod limited;
mod settings;
mod stop;
