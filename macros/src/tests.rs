//! The whole way from tokens to tokens, without a compiler around it.

mod released;

use std::path::Path;

use proc_macro2::TokenStream;
use quote::quote;

use crate::expansion;
use crate::lock::Lock;
use crate::manifest::Manifest;

fn expanded(args: &TokenStream, item: &TokenStream, manifest: Manifest) -> String {
    expanded_beside(&Lock::Missing, args, item, manifest)
}

fn expanded_beside(lock: &Lock, args: &TokenStream, item: &TokenStream, manifest: Manifest) -> String {
    let tokens = expansion(args.clone(), item, || manifest, lock, Path::new("/app"), || None);
    let file = syn::parse2(tokens).expect("an expansion is a list of items");
    prettyplease::unparse(&file)
}

/// Compares with a file beside this one; `UPDATE_EXPECT=1` rewrites it.
fn expect(name: &str, actual: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests").join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, actual).expect("the folder of the expected files is there");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected.replace("\r\n", "\n"), "UPDATE_EXPECT=1 rewrites {name}");
}

#[test]
fn the_smallest_migration() {
    let args = quote!(id = "001_create_users");
    let item = quote! {
        /// E-mail addresses are unique.
        async fn create_users(schema: &mut Schema) -> Result<(), mongrate::Error> {
            schema.create_index("users", doc! { "email": 1 }).unique().await
        }
    };
    expect("smallest.expanded.rs", &expanded(&args, &item, Manifest::Silent));
}

#[test]
fn every_argument() {
    let args = quote! {
        id = "002_assign_roles",
        deps = ["001_init", "plugin:whale-alerts:003_later", extern "001_create_users"],
        source = "plugin:whale-alerts",
        description = "Every user has a role",
        down = roles::drop,
        manual,
        timeout = "10m",
        crate = my_app::mongrate,
    };
    let item = quote! {
        #[cfg(feature = "roles")]
        pub(crate) async fn assign_roles(tx: &mut Tx) -> anyhow::Result<()> {
            Ok(())
        }
    };
    expect("every_argument.expanded.rs", &expanded(&args, &item, Manifest::Silent));
}

#[test]
fn a_function_that_names_others() {
    let args = quote!(id = "002_assign_roles", verify = users_have_roles, relies_on = [default_role, ::roles::names]);
    let item = quote! {
        async fn assign_roles(tx: &mut Tx) -> Result<(), Error> {
            Ok(())
        }
    };
    expect("naming.expanded.rs", &expanded(&args, &item, Manifest::Silent));
}

#[test]
fn a_module() {
    let args = quote!(id = "002_assign_roles", deps = ["001_create_users"]);
    let item = quote! {
        /// Every user
        #[cfg(feature = "roles")]
        mod assign_roles {
            //! has a role.
            use super::Role;

            fn up_to_date(role: Role) -> bool {
                fn up() {}
                true
            }

            pub async fn up(tx: &mut Tx) -> Result<(), Error> {
                Ok(())
            }

            async fn down(schema: &mut Schema) -> Result<(), Error> {
                Ok(())
            }

            async fn verify(db: &Database) -> bool {
                true
            }
        }
    };
    expect("module.expanded.rs", &expanded(&args, &item, Manifest::Silent));
}

#[test]
fn a_mistake_leaves_the_module_and_the_id() {
    let args = quote!(id = "001_create_users");
    let item = quote! {
        mod create_users {
            async fn up() {}
        }
    };
    expect("mistake_in_module.expanded.rs", &expanded(&args, &item, Manifest::Silent));
}

/// The checksum that is registered for an item.
fn checksum(item: &str) -> String {
    let item = item.parse().expect("the code of this test is made of tokens");
    let text = expanded(&quote!(id = "001_init"), &item, Manifest::Silent);
    let start = text.find("\"t2:").unwrap_or_else(|| panic!("not registered: {text}"));
    text[start + 1..].chars().take(3 + 64).collect()
}

