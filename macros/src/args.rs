//! The arguments of the attribute, as written.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{LitStr, Path, Token, Type, bracketed};

use crate::errors::Errors;

/// Every argument, with the example shown in its error messages.
const ARGUMENTS: [(&str, &str); 14] = [
    ("id", r#"id = "001_create_users""#),
    ("deps", r#"deps = ["001_create_users"]"#),
    ("source", r#"source = "module:menu""#),
    ("description", r#"description = "E-mail addresses are unique""#),
    ("down", "down = drop_users"),
    ("irreversible", r#"irreversible = "the old values are gone""#),
    ("verify", "verify = users_have_roles"),
    ("manual", "manual"),
    ("timeout", r#"timeout = "10m""#),
    ("relies_on", "relies_on = [default_role, roles::names]"),
    ("needs", "needs = [Settings]"),
    ("only_in", r#"only_in = ["dev", "test"]"#),
    ("when", "when = is_in_the_eu"),
    ("crate", "crate = my_app::mongrate"),
];

/// The arguments in the parentheses of `#[migration(...)]`.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) id: Option<LitStr>,
    pub(crate) deps: Vec<Dep>,
    pub(crate) source: Option<LitStr>,
    pub(crate) description: Option<LitStr>,
    pub(crate) down: Option<Path>,
    pub(crate) irreversible: Option<LitStr>,
    pub(crate) verify: Option<Path>,
    pub(crate) manual: bool,
    pub(crate) timeout: Option<LitStr>,
    pub(crate) relies_on: Vec<Path>,
    pub(crate) needs: Vec<Type>,
    pub(crate) only_in: Vec<LitStr>,
    pub(crate) when: Option<Path>,
    pub(crate) krate: Option<Path>,
}

/// One entry of `deps`.
pub(crate) struct Dep {
    /// `extern "..."`: not visible from this crate, resolved at run time.
    pub(crate) external: bool,
    pub(crate) id: LitStr,
}

impl Args {
    /// Parses each argument separately, so that an error in one does not hide errors in the others.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let mut seen: Vec<Ident> = Vec::new();
        let mut id_written = false;
        for argument in split_at_commas(tokens) {
            let Some(name) = errors.note(known_name(&argument)) else {
                continue;
            };
            id_written |= name == "id";
            if let Some(first) = seen.iter().find(|first| **first == name) {
                let message = format!("`{name}` is given twice: keep one of the two");
                errors.push(syn::Error::new(name.span(), message));
                errors.push(syn::Error::new(first.span(), format!("`{name}` is given here first")));
                continue;
            }
            let value = |input: ParseStream<'_>| args.read(input);
            errors.note(value.parse2(argument.into_iter().collect()));
            seen.push(name);
        }
        if !id_written {
            errors.push(syn::Error::new(
                Span::call_site(),
                r#"a migration needs an id: `#[migration(id = "001_create_users")]`"#,
            ));
        }
        args
    }

    fn read(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let name = Ident::parse_any(input)?;
        match name.to_string().as_str() {
            "id" => self.id = Some(string(&name, input)?),
            "deps" => self.deps = list(&name, input, Dep::parse)?,
            "source" => self.source = Some(string(&name, input)?),
            "description" => self.description = Some(string(&name, input)?),
            "down" => self.down = Some(path(&name, input)?),
            "irreversible" => self.irreversible = Some(string(&name, input)?),
            "verify" => self.verify = Some(path(&name, input)?),
            "timeout" => self.timeout = Some(string(&name, input)?),
            "relies_on" => self.relies_on = list(&name, input, covered)?,
            "needs" => self.needs = list(&name, input, needed)?,
            "only_in" => self.only_in = environments(&name, input)?,
            "when" => self.when = Some(path(&name, input)?),
            "crate" => self.krate = Some(path(&name, input)?),
            _ => {
                self.manual = true;
                if !input.is_empty() {
                    return Err(input.error("`manual` takes no value: write `manual`"));
                }
            }
        }
        if input.is_empty() {
            Ok(())
        } else {
            let message = format!("expected `,` after the value of `{name}`");
            Err(input.error(message))
        }
    }
}

impl Parse for Dep {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let external = input.parse::<Option<Token![extern]>>()?.is_some();
        let id = input.parse().map_err(|error| {
            let message = r#"a dependency is an id, like `"001_create_users"`, or `extern "001_create_users"` if this crate cannot see it"#;
            syn::Error::new(error.span(), message)
        })?;
        Ok(Self { external, id })
    }
}

fn string(name: &Ident, input: ParseStream<'_>) -> syn::Result<LitStr> {
    equals(name, input)?;
    input.parse().map_err(|error| {
        let message = format!("`{name}` takes a string, like `{}`", example(name));
        syn::Error::new(error.span(), message)
    })
}

fn path(name: &Ident, input: ParseStream<'_>) -> syn::Result<Path> {
    equals(name, input)?;
    input.parse().map_err(|error| {
        let message = format!("`{name}` takes a path without quotes, like `{}`", example(name));
        syn::Error::new(error.span(), message)
    })
}

fn list<T>(name: &Ident, input: ParseStream<'_>, entry: fn(ParseStream<'_>) -> syn::Result<T>) -> syn::Result<Vec<T>> {
    equals(name, input)?;
    if !input.peek(syn::token::Bracket) {
        let message = format!("`{name}` takes a list in brackets, like `{}`", example(name));
        return Err(input.error(message));
    }
    let list;
    bracketed!(list in input);
    Ok(Punctuated::<T, Token![,]>::parse_terminated_with(&list, entry)?.into_iter().collect())
}

/// Parses an entry of `relies_on`: a path that could follow `use`.
fn covered(input: ParseStream<'_>) -> syn::Result<Path> {
    Path::parse_mod_style(input).map_err(|error| {
        let message =
            "`relies_on` lists paths as in a `use`, without quotes, like `relies_on = [default_role, roles::names]`";
        syn::Error::new(error.span(), message)
    })
}

/// Parses an entry of `needs`.
fn needed(input: ParseStream<'_>) -> syn::Result<Type> {
    Type::parse(input).map_err(|error| {
        let message = "`needs` lists types, without quotes, like `needs = [Settings, clients::Mailer]`";
        syn::Error::new(error.span(), message)
    })
}

fn environments(name: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<LitStr>> {
    let entries = list(name, input, |input| {
        let entry: LitStr = input.parse().map_err(|error| {
            let message = r#"`only_in` lists environments as strings, like `only_in = ["dev", "test"]`"#;
            syn::Error::new(error.span(), message)
        })?;
        if entry.value().trim().is_empty() {
            return Err(syn::Error::new(entry.span(), "an environment has a name, like `dev`"));
        }
        Ok(entry)
    })?;
    if entries.is_empty() {
        let message = "`only_in` without an environment would exclude the migration everywhere: name one, like \
            `only_in = [\"dev\"]`, or remove the argument";
        return Err(syn::Error::new(name.span(), message));
    }
    Ok(entries)
}

fn equals(name: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
    if input.peek(Token![=]) {
        return input.parse::<Token![=]>().map(drop);
    }
    let message = format!("`{name}` needs a value: `{}`", example(name));
    Err(syn::Error::new(name.span(), message))
}

fn known_name(argument: &[TokenTree]) -> syn::Result<Ident> {
    let Some(TokenTree::Ident(name)) = argument.first() else {
        let span = argument.first().map_or_else(Span::call_site, TokenTree::span);
        return Err(syn::Error::new(span, format!("expected an argument: {}", known_arguments())));
    };
    if ARGUMENTS.iter().any(|(known, _)| name == known) {
        return Ok(name.clone());
    }
    let meant =
        meant(&name.to_string()).map_or_else(String::new, |(_, example)| format!(", did you mean `{example}`?"));
    let message = format!("unknown argument `{name}`{meant}\nthe arguments are {}", known_arguments());
    Err(syn::Error::new(name.span(), message))
}

/// Finds the argument that a misspelled name stands for.
fn meant(name: &str) -> Option<&'static (&'static str, &'static str)> {
    let known = match name {
        "name" | "version" => "id",
        "dependencies" | "depends_on" | "depends" | "after" | "requires" => "deps",
        "module" | "plugin" => "source",
        "revert" | "rollback" | "undo" => "down",
        "doc" | "about" => "description",
        "check" | "validate" | "assert" => "verify",
        "uses" | "calls" | "helpers" => "relies_on",
        "env" | "environment" | "environments" | "only" => "only_in",
        "if" | "condition" | "only_if" => "when",
        "need" | "provided" | "state" | "config" => "needs",
        other => other,
    };
    ARGUMENTS.iter().find(|(argument, _)| strsim::levenshtein(argument, known) <= 2 && known.len() > 2)
}

fn known_arguments() -> String {
    ARGUMENTS.map(|(name, _)| format!("`{name}`")).join(", ")
}

fn example(name: &Ident) -> &'static str {
    ARGUMENTS.iter().find(|(known, _)| name == known).map_or("", |(_, example)| example)
}

pub(crate) fn split_at_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    for token in tokens {
        if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',') {
            parts.push(Vec::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(token);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}
