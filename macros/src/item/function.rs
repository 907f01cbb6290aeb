//! The signature of a migration's function.

use syn::{FnArg, Ident, ReturnType, Signature, Type};

use super::SHAPE;
use crate::errors::Errors;

/// A function with the signature of a migration.
pub(crate) struct Function {
    pub(crate) name: Ident,
    pub(crate) argument: Type,
    pub(crate) output: Type,
}

impl Function {
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
