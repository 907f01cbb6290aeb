//! A short run of `src/bin/chaos.rs` with a fixed seed; `docs/RELIABILITY.md` tells of the long ones.

use std::process::Command;

use tokio::task::spawn_blocking;

fn chaos(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_chaos")).args(arguments).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The number of a line of the table.
fn figure(told: &str, name: &str) -> u64 {
    let line = told.lines().find_map(|line| line.strip_prefix(&format!("| {name} | ")));
    line.and_then(|line| line.trim_end_matches(" |").parse().ok()).unwrap_or_else(|| panic!("no {name}: {told}"))
}

#[tokio::test]
async fn i1_processes_under_faults_take_effect_exactly_once() {
    let (good, told) = spawn_blocking(|| chaos(&["--seed", "3", "--rounds", "2"])).await.unwrap();
    assert!(good, "{told}");
    assert!(figure(&told, "faults") >= 4, "{told}");
    assert!(figure(&told, "effects counted") >= 34 + 104, "{told}");
    assert_eq!((figure(&told, "– lost"), figure(&told, "– duplicated")), (0, 0), "{told}");
}

#[test]
fn a_mistake_on_the_command_line_is_an_error() {
    let (good, told) = chaos(&["--topology", "two"]);
    assert!(!good, "{told}");
}
