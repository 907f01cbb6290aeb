//! A server leaves nothing behind, however its process ends.

use std::path::{Path, PathBuf};
use std::thread;

use mongrate_testkit::mongod::Mongod;
use mongrate_tests::{Worker, eventually};
use tokio::runtime;

#[tokio::test]
async fn a_killed_process_leaves_no_server_and_no_folder() {
    let (mut worker, pid, folder) = worker_with_server().await;
    worker.kill();
    eventually("the server to be gone", async || (!runs(pid)).then_some(())).await;
    eventually("its folder to be gone", async || (!folder.exists()).then_some(())).await;
}

#[tokio::test]
async fn a_terminated_process_leaves_no_server_and_no_folder() {
    let (mut worker, pid, folder) = worker_with_server().await;
    worker.terminate();
    worker.finish().await;
    eventually("the server to be gone", async || (!runs(pid)).then_some(())).await;
    eventually("its folder to be gone", async || (!folder.exists()).then_some(())).await;
}

#[tokio::test]
async fn the_thread_that_started_a_server_may_end() {
    let start = || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Mongod::start()).unwrap()
    };
    let server = thread::spawn(start).join().unwrap();
    // Answers to the commands of another runtime, too.
    assert_eq!(server.primary().await.unwrap(), 0);
    assert!(server.members()[0].pid().is_some());
}

/// A worker that holds a server, the server's process id, and its folder.
async fn worker_with_server() -> (Worker, u32, PathBuf) {
    let mut worker = Worker::start(&["mongod"]);
    let line = worker.line().await.unwrap();
    let (pid, log) = line.split_once(' ').unwrap();
    let folder = Path::new(log).parent().unwrap().parent().unwrap().to_owned();
    let pid = pid.parse().unwrap();
    assert!(runs(pid) && folder.exists());
    (worker, pid, folder)
}

fn runs(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}
