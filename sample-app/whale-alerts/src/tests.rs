//! Tests the plugin without its application.

use mongrate::{Error, Kind, Registry, Source};

#[test]
fn migrations_belong_to_the_plugin() {
    let registry = Registry::linked();
    assert_eq!(registry.len(), 2);
    for migration in &registry {
        assert_eq!(migration.source(), Source::Plugin("whale-alerts"));
        assert!(migration.is_reversible());
    }
    assert_eq!(registry.get("plugin:whale-alerts:002_set_threshold").unwrap().kind(), Kind::Tx);
}

#[test]
fn the_plugin_needs_its_host() {
    let error = Registry::linked().verify().unwrap_err();
    assert!(matches!(error, Error::MissingDependency { dependency: "004_index_customers", .. }), "{error}");
}
