//! The commands in the READMEs.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use mongrate_testkit::mongod::Mongod;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

/// How the READMEs call this program.
const CALL: &str = "cargo run -p sample-app";

/// Every command works, in the given order. Other commands in the READMEs run the tests and benches of the workspace.
#[tokio::test]
async fn every_command_of_the_readmes_works() {
    let server = Mongod::start().await.unwrap();
    for (readme, database) in [("../README.md", "whole"), ("README.md", "sample")] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(readme)).unwrap();
        let calls: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(CALL)).collect();
        assert!(calls.len() > 2, "{readme}: {calls:?}");
        let uri = server.uri().replacen("/?", &format!("/{database}?"), 1);
        for call in calls {
            works(call, &uri).await;
        }
    }
    server.shutdown().await;
}

async fn works(call: &str, uri: &str) {
    let words = call.split('#').next().unwrap().trim().trim_start_matches("-- ");
    let mut program = Command::new(env!("CARGO_BIN_EXE_sample-app"));
    program.args(words.split_whitespace()).env("MONGODB_URI", uri).env("PORT", "0");
    let mut child = program.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let end = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("Serving on") {
                // Like ctrl-C.
                let pid = child.id().unwrap().to_string();
                assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
            }
        }
        child.wait().await.unwrap()
    };
    let status = timeout(Duration::from_secs(60), end).await.unwrap_or_else(|_| panic!("it takes too long: {call}"));
    assert!(status.success(), "{call}: {status}");
}
