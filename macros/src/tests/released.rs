//! Beside a migrations.lock.

use proc_macro2::TokenStream;
use quote::quote;

use super::{checksum, expanded_beside, expect};
use crate::lock::Lock;
use crate::manifest::Manifest;

fn function() -> TokenStream {
    quote!(
        async fn init(tx: &mut Tx) -> Result<(), Error> {
            Ok(())
        }
    )
}

fn module() -> TokenStream {
    quote!(
        mod init {
            async fn up(tx: &mut Tx) -> Result<(), Error> {
                Ok(())
            }
        }
    )
}

fn expanded(lines: &str, item: &TokenStream) -> String {
    let args = quote!(id = "001_init", source = "module:menu");
    expanded_beside(&Lock::Text(lines.to_owned()), &args, item, Manifest::Silent)
}

#[test]
fn a_released_migration_heeds_the_lock_file() {
    let locked = format!("module:menu:001_init {}\n", checksum(&function().to_string()));
    expect("released.expanded.rs", &expanded(&locked, &function()));
    let locked = format!("module:menu:001_init {}\n", checksum(&module().to_string()));
    let text = expanded(&locked, &module());
    assert!(text.contains("\"/app/migrations.lock\""), "{text}");
    assert!(!text.contains("compile_error"), "{text}");
}

#[test]
fn what_is_not_released_heeds_it_too() {
    let text = expanded("001_init t2:0\n", &function());
    assert!(text.contains("\"/app/migrations.lock\""), "{text}");
    assert!(!text.contains("compile_error"), "{text}");
}

#[test]
fn an_edited_released_migration_is_a_mistake() {
    expect("edited.expanded.rs", &expanded("module:menu:001_init t2:0\n", &function()));
    let text = expanded("module:menu:001_init t2:0\n", &module());
    assert!(text.contains("`module:menu:001_init` is released"), "{text}");
}

#[test]
fn a_lock_file_that_cannot_be_read_is_a_mistake() {
    let lock = Lock::Unreadable("permission denied".to_owned());
    let text = expanded_beside(&lock, &quote!(id = "001_init"), &function(), Manifest::Silent);
    assert!(text.contains("migrations.lock cannot be read: permission denied"), "{text}");
}

#[test]
fn a_mistake_of_another_kind_is_told_alone() {
    let method = quote!(
        async fn init(&self) -> Result<(), Error> {
            Ok(())
        }
    );
    let text = expanded("module:menu:001_init t2:0\n", &method);
    assert!(!text.contains("released"), "{text}");
}
