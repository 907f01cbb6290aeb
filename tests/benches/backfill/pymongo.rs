//! `bulk_write` of pymongo, if it is installed.

use std::process::Stdio;

use mongodb::Database;

use crate::Result;
use crate::cost::Done;

const SCRIPT: &str = include_str!("pymongo.py");

pub(crate) fn is_installed() -> bool {
    let mut python = std::process::Command::new("python3");
    python.args(["-c", "import pymongo"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

pub(crate) async fn run(uri: String, database: Database) -> Result<Done> {
    let mut python = tokio::process::Command::new("python3");
    let output = python.args(["-c", SCRIPT, &uri, database.name()]).stderr(Stdio::inherit()).output().await?;
    if !output.status.success() {
        return Err(format!("pymongo: {}", output.status).into());
    }
    Ok(Done { batches: String::from_utf8(output.stdout)?.trim().parse()?, retries: 0 })
}
