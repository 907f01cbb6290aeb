//! The `#[migration]` attribute. Use it through the `mongrate` crate.

use proc_macro::TokenStream;

/// Declares a migration.
#[proc_macro_attribute]
pub fn migration(_args: TokenStream, item: TokenStream) -> TokenStream {
    item
}
