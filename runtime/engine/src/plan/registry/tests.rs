use crate::plan::fixtures::{draw, ids};

const DRAWING: &str = "
    001_a <- module:menu:001_a <- module:menu:002_b
    module:menu-archive:001_a
    plugin:menu:001_a
";

#[test]
fn a_source_is_selected_by_name() {
    let registry = draw(DRAWING);
    assert_eq!(ids(registry.source("system")), "001_a");
    assert_eq!(ids(registry.source("module:menu")), "module:menu:001_a module:menu:002_b");
    assert_eq!(ids(registry.source("plugin:menu")), "plugin:menu:001_a");
    assert_eq!(registry.len(), 5);
    assert_eq!(registry.source("module:menu").len(), 2);
    assert!(registry.source("module:menu").verify().is_ok());
}

#[test]
fn only_selected_migrations_are_found() {
    let registry = draw(DRAWING);
    let menu = registry.source("module:menu");
    assert_eq!(registry.get("001_a").map(|migration| migration.id()), Some("001_a"));
    assert_eq!(menu.get("001_a"), None);
    assert!(menu.get("module:menu:002_b").is_some());
    assert_eq!(registry.get("999_x"), None);
}

#[test]
fn a_source_without_migrations_is_an_error() {
    let registry = draw(DRAWING);
    for name in ["module:men", "module", "menu", "plugin:", ""] {
        let nothing = registry.source(name);
        assert!(nothing.is_empty());
        assert_eq!(
            nothing.verify().expect_err("nothing is selected").to_string(),
            format!(
                "no migration of the source '{name}' is linked into this program. The linked-in sources are 'system', 'module:menu', 'module:menu-archive', 'plugin:menu'"
            )
        );
    }
    let error = draw("").source("system").verify().expect_err("nothing is linked in");
    assert!(error.to_string().contains("`use whale_alerts as _;`"));
}

#[test]
fn a_second_selection_narrows_the_first() {
    let menu = draw(DRAWING).source("module:menu");
    assert_eq!(menu.source("module:menu").len(), 2);
    assert!(menu.source("system").is_empty());
    assert!(menu.source("system").verify().is_err());
    assert!(menu.source("system").source("system").verify().is_err());
}

#[test]
fn debug_lists_the_ids() {
    assert_eq!(format!("{:?}", draw("001_a <- 002_b")), r#"{"001_a", "002_b"}"#);
}
