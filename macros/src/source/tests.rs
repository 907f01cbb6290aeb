use proc_macro2::TokenStream;
use quote::quote;

use super::expand;

fn expanded(item: TokenStream) -> String {
    expand(quote!("module:menu"), item).to_string()
}

/// The same migrations with and without the attribute on their module expand from the same tokens, and have the same checksums.
#[test]
fn it_is_as_if_the_argument_were_written() {
    let short = quote! {
        /// Of the menu.
        pub mod menu {
            use mongrate::{Tx, migration};

            #[migration(id = "001_init")]
            async fn init(tx: &mut Tx) -> Result<(), Error> { helper(&[1]) }

            #[mongrate::migration(id = "002_b", deps = ["001_init", "system:001_create_users", "plugin:a:001_b", extern "003_c"], manual,)]
            mod second { async fn up(tx: &mut Tx) -> Result<(), Error> { Ok(()) } }

            mod inner {
                #[doc = "Why."]
                #[cfg_attr(feature = "menu", ::mongrate::migration(id = "003_c", deps = ["002_b"]), inline)]
                async fn third(tx: &mut Tx) -> Result<(), Error> { Ok(()) }
            }
        }
    };
    let written = quote! {
        /// Of the menu.
        pub mod menu {
            use mongrate::{Tx, migration};

            #[migration(id = "001_init", source = "module:menu")]
            async fn init(tx: &mut Tx) -> Result<(), Error> { helper(&[1]) }

            #[mongrate::migration(id = "002_b", deps = ["module:menu:001_init", "001_create_users", "plugin:a:001_b", extern "003_c"], manual, source = "module:menu")]
            mod second { async fn up(tx: &mut Tx) -> Result<(), Error> { Ok(()) } }

            mod inner {
                #[doc = "Why."]
                #[cfg_attr(feature = "menu", ::mongrate::migration(id = "003_c", deps = ["module:menu:002_b"], source = "module:menu"), inline,)]
                async fn third(tx: &mut Tx) -> Result<(), Error> { Ok(()) }
            }
        }
    };
    assert_eq!(expanded(short), written.to_string());
}

#[test]
fn the_source_of_the_application_leaves_short_ids() {
    let item = quote!(
        mod all {
            #[migration(id = "002_b", deps = ["001_a"])]
            async fn b() {}
        }
    );
    let written = quote!(
        mod all {
            #[migration(id = "002_b", deps = ["001_a"], source = "system")]
            async fn b() {}
        }
    );
    assert_eq!(expand(quote!("system"), item).to_string(), written.to_string());
}

#[test]
fn other_attributes_stay() {
    let item = quote! {
        mod menu {
            #[derive(Error)]
            enum Problem { A(#[source] Error), B { #[source(skip)] b: u8 } }
            #[migration(id = "001_a")]
            async fn a() {}
        }
    };
    let all = expanded(item);
    assert!(all.contains("# [source] Error") && all.contains("# [source (skip)]"), "{all}");
    assert!(!all.contains("compile_error"), "{all}");
}

#[test]
fn a_mistake_is_told_once_and_leaves_the_item() {
    let migration = quote!(
        #[migration(id = "001_a")]
        async fn a() {}
    );
    for (argument, item, told) in [
        (quote!("menu"), quote!(mod menu { #migration }), "did you mean `module:menu`?"),
        (quote!(menu), quote!(mod menu { #migration }), "the source of a module is a string"),
        (quote!(), quote!(mod menu { #migration }), "the source of a module is a string"),
        (
            quote!("module:menu"),
            quote!(
                mod menu;
            ),
            "cannot see the file of this module",
        ),
        (quote!("module:menu"), migration.clone(), "goes on an inline module"),
        (
            quote!("module:menu"),
            quote!(
                struct Menu {
                    a: u8,
                }
            ),
            "goes on an inline module",
        ),
        (
            quote!("module:menu"),
            quote!(
                mod menu {
                    fn a() {}
                }
            ),
            "this module has no `#[migration]`",
        ),
        (
            quote!("module:menu"),
            quote!(
                #[migration(id = "001_a")]
                mod menu {
                    async fn up() {}
                }
            ),
            "is a migration itself",
        ),
        (
            quote!("module:menu"),
            quote!(
                mod menu {
                    #[migration(id = "001_a", source = "module:b")]
                    async fn a() {}
                }
            ),
            "the source is `module:menu` for the whole module",
        ),
        (
            quote!("module:menu"),
            quote!(mod menu { #[mongrate::source("module:b")] mod inner { #migration } }),
            "a module around this one has a source already",
        ),
    ] {
        let name = argument.to_string();
        let all = expand(argument, item).to_string().replace("\\\"", "\"");
        assert_eq!(all.matches("compile_error").count(), 1, "{name}: {all}");
        assert!(all.contains(told), "{name}: {all}");
        assert!(all.contains("menu") || all.contains("Menu") || all.contains("fn a"), "{name}: {all}");
    }
}
