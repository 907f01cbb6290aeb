//! The page in a real browser, which is a test binary of its own.

use std::process::Command;

#[test]
#[ignore = "needs chromium, chromium-driver and axe-core; .ci/run installs them"]
fn the_page_in_a_browser() {
    let arguments = ["test", "-p", "mongrate-tests", "--features", "browser", "--test", "browser"];
    let status = Command::new(env!("CARGO")).args(arguments).status().unwrap();
    assert!(status.success(), "{status}");
}
