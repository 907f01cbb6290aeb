//! Servers that do not start, and the reported errors. Errors of the search for a program have unit tests.

use std::fs;
use std::time::Duration;

use mongrate_testkit::mongod::{Error, Mongod};
use mongrate_tests::{Scratch, servers};

#[tokio::test]
async fn a_missing_program() {
    let error = Mongod::builder().binary("/no/such/mongod").start().await.unwrap_err();
    assert!(error.to_string().starts_with("/no/such/mongod is not executable: set Builder::binary to"), "{error}");
}

#[tokio::test]
async fn a_program_that_ends_at_once() {
    let scratch = Scratch::new();
    let line = r#"{"s":"F","msg":"Cannot start","attr":{"error":"NoMood: not today"}}"#;
    let binary = scratch.script("mongod", &format!("echo '{line}'; exit 14"));
    let error = Mongod::builder().binary(&binary).start().await.unwrap_err();
    let expected = format!("{} exited with status 14:\n  Cannot start: NoMood: not today", binary.display());
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn an_argument_that_mongod_does_not_know() {
    let error = Mongod::builder().arg("--nonsense").start().await.unwrap_err();
    assert!(matches!(error, Error::Exited { status: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("unrecognised option '--nonsense'"), "{error}");
}

#[tokio::test]
async fn a_program_that_never_serves() {
    let scratch = Scratch::new();
    let binary = scratch.script("mongod", &format!("echo $$ > {}/pid; exec sleep 600", scratch.path().display()));
    let limit = Duration::from_millis(300);
    let error = Mongod::builder().binary(binary).ready_within(limit).start().await.unwrap_err();
    assert!(matches!(error, Error::NotReady { after, .. } if after == limit), "{error:?}");
    let pid = fs::read_to_string(scratch.path().join("pid")).unwrap();
    assert!(!fs::exists(format!("/proc/{}", pid.trim())).unwrap());
}

#[tokio::test]
async fn a_lost_race_for_the_port_is_run_again() {
    let real = servers::program().await;
    let scratch = Scratch::new();
    let body = format!("mkdir {}/lost && exit 48; exec {} \"$@\"", scratch.path().display(), real.display());
    let server = Mongod::builder().binary(scratch.script("mongod", &body)).start().await.unwrap();
    assert!(scratch.path().join("lost").exists());
    assert_eq!(server.primary().await.unwrap(), 0);
}
