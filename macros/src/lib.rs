//! The attributes `#[migration]` and `#[source]` of `mongrate`. Use them through that crate, as `mongrate::migration`.
//!
//! An expansion parses (`args`, `item`), validates (`model`) and expands (`expand`). The first two steps report all errors
//! together; the last one is infallible.

mod args;
mod checksum;
mod errors;
mod expand;
mod id;
mod item;
mod lock;
mod manifest;
mod model;
mod source;
#[cfg(test)]
mod tests;
mod tokens;

use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;

use crate::lock::Lock;
use crate::manifest::Manifest;
use crate::model::Model;

#[doc = include_str!("migration.md")]
#[proc_macro_attribute]
pub fn migration(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let file = || proc_macro::Span::call_site().local_file();
    let folder = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    expansion(args.into(), &item.into(), Manifest::of_this_crate, &Lock::of_this_crate(), &folder, file).into()
}

#[doc = include_str!("source.md")]
#[proc_macro_attribute]
pub fn source(argument: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    source::expand(argument.into(), item.into()).into()
}

fn expansion(
    args: TokenStream,
    item: &TokenStream,
    manifest: impl FnOnce() -> Manifest,
    lock: &Lock,
    folder: &Path,
    file: impl FnOnce() -> Option<PathBuf>,
) -> TokenStream {
    match Model::new(args, item.clone(), manifest, lock, folder, file) {
        Ok(model) => expand::expand(item, &model),
        Err(invalid) => expand::fallback(item, &invalid),
    }
}
