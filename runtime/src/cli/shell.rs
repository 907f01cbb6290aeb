//! `shell`

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::session::Session;

#[derive(Clone, Debug, Args)]
pub(super) struct Shell {}

impl Shell {
    pub(super) async fn run(self, _session: &Session) -> Result<Exit, Failure> {
        Err(Failure::usage("not there yet"))
    }
}
