//! The `#[source]` attribute: adds the argument `source` to every migration in a module.

#[cfg(test)]
#[path = "source/tests.rs"]
mod tests;

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::quote;
use syn::LitStr;

use crate::args::split_at_commas;
use crate::errors::Errors;
use crate::id::Source;

const EXAMPLE: &str = "`#[mongrate::source(\"module:menu\")] mod menu { ... }`";

/// Expands the attribute. The item is emitted in spite of errors.
pub(crate) fn expand(argument: TokenStream, item: TokenStream) -> TokenStream {
    let tokens: Vec<_> = item.into_iter().collect();
    let mut errors = Errors::default();
    let source = errors.note(parse(argument));
    let mut expanded = match errors.note(content(&tokens)) {
        Some((head, content)) => {
            let mut module = Module { source, errors, has_migration: false };
            let changed = module.stream(content.stream()).unwrap_or_else(|| content.stream());
            if !module.has_migration {
                let message = "this module has no `#[migration]`\n\
                               `#[mongrate::source(..)]` is above all other attributes of a module around migrations";
                module.errors.push(syn::Error::new(Span::call_site(), message));
            }
            errors = module.errors;
            // Imports are not used by migrations that are not registered.
            let unused = if module.source.is_none() { quote!(#[allow(unused)]) } else { TokenStream::new() };
            unused.into_iter().chain(head.iter().cloned()).chain([regrouped(content, changed)]).collect()
        }
        None => tokens.into_iter().collect::<TokenStream>(),
    };
    expanded.extend(errors.into_inner().map(|error| error.to_compile_error()));
    expanded
}

/// The source, and the literal that names it.
fn parse(argument: TokenStream) -> syn::Result<(Source, LitStr)> {
    let literal: LitStr = syn::parse2(argument).map_err(|error| {
        let message = format!("the source of a module is a string, like {EXAMPLE}");
        syn::Error::new(error.span(), message)
    })?;
    let source = Source::parse(&literal.value()).map_err(|message| syn::Error::new(literal.span(), message))?;
    Ok((source, literal))
}

/// Splits an inline module before its braces.
fn content(item: &[TokenTree]) -> syn::Result<(&[TokenTree], &Group)> {
    let module = item.iter().position(|token| is_word(token, "mod"));
    let problem = match (module.map(|module| &item[module + 1..]), item.split_last()) {
        (Some([TokenTree::Ident(_), TokenTree::Group(content)]), Some((_, head))) if !is_migration(head) => {
            return Ok((head, content));
        }
        (Some([TokenTree::Ident(_), TokenTree::Group(_)]), _) => {
            "this module is a migration itself: write its source as an argument, `#[migration(.., source = \"module:menu\")]`"
        }
        (Some([TokenTree::Ident(_), TokenTree::Punct(_)]), _) => {
            "`#[mongrate::source(..)]` cannot see the file of this module: write `source = \"module:menu\"` in each `#[migration(..)]` \
             of that file, or write the module inline"
        }
        _ => {
            "`#[mongrate::source(..)]` goes on an inline module around migrations; a single migration has the argument `source`"
        }
    };
    let place = module.and_then(|module| item.get(module + 1)).map_or_else(Span::call_site, TokenTree::span);
    Err(syn::Error::new(place, format!("{problem}\nsuch a module is {EXAMPLE}")))
}

/// Returns whether these tokens have a `#[migration(..)]`.
fn is_migration(head: &[TokenTree]) -> bool {
    let attributes = head.iter().filter_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => Some(group.stream()),
        _ => None,
    });
    attributes.map(|content| content.into_iter().collect::<Vec<_>>()).any(|content| names(&content, "migration"))
}

/// A module whose migrations get a source.
struct Module {
    /// `None` if it is malformed. Then the migrations are not registered at all, because their dependents would not find them.
    source: Option<(Source, LitStr)>,
    errors: Errors,
    has_migration: bool,
}

/// What becomes of an attribute.
enum Attribute {
    Same,
    Changed(TokenStream),
    Removed,
}

impl Module {
    /// Returns the changed tokens, or `None` if there is no migration in them: tokens that stay keep their spans.
    fn stream(&mut self, tokens: TokenStream) -> Option<TokenStream> {
        let mut changed = Vec::new();
        let mut is_changed = false;
        for token in tokens {
            let TokenTree::Group(group) = &token else {
                changed.push(token);
                continue;
            };
            let after_hash = matches!(changed.last(), Some(TokenTree::Punct(sign)) if sign.as_char() == '#');
            if after_hash && group.delimiter() == Delimiter::Bracket {
                match self.attribute(group.stream()) {
                    Attribute::Same => changed.push(token),
                    Attribute::Changed(content) => {
                        is_changed = true;
                        changed.push(regrouped(group, content));
                    }
                    Attribute::Removed => {
                        is_changed = true;
                        changed.pop();
                    }
                }
                continue;
            }
            match self.stream(group.stream()) {
                Some(content) => {
                    is_changed = true;
                    changed.push(regrouped(group, content));
                }
                None => changed.push(token),
            }
        }
        is_changed.then(|| changed.into_iter().collect())
    }

