//! `new`

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::session::Session;

#[derive(Clone, Debug, Args)]
pub(super) struct New {}

impl New {
    pub(super) fn run(self, _session: &Session) -> Result<Exit, Failure> {
        Err(Failure::usage("not there yet"))
    }
}
