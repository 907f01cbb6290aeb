//! A module around a migration's function, so that the checksum covers the items that the function uses.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Signature};

/// A module, parsed only as far as the signatures of `up`, `down` and `verify`.
pub(crate) struct Module {
    pub(crate) name: Ident,
    pub(crate) up: Option<Inner>,
    /// More than one only if each has a `#[cfg]`.
    pub(crate) down: Vec<Inner>,
    /// Only the names are used: a trait checks the signature.
    pub(crate) verify: Vec<Inner>,
}

/// A function directly in the module.
pub(crate) struct Inner {
    pub(crate) conditions: Vec<Attribute>,
    pub(crate) signature: Signature,
}

impl Module {
    pub(super) fn named(name: Ident) -> Self {
        Self { name, up: None, down: Vec::new(), verify: Vec::new() }
    }

    /// Finds the functions, and returns the inner attributes of the module.
    pub(super) fn read(&mut self, content: TokenStream) -> syn::Result<Vec<Attribute>> {
        let mut tokens = Vec::new();
        without_invisible_groups(content.clone(), &mut tokens);
        self.up = functions(&tokens, "up").next().transpose()?;
        self.down = functions(&tokens, "down").collect::<Result<_, _>>()?;
        self.verify = functions(&tokens, "verify").collect::<Result<_, _>>()?;
        if let Some(condition) = self.up.as_ref().and_then(|up| up.conditions.first()) {
            let message = "`up` is required: put this `#[cfg]` on the module, or use `cfg!(..)` in `up`";
            return Err(syn::Error::new_spanned(condition, message));
        }
        head(Attribute::parse_inner, content)
    }

    pub(crate) fn has_no_up(&self) -> String {
        format!("the module `{}` has no function `up`, which is the migration\n{}", self.name, self.shape())
    }

    pub(super) fn is_elsewhere(&self) -> String {
        format!(
            "`#[migration]` cannot see the file of this module: write the module inline, or put the attribute on a function in that file\n{}",
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

/// Flattens the invisible groups that `macro_rules!` puts around each `$function:item`.
fn without_invisible_groups(content: TokenStream, tokens: &mut Vec<TokenTree>) {
    for token in content {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                without_invisible_groups(group.stream(), tokens);
            }
            token => tokens.push(token),
        }
    }
}

/// Parses the signatures of the functions with this name. Nested functions are inside groups and are not found.
fn functions<'t>(tokens: &'t [TokenTree], name: &'t str) -> impl Iterator<Item = syn::Result<Inner>> + 't {
    let is = |token: &TokenTree, word: &str| matches!(token, TokenTree::Ident(ident) if ident == word);
    let places = tokens.windows(2).enumerate().filter(move |(_, pair)| is(&pair[0], "fn") && is(&pair[1], name));
    places.map(|(place, _)| {
        let start = place - tokens[..place].iter().rev().take_while(|token| qualifies(token)).count();
        let signature = head(Signature::parse, tokens[start..].iter().cloned().collect())?;
        Ok(Inner { conditions: conditions(&tokens[..start])?, signature })
    })
}

fn qualifies(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(ident) => ["const", "async", "unsafe", "extern"].iter().any(|word| ident == word),
        // Of `extern "C"`.
        TokenTree::Literal(_) => true,
        _ => false,
    }
}

/// Returns the `#[cfg]`s at the end of these tokens, which precede a function.
fn conditions(mut before: &[TokenTree]) -> syn::Result<Vec<Attribute>> {
    let mut attributes = TokenStream::new();
    while let Some((last, rest)) = before.split_last() {
        match last {
            // Of `pub` and `pub(crate)`.
            TokenTree::Ident(_) if attributes.is_empty() => before = rest,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis && attributes.is_empty() => {
                before = rest;
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                let Some((TokenTree::Punct(hash), rest)) = rest.split_last() else { break };
                if hash.as_char() != '#' {
                    break;
                }
                let is_condition = group.stream().into_iter().next().is_some_and(|first| first.to_string() == "cfg");
                if is_condition {
                    attributes.extend([TokenTree::Punct(hash.clone()), last.clone()]);
                }
                before = rest;
            }
            _ => break,
        }
    }
    Attribute::parse_outer.parse2(attributes)
}

/// Parses the start of the tokens and ignores the rest.
fn head<T>(parse: fn(ParseStream<'_>) -> syn::Result<T>, tokens: TokenStream) -> syn::Result<T> {
    let and_skip = |input: ParseStream<'_>| {
        let first = parse(input)?;
        input.parse::<TokenStream>()?;
        Ok(first)
    };
    and_skip.parse2(tokens)
}