    /// Changes the content of `#[...]`.
    fn attribute(&mut self, content: TokenStream) -> Attribute {
        let mut tokens: Vec<_> = content.into_iter().collect();
        match tokens.as_slice() {
            [TokenTree::Ident(name), TokenTree::Group(arguments)] if name == "cfg_attr" => {
                self.conditional(name, arguments)
            }
            [.., TokenTree::Ident(name), TokenTree::Group(argument)] if names(&tokens, "source") => {
                let is_ours = syn::parse2::<LitStr>(argument.stream()).is_ok();
                if !is_ours {
                    return Attribute::Same;
                }
                let message =
                    "a module around this one has a source already: remove one of the two, or move this module out";
                self.errors.push(syn::Error::new(name.span(), message));
                Attribute::Removed
            }
            _ if names(&tokens, "migration") => {
                self.has_migration = true;
                let Some((source, literal)) = self.source.clone() else { return Attribute::Removed };
                if let Some(TokenTree::Group(arguments)) = tokens.last() {
                    let arguments = regrouped(arguments, self.arguments(arguments.stream(), &source, &literal));
                    tokens.pop();
                    tokens.push(arguments);
                }
                Attribute::Changed(tokens.into_iter().collect())
            }
            _ => Attribute::Same,
        }
    }

    /// Changes the attributes in a `cfg_attr(condition, attribute, ...)`.
    fn conditional(&mut self, name: &Ident, arguments: &Group) -> Attribute {
        let mut changed = TokenStream::new();
        let mut is_changed = false;
        for (index, part) in split_at_commas(arguments.stream()).into_iter().enumerate() {
            let part: TokenStream = part.into_iter().collect();
            let part = match if index == 0 { Attribute::Same } else { self.attribute(part.clone()) } {
                Attribute::Same => part,
                Attribute::Changed(part) => {
                    is_changed = true;
                    part
                }
                Attribute::Removed => return Attribute::Removed,
            };
            changed.extend(part);
            changed.extend([TokenTree::Punct(Punct::new(',', Spacing::Alone))]);
        }
        if !is_changed {
            return Attribute::Same;
        }
        Attribute::Changed([TokenTree::Ident(name.clone()), regrouped(arguments, changed)].into_iter().collect())
    }

    /// Adds the source to the arguments of a migration, and to the short ids in its `deps`.
    fn arguments(&mut self, arguments: TokenStream, source: &Source, literal: &LitStr) -> TokenStream {
        let mut changed = TokenStream::new();
        for mut argument in split_at_commas(arguments) {
            match argument.as_mut_slice() {
                [TokenTree::Ident(name), ..] if name == "source" => {
                    let message = format!(
                        "the source is `{source}` for the whole module: remove this argument, or move the migration out of the module"
                    );
                    self.errors.push(syn::Error::new(name.span(), message));
                    continue;
                }
                [TokenTree::Ident(name), _, TokenTree::Group(list)] if name == "deps" => {
                    *list = group(list, qualified(list.stream(), source));
                }
                _ => {}
            }
            changed.extend(argument);
            changed.extend([TokenTree::Punct(Punct::new(',', Spacing::Alone))]);
        }
        changed.extend([
            TokenTree::Ident(Ident::new("source", literal.span())),
            TokenTree::Punct(Punct::new('=', Spacing::Alone)),
            TokenTree::Literal(literal.token()),
        ]);
        changed
    }
}

/// Qualifies the short ids in a list of dependencies. An `extern` id belongs to another crate and stays.
fn qualified(list: TokenStream, source: &Source) -> TokenStream {
    let mut is_external = false;
    list.into_iter()
        .map(|token| {
            let was_external = std::mem::replace(&mut is_external, is_word(&token, "extern"));
            match token {
                TokenTree::Literal(literal) if !was_external => TokenTree::Literal(qualified_id(literal, source)),
                // Around a `$id:literal` of `macro_rules!`.
                TokenTree::Group(inner) if !was_external => regrouped(&inner, qualified(inner.stream(), source)),
                token => token,
            }
        })
        .collect()
}

fn qualified_id(literal: Literal, source: &Source) -> Literal {
    let Ok(id) = syn::parse2::<LitStr>(TokenTree::Literal(literal.clone()).into()) else { return literal };
    let id = id.value();
    let id = match id.strip_prefix("system:") {
        Some(id) => id.to_owned(),
        None if id.contains(':') || *source == Source::System => return literal,
        None => format!("{source}:{id}"),
    };
    let mut qualified = Literal::string(&id);
    qualified.set_span(literal.span());
    qualified
}

/// Returns whether this is a path that ends with `name`, and possibly arguments in parentheses.
fn names(attribute: &[TokenTree], name: &str) -> bool {
    let path = match attribute {
        [path @ .., TokenTree::Group(arguments)] if arguments.delimiter() == Delimiter::Parenthesis => path,
        path => path,
    };
    let [before @ .., last] = path else { return false };
    let is_path = |token: &TokenTree| match token {
        TokenTree::Ident(_) => true,
        TokenTree::Punct(sign) => sign.as_char() == ':',
        _ => false,
    };
    is_word(last, name) && before.iter().all(is_path)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn regrouped(old: &Group, content: TokenStream) -> TokenTree {
    TokenTree::Group(group(old, content))
}

/// A group with other content.
fn group(old: &Group, content: TokenStream) -> Group {
    let mut new = Group::new(old.delimiter(), content);
    new.set_span(old.span());
    new
}
