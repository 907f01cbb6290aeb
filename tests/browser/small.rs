//! Small screens.

use mongrate_tests::TestDb;
use mongrate_tests::http::REPAIR;

use crate::browser::Browser;
use crate::migrations::{FAILING, ROLES, migrator};
use crate::served::Served;

#[tokio::test]
async fn no_view_scrolls_sideways_and_all_are_accessible() {
    let db = TestDb::new().await;
    migrator(&db, "shop").build().unwrap().up().only(ROLES).because("OPS-17").await.unwrap();
    let failing = migrator(&db, "failing").build().unwrap();
    failing.up().await.unwrap_err();
    for (source, id) in [("shop", ROLES), ("failing", FAILING)] {
        let served = Served::new(&migrator(&db, source).build().unwrap()).await;
        let browser = Browser::signed_in(&served, REPAIR).await;
        let migration = format!("migration?id={}", id.replace(':', "%3A"));
        let down = if source == "shop" { "plan?verb=down" } else { "plan" };
        for view in ["", "plan", down, &migration, "run?id=1", "run?id=2", "history", "lock", "api"] {
            browser.goto(view).await;
            browser.check().await;
        }
        browser.finish().await;
    }
}
