//! The changes of the customers and orders since version 1, one file per topic.
//!
//! A migration is self-contained and uses no code of the application: the application keeps changing, but an old
//! database still has to be migrated the same way.

mod cleaning;
mod indexes;
mod orders;
mod phones;
mod roles;
mod validator;
mod verification;
