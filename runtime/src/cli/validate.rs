//! `validate`

use clap::Args;
use console::style;

use super::exit::Exit;
use super::failure::Failure;
use super::session::Session;
use crate::{Validation, wire};

#[derive(Clone, Debug, Args)]
pub(super) struct Validate {}

impl Validate {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let validation = session.migrator().await?.validate().await?;
        if session.output.is_json() {
            session.output.json(&wire::Validation::of(&validation))?;
        } else {
            show(session, &validation)?;
        }
        Ok(if validation.is_valid() { Exit::Done } else { Exit::Failed })
    }
}

pub(super) fn show(session: &Session, validation: &Validation) -> Result<(), Failure> {
    for finding in validation.findings() {
        session.output.print(format_args!("{} {}", style(format!("{}:", finding.id)).red(), finding.problem))?;
    }
    session.output.print(validation.summary())
}
