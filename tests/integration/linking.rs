//! Linked-in migrations.

use mongrate::{Migrator, Registry};
use mongrate_tests::TestDb;

#[tokio::test]
async fn a_program_without_migrations_gets_an_explanation() {
    let db = TestDb::new().await;
    let none = Registry::from_iter([]);
    let report = Migrator::builder(db.database().clone()).registry(none).build().unwrap().up().await.unwrap();
    let [warning] = report.warnings() else { panic!("{:?}", report.warnings()) };
    assert!(warning.contains("No migration is linked into this program"), "{warning}");
    assert!(warning.contains("use whale_alerts as _;"), "{warning}");
    assert_eq!(db.list_collection_names().await.unwrap(), Vec::<String>::new());
}
