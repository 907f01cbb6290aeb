//! The command line inside another one.

use mongrate_tests::{MyApp, TestDb};

#[tokio::test]
async fn it_works_below_other_commands() {
    let db = TestDb::new().await;
    let app = MyApp::on(&db).called(&["tools", "db"]);
    let ran = app.run(["status"]).await;
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("0 completed, 5 pending, 1 manual."), "{ran}");
    assert!(ran.stderr.contains("`my-app tools db up`"), "{ran}");
}

#[tokio::test]
async fn the_applications_own_commands_stay_its_own() {
    let ran = MyApp::anywhere().called(&["tools"]).run(["hello"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "hello\n"), "{ran}");
}