const MODULE: &str = "mod m { use a::b; async fn up(tx: &mut Tx) -> Result<(), Error> { f(1) } fn f(x: u8) {} }";

#[test]
fn the_checksum_of_a_module_covers_all_that_is_in_it() {
    for other in [
        MODULE.replace("f(1)", "f(2)"),
        MODULE.replace("x: u8", "x: u16"),
        MODULE.replace("a::b", "a::c"),
        MODULE.replace("async fn", "pub async fn"),
        MODULE.replace("fn f", "#[inline] fn f"),
        MODULE.replace("{} }", "{} async fn down(tx: &mut Tx) -> Result<(), Error> {} }"),
        MODULE.replace("{} }", "{} async fn verify(db: &Database) -> bool {} }"),
    ] {
        assert_ne!(checksum(&other), checksum(MODULE), "{other}");
    }
}

#[test]
fn the_checksum_of_a_module_covers_nothing_else() {
    for same in [
        MODULE.replace("mod m", "pub(crate) mod another"),
        MODULE.replace("mod m", "/// Why.\n#[allow(unused)] mod m"),
        MODULE.replace("{ use", "{\n//! Why.\n/* And how. */ use"),
        MODULE.replace("fn f", "/// What it does.\nfn f"),
        MODULE.replace(' ', "\r\n"),
    ] {
        assert_eq!(checksum(&same), checksum(MODULE), "{same}");
    }
}

#[test]
fn a_mistake_leaves_the_item_and_the_id() {
    let args = quote!(id = "001_create_users", timeout = "soon");
    let item = quote! {
        async fn create_users(tx: &mut Tx) -> Result<(), Error> {
            Ok(())
        }
    };
    expect("mistake.expanded.rs", &expanded(&args, &item, Manifest::Silent));
}

#[test]
fn the_source_comes_from_the_attribute_or_else_from_the_manifest() {
    let item = quote!(
        async fn init(tx: &mut Tx) -> Result<(), Error> {
            Ok(())
        }
    );
    let manifest = || Manifest::Source("module:menu".to_owned());
    let source = |args: TokenStream, manifest| {
        let text = expanded(&args, &item, manifest);
        ["module:menu:001_init", "plugin:a:001_init", "001_init"]
            .into_iter()
            .find(|id| text.contains(&format!("id: \"{id}\"")))
    };
    let plain = quote!(id = "001_init");
    let written = quote!(id = "001_init", source = "plugin:a");
    assert_eq!(source(plain.clone(), manifest()), Some("module:menu:001_init"));
    assert_eq!(source(written, manifest()), Some("plugin:a:001_init"));
    assert_eq!(source(plain, Manifest::Missing), Some("001_init"));

    let broken = expanded(&quote!(id = "001_init"), &item, Manifest::Malformed);
    assert!(broken.contains("[package.metadata.mongrate]"), "{broken}");
}

#[test]
fn a_build_without_a_manifest_tracks_none() {
    let item = quote!(
        async fn init(tx: &mut Tx) -> Result<(), Error> {
            Ok(())
        }
    );
    let tracks = |manifest| expanded(&quote!(id = "001_init"), &item, manifest).contains("\"/app/Cargo.toml\"");
    assert!(tracks(Manifest::Silent), "it may name a source tomorrow");
    assert!(!tracks(Manifest::Missing));
}

#[test]
fn the_owner_is_named_as_types_are() {
    let item = quote!(
        async fn init(tx: &mut Tx) -> Result<(), Error> {
            Ok(())
        }
    );
    for (id, source, owner) in [
        ("001_init", "system", "_001Init"),
        ("20260131_235959-dated", "system", "_20260131_235959Dated"),
        ("001_a-2_b", "module:men-u", "ModuleMenU001A2B"),
        ("001_init", "plugin:9-lives", "Plugin9Lives001Init"),
        ("001_1", "plugin:a1", "PluginA1_001_1"),
    ] {
        let text = expanded(&quote!(id = #id, source = #source), &item, Manifest::Silent);
        assert!(text.contains(&format!("enum {owner} {{}}")), "{owner}: {text}");
    }
}
