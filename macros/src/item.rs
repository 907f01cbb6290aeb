//! The annotated function.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, FnArg, Lit, Meta, ReturnType, Signature, Type, Visibility};

use crate::errors::Errors;

const SHAPE: &str = "a migration is `async fn name(tx: &mut Tx) -> Result<(), mongrate::Error>`";

/// The function, its body left unread: what is in it is for rustc alone.
pub(crate) struct Item {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) signature: Signature,
    /// Signature and body as written: what the checksum covers.
    pub(crate) tokens: TokenStream,
}

/// A function of the shape that a migration has.
pub(crate) struct Function {
    pub(crate) signature: Signature,
    pub(crate) argument: Type,
    pub(crate) output: Type,
}

impl Item {
    /// The body is set aside before anything is parsed: it is most of the tokens.
    pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut head = tokens.into_iter().collect::<Vec<_>>();
        let is_body =
            |last: &mut TokenTree| matches!(last, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        let body = head.pop_if(is_body);
        let mut item: Self = syn::parse2(head.into_iter().collect())?;
        if body.is_none() {
            let message = not_a_function();
            return Err(syn::Error::new_spanned(&item.signature, message));
        }
        item.tokens.extend(body);
        Ok(item)
    }
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let tokens = input.fork().parse()?;
        let signature = input.parse().map_err(|error: syn::Error| syn::Error::new(error.span(), not_a_function()))?;
        Ok(Self { attributes, signature, tokens })
    }
}

impl Item {
    /// The text of the doc comment.
    pub(crate) fn documentation(&self) -> String {
        let mut lines = Vec::new();
        for attribute in &self.attributes {
            if let Meta::NameValue(pair) = &attribute.meta
                && pair.path.is_ident("doc")
                && let Expr::Lit(literal) = &pair.value
                && let Lit::Str(text) = &literal.lit
            {
                lines.extend(text.value().split('\n').map(|line| line.trim().to_owned()));
            }
        }
        lines.join("\n").trim().to_owned()
    }

    /// In an `impl` there is no room for anything beside the function.
    pub(crate) fn is_method(&self) -> bool {
        self.signature.receiver().is_some()
    }

    /// The `#[cfg]`s, which decide about the registration too.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
    }

    /// Checks the shape.
    pub(crate) fn into_function(self, errors: &mut Errors) -> Option<Function> {
        let signature = self.signature;
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
            (None, Some(argument), Some(output)) => Some(Function { signature, argument, output }),
            (error, ..) => {
                if let Some(error) = error {
                    errors.push(error);
                }
                None
            }
        }
    }
}

fn argument(signature: &Signature) -> syn::Result<Type> {
    let mut inputs = signature.inputs.iter();
    match (inputs.next(), inputs.next()) {
        (Some(FnArg::Typed(argument)), None) => match &*argument.ty {
            Type::ImplTrait(_) => {
                let message = format!("a migration has no generic argument\n{}", arguments());
                Err(syn::Error::new_spanned(&argument.ty, message))
            }
            ty => Ok(ty.clone()),
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
            let message = format!("a migration takes one argument only\n{}", arguments());
            Err(syn::Error::new_spanned(second, message))
        }
    }
}

fn output(signature: &Signature) -> syn::Result<Type> {
    match &signature.output {
        ReturnType::Type(_, ty) if !matches!(**ty, Type::ImplTrait(_)) => Ok((**ty).clone()),
        ReturnType::Type(_, ty) => Err(syn::Error::new_spanned(ty, outputs())),
        ReturnType::Default => Err(syn::Error::new(signature.paren_token.span.close(), outputs())),
    }
}

fn arguments() -> String {
    format!("it is `&mut Tx`, `&mut Schema` or `&Database`, which decides how it runs\n{SHAPE}")
}

fn outputs() -> String {
    format!("a migration returns `Result<(), E>`, where `E` is an error of any type\n{SHAPE}")
}

fn not_more(keyword: &str) -> String {
    format!("a migration is a plain `async fn`, not `{keyword}`\n{SHAPE}")
}

fn not_a_function() -> String {
    format!("`#[migration]` goes on a function\n{SHAPE}")
}
