//! The functions of a migration: named by the attribute, or found in the module.

use syn::{Ident, Path, Signature};

use crate::args::Args;
use crate::errors::Errors;
use crate::item::{Form, Function, Module};

pub(super) struct Functions {
    pub(super) up: Function,
    pub(super) down: Option<Path>,
    pub(super) verify: Option<Path>,
}

impl Functions {
    pub(super) fn new(form: Form, args: &Args, errors: &mut Errors) -> Option<Self> {
        let (up, down, verify) = match form {
            Form::Function(signature) => (Some(signature), args.down.clone(), args.verify.clone()),
            Form::Module(module) => in_module(module, args, errors),
        };
        if let (Some(down), Some(irreversible)) = (&down, &args.irreversible) {
            let message = "`down` and `irreversible` exclude each other: keep the one that is true";
            errors.push(syn::Error::new(irreversible.span(), message));
            errors.push(syn::Error::new_spanned(down, "`down` is given here"));
        }
        let up = Function::new(up?, errors)?;
        Some(Self { up, down, verify })
    }
}

fn in_module(module: Module, args: &Args, errors: &mut Errors) -> (Option<Signature>, Option<Path>, Option<Path>) {
    if module.up.is_none() {
        errors.push(syn::Error::new(module.name.span(), module.has_no_up()));
    }
    let down = module.down.as_ref().map(|signature| signature.ident.clone());
    only_by_name(args.down.as_ref(), down.as_ref(), "down", errors);
    only_by_name(args.verify.as_ref(), module.verify.as_ref(), "verify", errors);
    if let Some(path) = args.covers.first() {
        let message = "`covers` is for a function: the checksum of a module covers all that is in the module already";
        errors.push(syn::Error::new_spanned(path, message));
    }
    if let Some(signature) = module.down {
        Function::new(signature, errors);
    }
    (module.up, down.map(Path::from), module.verify.map(Path::from))
}

/// A path beside a module could only be resolved within it, where nobody would look.
fn only_by_name(written: Option<&Path>, found: Option<&Ident>, name: &str, errors: &mut Errors) {
    let Some(path) = written else { return };
    let Some(found) = found else {
        let message = format!(
            "the `{name}` of a module is the function of that name in it: write `async fn {name}` there, which may call this one"
        );
        errors.push(syn::Error::new_spanned(path, message));
        return;
    };
    errors.push(syn::Error::new_spanned(path, format!("`{name}` is given twice: keep the one in the module")));
    errors.push(syn::Error::new(found.span(), format!("`{name}` is given here first")));
}
