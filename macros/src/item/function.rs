//! The signature of a migration's function.

#[cfg(test)]
mod tests;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{FnArg, Ident, ReturnType, Signature, Type};

use super::SHAPE;
use crate::errors::Errors;

/// The cure for a second argument.
const VALUES: &str = "values of the application come through the first one: `needs = [Settings]` in the attribute, \
     `tx.provided::<Settings>()?` in the body (with `&Raw` in place of `&Database`), and `.provide(settings)` on the builder";

/// A function with the signature of a migration.
pub(crate) struct Function {
    pub(crate) name: Ident,
    /// The type of the argument.
    pub(crate) argument: TokenStream,
    /// The return type.
    pub(crate) output: TokenStream,
}

/// A function as written.
pub(crate) enum Written {
    Plain(Function),
    /// Unusual, or not a migration.
    Other(Signature),
}

impl Written {
    pub(crate) fn validate(self, errors: &mut Errors) -> Option<Function> {
        match self {
            Self::Plain(function) => Some(function),
            Self::Other(signature) => Function::new(signature, errors),
        }
    }
}

impl Function {
    /// Reads `async fn name(argument: Type) -> Type`, which nearly every migration is. Returns `None` for anything else, which
    /// [`new`](Self::new) validates. syn takes much longer in a dev build, where proc macros are not optimized.
    pub(super) fn plain(signature: &[TokenTree]) -> Option<Self> {
        let [asyncness, function, TokenTree::Ident(name), TokenTree::Group(inputs), dash, greater, output @ ..] =
            signature
        else {
            return None;
        };
        let is_plain = is_word(asyncness, "async")
            && is_word(function, "fn")
            && inputs.delimiter() == Delimiter::Parenthesis
            && is_sign(dash, '-')
            && is_sign(greater, '>')
            && !output.iter().any(|token| is_word(token, "where"));
        let inputs: Vec<_> = inputs.stream().into_iter().collect();
        match inputs.as_slice() {
            [TokenTree::Ident(variable), colon, argument @ ..]
                if is_plain
                    && variable != "self"
                    && is_sign(colon, ':')
                    && !argument.iter().any(|token| is_sign(token, ',')) =>
            {
                Some(Self { name: name.clone(), argument: plain_type(argument)?, output: plain_type(output)? })
            }
            _ => None,
        }
    }

    /// Validates the signature.
    pub(crate) fn new(signature: Signature, errors: &mut Errors) -> Option<Self> {
        let mut wrong = Errors::default();
        if signature.asyncness.is_none() {
            let message = format!("a migration is an `async fn`\n{SHAPE}");
            wrong.push(syn::Error::new(signature.fn_token.span, message));
        }
        if let Some(token) = &signature.constness {
            wrong.push(syn::Error::new(token.span, not_more("const")));
        }
        if let Some(token) = &signature.unsafety {
            wrong.push(syn::Error::new(token.span, not_more("unsafe")));
        }
        if let Some(abi) = &signature.abi {
            wrong.push(syn::Error::new_spanned(abi, not_more("extern")));
        }
        if !signature.generics.params.is_empty() {
            let message = format!("a migration has no generic parameters\n{SHAPE}");
            wrong.push(syn::Error::new_spanned(&signature.generics, message));
        }
        if let Some(clause) = &signature.generics.where_clause {
            let message = format!("a migration has no `where` clause\n{SHAPE}");
            wrong.push(syn::Error::new_spanned(clause, message));
        }
        let argument = wrong.note(argument(&signature));
        let output = wrong.note(output(&signature));
        match (wrong.into_inner(), argument, output) {
            (None, Some(argument), Some(output)) => Some(Self { name: signature.ident, argument, output }),
            (error, ..) => {
                if let Some(error) = error {
                    errors.push(error);
                }
                None
            }
        }
    }
}

/// Returns a type that is neither `impl Trait` nor hidden in a group.
fn plain_type(tokens: &[TokenTree]) -> Option<TokenStream> {
    let first = tokens.first()?;
    let is_plain = match first {
        TokenTree::Ident(_) => !is_word(first, "impl"),
        TokenTree::Punct(_) => !is_sign(first, ':'),
        _ => false,
    };
    is_plain.then(|| tokens.iter().cloned().collect())
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn is_sign(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn argument(signature: &Signature) -> syn::Result<TokenStream> {
    let mut inputs = signature.inputs.iter();
    match (inputs.next(), inputs.next()) {
        (Some(FnArg::Typed(argument)), None) => match &*argument.ty {
            Type::ImplTrait(_) => {
                let message = format!("a migration has no generic argument\n{}", arguments());
                Err(syn::Error::new_spanned(&argument.ty, message))
            }
            ty => Ok(ty.to_token_stream()),
        },
        (Some(FnArg::Receiver(receiver)), _) => {
            let message = format!("a migration is a function of its own, not a method\n{SHAPE}");
            Err(syn::Error::new_spanned(receiver, message))
        }
        (None, _) => {
            let message = format!("a migration takes one argument\n{}", arguments());
            Err(syn::Error::new(signature.paren_token.span.join(), message))
        }
        (Some(_), Some(second)) => {
            let message = format!("a migration takes one argument only\n{VALUES}\n{}", arguments());
            Err(syn::Error::new_spanned(second, message))
        }
    }
}

fn output(signature: &Signature) -> syn::Result<TokenStream> {
    match &signature.output {
        ReturnType::Type(_, ty) if !matches!(**ty, Type::ImplTrait(_)) => Ok(ty.to_token_stream()),
        ReturnType::Type(_, ty) => Err(syn::Error::new_spanned(ty, outputs())),
        ReturnType::Default => Err(syn::Error::new(signature.paren_token.span.close(), outputs())),
    }
}

fn arguments() -> String {
    format!("it is `&mut Tx`, `&mut Schema`, `&Database` or `&Raw`, which decides how it runs\n{SHAPE}")
}

fn outputs() -> String {
    format!("a migration returns `Result<(), E>`, where `E` is an error of any type\n{SHAPE}")
}

fn not_more(keyword: &str) -> String {
    format!("a migration is a plain `async fn`, not `{keyword}`\n{SHAPE}")
}
