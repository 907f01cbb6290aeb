//! The functions of a migration: named by the attribute, or found in the module.

use syn::{Attribute, Path};

use crate::args::Args;
use crate::errors::Errors;
use crate::item::{Form, Function, Inner, Module, Written};

pub(super) struct Functions {
    pub(super) up: Function,
    pub(super) down: Vec<Named>,
    pub(super) verify: Vec<Named>,
}

/// A function known only by its path, and the `#[cfg]`s on it.
pub(crate) struct Named {
    pub(crate) conditions: Vec<Attribute>,
    pub(crate) path: Path,
}

impl Functions {
    pub(super) fn new(form: Form, args: &Args, errors: &mut Errors) -> Option<Self> {
        let (up, down, verify) = match form {
            Form::Function(function) => (Some(function), named(args.down.as_ref()), named(args.verify.as_ref())),
            Form::Module(module) => in_module(module, args, errors),
        };
        if let (Some(down), Some(irreversible)) = (down.first(), &args.irreversible) {
            let message = "`down` and `irreversible` are mutually exclusive: remove one of the two";
            errors.push(syn::Error::new(irreversible.span(), message));
            errors.push(syn::Error::new_spanned(&down.path, "`down` is given here"));
        }
        let up = up?.validate(errors)?;
        Some(Self { up, down, verify })
    }
}

fn named(path: Option<&Path>) -> Vec<Named> {
    path.map(|path| Named { conditions: Vec::new(), path: path.clone() }).into_iter().collect()
}

fn in_module(module: Module, args: &Args, errors: &mut Errors) -> (Option<Written>, Vec<Named>, Vec<Named>) {
    if module.up.is_none() {
        errors.push(syn::Error::new(module.name.span(), module.has_no_up()));
    }
    only_by_name(args.down.as_ref(), module.down.first(), "down", errors);
    only_by_name(args.verify.as_ref(), module.verify.first(), "verify", errors);
    if let Some(path) = args.relies_on.first() {
        let message = "`relies_on` is for a function: the checksum of a module already covers everything in the module";
        errors.push(syn::Error::new_spanned(path, message));
    }
    let found = |Inner { conditions, signature }: &Inner| Named {
        conditions: conditions.clone(),
        path: signature.ident.clone().into(),
    };
    let down = module.down.iter().map(found).collect();
    let verify = module.verify.iter().map(found).collect();
    for down in module.down {
        Function::new(down.signature, errors);
    }
    (module.up.map(|up| Written::Other(up.signature)), down, verify)
}

/// Rejects a path given for a module: it could only be resolved inside the module, where nobody would look.
fn only_by_name(written: Option<&Path>, found: Option<&Inner>, name: &str, errors: &mut Errors) {
    let Some(path) = written else { return };
    let Some(found) = found else {
        let message = format!(
            "the `{name}` of a module is the function of that name in it: write `async fn {name}` there, which may call this one"
        );
        errors.push(syn::Error::new_spanned(path, message));
        return;
    };
    errors.push(syn::Error::new_spanned(path, format!("`{name}` is given twice: keep the one in the module")));
    errors.push(syn::Error::new(found.signature.ident.span(), format!("`{name}` is given here first")));
}
