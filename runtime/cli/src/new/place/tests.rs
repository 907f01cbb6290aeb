use tempfile::TempDir;

use super::*;

/// A crate with these files.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let file = folder.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder
}

/// Folder, module and root as they are told from the crate.
fn told(tree: &TempDir, place: &Place) -> (String, String, Option<String>) {
    let tell = |path: &Path| path.strip_prefix(tree.path()).unwrap().to_str().unwrap().to_owned();
    (tell(&place.folder), tell(&place.module), place.root.as_deref().map(tell))
}

/// Where it goes after the one in the first file; all files hold migrations.
#[track_caller]
fn after(files: &[(&str, &str)], folder: &str, module: &str, root: Option<&str>) {
    let tree = tree(files);
    let manifest = Manifest { roots: vec![tree.path().join("shop.rs")], ..Manifest::default() };
    let paths: Vec<_> = files.iter().map(|(file, _)| tree.path().join(file)).collect();
    let place = Crate { folder: tree.path(), manifest: &manifest }.after(&paths[0], &paths).unwrap();
    assert_eq!(told(&tree, &place), (folder.to_owned(), module.to_owned(), root.map(str::to_owned)));
}

#[test]
fn a_file_of_many_gets_a_folder() {
    after(
        &[("src/menu/migrations.rs", ""), ("src/menu.rs", "mod migrations;")],
        "src/menu/migrations",
        "src/menu/migrations.rs",
        None,
    );
    after(&[("src/migrations.rs", ""), ("src/lib.rs", "mod migrations;")], "src/migrations", "src/migrations.rs", None);
    after(
        &[("src/users.rs", ""), ("src/lib.rs", "mod users;"), ("src/menu.rs", "")],
        "src/users",
        "src/users.rs",
        None,
    );
    after(
        &[("src/bin/my-app/migrations.rs", ""), ("src/bin/my-app/main.rs", "mod migrations;")],
        "src/bin/my-app/migrations",
        "src/bin/my-app/migrations.rs",
        None,
    );
}

#[test]
fn a_file_in_a_folder_of_such_gets_a_neighbour() {
    after(
        &[("src/migrations/roles.rs", ""), ("src/migrations.rs", "mod roles;")],
        "src/migrations",
        "src/migrations.rs",
        None,
    );
    after(
        &[("src/migrations/roles.rs", ""), ("src/migrations/mod.rs", "mod roles;")],
        "src/migrations",
        "src/migrations/mod.rs",
        None,
    );
    after(&[("src/db/m001_a.rs", ""), ("src/db.rs", "mod m001_a;")], "src/db", "src/db.rs", None);
    after(&[("src/db/users.rs", ""), ("src/db/menu.rs", ""), ("src/db.rs", "mod users;")], "src/db", "src/db.rs", None);
    after(&[("src/m001_a.rs", ""), ("src/lib.rs", ""), ("src/main.rs", "mod m001_a;")], "src", "src/main.rs", None);
    after(&[("src/v1.2/m001_a.rs", ""), ("src/v1.2.rs", "mod m001_a;")], "src/v1.2", "src/v1.2.rs", None);
}

#[test]
fn a_file_that_nobody_declares_as_expected_gets_a_folder() {
    after(
        &[("src/migrations/roles.rs", ""), ("src/migrations.rs", "")],
        "src/migrations/roles",
        "src/migrations/roles.rs",
        None,
    );
}

#[test]
fn in_the_folder_of_a_mod_rs_it_is_declared_there() {
    after(&[("src/menu/mod.rs", ""), ("src/lib.rs", "mod menu;")], "src/menu", "src/menu/mod.rs", None);
}

#[test]
fn below_the_root_of_a_crate_it_gets_a_module() {
    after(&[("src/main.rs", "")], "src/migrations", "src/migrations.rs", Some("src/main.rs"));
    after(
        &[("src/lib.rs", ""), ("src/migrations/mod.rs", "")],
        "src/migrations",
        "src/migrations/mod.rs",
        Some("src/lib.rs"),
    );
    after(&[("shop.rs", "")], "migrations", "migrations.rs", Some("shop.rs"));
    after(&[("src/bin/shop.rs", "")], "src/bin/migrations", "src/bin/migrations/mod.rs", Some("src/bin/shop.rs"));
}

#[test]
fn the_first_one_goes_into_the_library_or_else_the_program() {
    let first = |files: &[&str], root: &str| {
        let tree = tree(&files.iter().map(|file| (*file, "")).collect::<Vec<_>>());
        let manifest = Manifest { roots: vec![tree.path().join("shop.rs")], ..Manifest::default() };
        let place = Crate { folder: tree.path(), manifest: &manifest }
            .first()
            .map_err(|failure| failure.message.into_string())?;
        assert_eq!(told(&tree, &place).2.as_deref(), Some(root));
        Ok::<_, String>(())
    };
    first(&["src/lib.rs", "src/main.rs"], "src/lib.rs").unwrap();
    first(&["src/main.rs", "shop.rs"], "src/main.rs").unwrap();
    first(&["shop.rs"], "shop.rs").unwrap();
    assert!(first(&["src/shop.rs"], "").unwrap_err().contains("there is no src/lib.rs"));
}

#[test]
fn a_name_tells_whether_a_file_holds_one_migration() {
    for (stem, expected) in
        [("m001_a", true), ("v1", true), ("_2026_init", true), ("roles", false), ("oauth2", false), ("m", false)]
    {
        assert_eq!(is_numbered(OsStr::new(stem)), expected, "{stem}");
    }
}

#[test]
fn a_file_that_is_not_rust_is_named() {
    let tree = tree(&[("src/db.rs", "mod roles; }")]);
    let failure = declaring(&tree.path().join("src/db"), "roles").unwrap_err();
    assert!(failure.message.contains("src/db.rs cannot be read as Rust"), "{}", failure.message);
}
