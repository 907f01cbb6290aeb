//! Proves that the suite can fail: it does without the fence, and with records outside of the transactions.
//! [`sabotage`](mongrate_tests::sabotage) disables the protection in a run of this same program.

use std::env;
use std::process::Command;

use mongrate_tests::sabotage::WITHOUT;
use mongrate_tests::{TestDb, Worker};

use super::{LEASE_MS, assert_all_done, ended};

/// A run that succeeds without either protection, because nothing goes wrong.
const UNDISTURBED: &str = "faults::negative::a_run_that_nothing_disturbs";

#[tokio::test]
async fn a_run_that_nothing_disturbs() {
    let db = TestDb::new().await;
    let mut worker = Worker::start(&["crash", db.uri(), db.name(), LEASE_MS]);
    assert_eq!(ended(&mut worker).await, "ok");
    assert_all_done(&db, "nothing disturbs it").await;
}

/// Runs scenarios without a protection. Each of them fails with this message, and the undisturbed run does not.
fn fail_without(guard: &str, scenarios: &[(&str, &str)]) {
    let names = scenarios.iter().map(|(name, _)| *name);
    let run = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--test-threads", "4", UNDISTURBED])
        .args(names)
        .env(WITHOUT, guard)
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&run.stdout);
    println!("without the {guard}:\n{output}");
    assert!(!run.status.success());
    assert!(output.contains(&format!("test {UNDISTURBED} ... ok")), "without the {guard} nothing works at all");
    for (name, words) in scenarios {
        assert!(output.contains(&format!("test {name} ... FAILED")), "{name} does not fail without the {guard}");
        let failure = output.split_once(&format!("---- {name} stdout ----")).unwrap().1;
        let failure = failure.split_once("\n---- ").map_or(failure, |(failure, _)| failure);
        assert!(failure.contains(words), "{name} fails without the {guard}, but not with '{words}'");
    }
}

#[test]
fn i2_scenarios_6_7_and_9_fail_without_the_fence() {
    fail_without(
        "fence",
        &[
            ("faults::paused::i2_paused_before_the_fence", "TransactionAborted"),
            ("faults::paused::i2_paused_between_fence_and_commit", "TransactionAborted"),
            ("faults::fence::i2_taken_over_before_the_fence_write", "it ended: ok"),
            ("faults::fence::i2_taken_over_between_fence_write_and_commit", "it ended: ok"),
            ("faults::fence::i2_a_snapshot_opened_after_a_take_over", "it ended: ok"),
        ],
    );
}

#[test]
fn i1_scenarios_5_and_14_fail_with_the_record_outside_of_the_transaction() {
    fail_without(
        "record",
        &[
            ("faults::killed::i1_killed_after_the_last_commit", "effects of module:crash:004_last"),
            ("faults::transient::i1_commit_reply_lost_once_effect_and_record_together", "an effect without its record"),
            (
                "faults::transient::i1_commit_reply_lost_three_times_effect_and_record_together",
                "an effect without its record",
            ),
        ],
    );
}
