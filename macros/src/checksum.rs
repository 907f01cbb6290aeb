//! The checksum of a migration: SHA-256 over its tokens.
//!
//! Algorithm `t2` covers the kind and the text of each token of the signature and the body. Visibility, attributes of the
//! function, doc comments, and whatever rustfmt may rewrite are left out. Files included by a literal path are covered.
//! `TokenStream::to_string` is never used, because its spacing differs between compilers.

mod bytes;
mod digest;
mod form;
mod imports;
mod includes;
mod syntax;
#[cfg(test)]
mod tests;
mod tree;

use std::path::PathBuf;

use proc_macro2::TokenStream;

use self::bytes::Form;
use self::digest::digest;
use self::tree::Tree;

/// A checksum and the files that it covers.
pub(crate) struct Checksum {
    /// `t2:` and 64 hexadecimal digits.
    pub(crate) text: String,
    pub(crate) files: Vec<String>,
}

/// Computes the checksum of tokens from this source file.
pub(crate) fn checksum(tokens: TokenStream, file: impl FnOnce() -> Option<PathBuf>) -> Checksum {
    let mut trees = Tree::read(tokens);
    let files = includes::read(&mut trees, file);
    let mut form = Form::default();
    form.code(&trees);
    Checksum { text: format!("t2:{}", digest(&form.into_bytes())), files }
}
