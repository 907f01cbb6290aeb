//! `graph`

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::session::Session;

#[derive(Clone, Debug, Args)]
pub(super) struct Graph {
    /// Only what is linked in, without a database
    #[arg(long)]
    pub(super) offline: bool,
}

impl Graph {
    pub(super) async fn run(self, _session: &Session) -> Result<Exit, Failure> {
        Err(Failure::usage("not there yet"))
    }
}
