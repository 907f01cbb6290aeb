//! A module around a migration's function, so that the checksum covers what the function needs.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Signature};

/// The module, read no further than to the heads of the functions that matter.
pub(crate) struct Module {
    pub(crate) name: Ident,
    pub(crate) up: Option<Signature>,
    pub(crate) down: Option<Signature>,
    /// Only its name: a trait checks its shape.
    pub(crate) verify: Option<Ident>,
}

impl Module {
    pub(super) fn named(name: Ident) -> Self {
        Self { name, up: None, down: None, verify: None }
    }

    /// Finds the functions. Returns the attributes that are written in the module for it as a whole.
    pub(super) fn read(&mut self, content: TokenStream) -> syn::Result<Vec<Attribute>> {
        let tokens: Vec<_> = content.clone().into_iter().collect();
        self.up = function(&tokens, "up")?;
        self.down = function(&tokens, "down")?;
        self.verify = function(&tokens, "verify")?.map(|signature| signature.ident);
        head(Attribute::parse_inner, content)
    }

    pub(crate) fn has_no_up(&self) -> String {
        format!("the module `{}` has no function `up`, which would be the migration\n{}", self.name, self.shape())
    }

    pub(super) fn is_elsewhere(&self) -> String {
        format!(
            "`#[migration]` does not see the file of this module: write the module out here, or put the attribute on a function in that file\n{}",
            self.shape()
        )
    }

    fn shape(&self) -> String {
        format!(
            "such a module is `mod {} {{ async fn up(tx: &mut Tx) -> Result<(), mongrate::Error> {{ ... }} }}`",
            self.name
        )
    }
}

/// The head of the function with this name. What is deeper in the module is in groups, and so out of sight.
fn function(tokens: &[TokenTree], name: &str) -> syn::Result<Option<Signature>> {
    let is = |token: &TokenTree, word: &str| matches!(token, TokenTree::Ident(ident) if ident == word);
    let Some(place) = tokens.windows(2).position(|pair| is(&pair[0], "fn") && is(&pair[1], name)) else {
        return Ok(None);
    };
    let qualifies = |token: &&TokenTree| match token {
        TokenTree::Ident(ident) => ["const", "async", "unsafe", "extern"].iter().any(|word| ident == word),
        // Of `extern "C"`.
        TokenTree::Literal(_) => true,
        _ => false,
    };
    let start = place - tokens[..place].iter().rev().take_while(qualifies).count();
    head(Signature::parse, tokens[start..].iter().cloned().collect()).map(Some)
}

/// Parses what stands first, and leaves the rest unread.
fn head<T>(parse: fn(ParseStream<'_>) -> syn::Result<T>, tokens: TokenStream) -> syn::Result<T> {
    let and_skip = |input: ParseStream<'_>| {
        let first = parse(input)?;
        input.parse::<TokenStream>()?;
        Ok(first)
    };
    and_skip.parse2(tokens)
}
