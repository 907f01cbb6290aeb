//! What has happened to the customers since version 1, in files by what it does.
//!
//! A migration says all that it needs by itself and uses nothing of the application's: the application goes on
//! changing, and an old database must still get from there to here.

mod cleaning;
mod indexes;
mod phones;
mod roles;
mod validator;
mod verification;
