//! The checksum of a migration: SHA-256 over its tokens.
//!
//! Algorithm `t2`: signature and body, token by token, as kind and text. Visibility, attributes of the function, doc
//! comments, and what rustfmt may rewrite are left out; a file that is included by a literal path belongs to it. Never
//! `TokenStream::to_string`, whose spacing differs between compilers.

mod form;
mod imports;
mod includes;
mod syntax;
#[cfg(test)]
mod tests;
mod tree;

use std::path::PathBuf;

use proc_macro2::TokenStream;
use sha2::{Digest, Sha256};

use self::form::Form;
use self::tree::Tree;

/// The checksum, and the files that are in it.
pub(crate) struct Checksum {
    /// `t2:` and 64 hexadecimal digits.
    pub(crate) text: String,
    pub(crate) files: Vec<String>,
}

/// Of these tokens, which are in this source file.
pub(crate) fn checksum(tokens: TokenStream, file: impl FnOnce() -> Option<PathBuf>) -> Checksum {
    let mut trees = Tree::read(tokens);
    let files = includes::read(&mut trees, file);
    let mut form = Form::default();
    form.code(&trees);
    Checksum { text: format!("t2:{}", digest(&form.into_bytes())), files }
}

fn digest(bytes: &[u8]) -> String {
    let mut digits = String::new();
    for byte in Sha256::digest(bytes) {
        for digit in [byte >> 4, byte & 15] {
            digits.extend(char::from_digit(digit.into(), 16));
        }
    }
    digits
}
