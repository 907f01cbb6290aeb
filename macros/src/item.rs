//! The annotated item: a function, or a module around one.

mod above;
mod function;
mod module;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Expr, Lit, Meta, Token, Visibility};

pub(crate) use self::function::{Function, Written};
pub(crate) use self::module::{Inner, Module};

const SHAPE: &str = "a migration is `async fn name(tx: &mut Tx) -> Result<(), mongrate::Error>`";

/// The annotated item. Function bodies are not parsed.
pub(crate) struct Item {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) form: Form,
    /// The tokens that the checksum covers: the signature and body of a function, or the content of a module.
    pub(crate) tokens: TokenStream,
}

pub(crate) enum Form {
    Function(Written),
    Module(Module),
}

impl Item {
    /// Sets the body aside before parsing, because it has most of the tokens.
    pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut head = tokens.into_iter().collect::<Vec<_>>();
        let body = pop_body(&mut head);
        let mut item = match body.as_ref().and_then(|_| Self::plain(&head)) {
            Some(item) => item,
            None => syn::parse2(head.into_iter().collect())?,
        };
        if let Some(above) = body.as_ref().and_then(above::attribute) {
            return Err(above);
        }
        match (&mut item.form, body) {
            (Form::Function(_), Some(body)) => item.tokens.extend([TokenTree::Group(body)]),
            (Form::Module(module), Some(body)) => {
                item.tokens = body.stream();
                item.attributes.extend(module.read(body.stream())?);
            }
            (Form::Function(Written::Plain(Function { name, .. })), None) => {
                return Err(syn::Error::new(name.span(), neither()));
            }
            (Form::Function(Written::Other(signature)), None) => {
                return Err(syn::Error::new_spanned(signature, neither()));
            }
            (Form::Module(module), None) => return Err(syn::Error::new(module.name.span(), module.is_elsewhere())),
        }
        Ok(item)
    }

    /// Reads a function like nearly every migration, without its body.
    fn plain(head: &[TokenTree]) -> Option<Self> {
        let attributes = head.chunks_exact(2).take_while(|pair| matches!(&pair[0], TokenTree::Punct(_))).count() * 2;
        let (attributes, function) = head.split_at(attributes);
        let visibility =
            function.iter().position(|token| matches!(token, TokenTree::Ident(word) if word == "async"))?;
        let (visibility, signature) = function.split_at(visibility);
        let ([] | [TokenTree::Ident(_)] | [TokenTree::Ident(_), TokenTree::Group(_)]) = visibility else { return None };
        Some(Self {
            attributes: Attribute::parse_outer.parse2(attributes.iter().cloned().collect()).ok()?,
            form: Form::Function(Written::Plain(Function::plain(signature)?)),
            tokens: signature.iter().cloned().collect(),
        })
    }

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

    /// Returns whether this is a method: an `impl` has no room for generated items.
    pub(crate) fn is_method(&self) -> bool {
        matches!(&self.form, Form::Function(Written::Other(signature)) if signature.receiver().is_some())
    }

    pub(crate) fn is_module(&self) -> bool {
        matches!(self.form, Form::Module(_))
    }

    /// The `#[cfg]`s, which apply to the registration, too.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
    }
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        if input.parse::<Option<Token![mod]>>()?.is_some() {
            let form = Form::Module(Module::named(input.parse()?));
            input.parse::<Option<Token![;]>>()?;
            return Ok(Self { attributes, form, tokens: TokenStream::new() });
        }
        let tokens = input.fork().parse()?;
        let signature = input.parse().map_err(|error: syn::Error| syn::Error::new(error.span(), neither()))?;
        Ok(Self { attributes, form: Form::Function(Written::Other(signature)), tokens })
    }
}

/// Appends tokens inside the braces of the item.
pub(crate) fn with_more(item: &TokenStream, more: TokenStream) -> TokenStream {
    let mut tokens = item.clone().into_iter().collect::<Vec<_>>();
    if let Some(body) = pop_body(&mut tokens) {
        let mut content = body.stream();
        content.extend(more);
        let mut longer = Group::new(Delimiter::Brace, content);
        longer.set_span(body.span());
        tokens.push(TokenTree::Group(longer));
    }
    tokens.into_iter().collect()
}

fn pop_body(tokens: &mut Vec<TokenTree>) -> Option<Group> {
    let TokenTree::Group(last) = tokens.last()? else { return None };
    let body = visible(last.clone());
    (body.delimiter() == Delimiter::Brace).then(|| {
        tokens.pop();
        body
    })
}

/// Unwraps the invisible group that `macro_rules!` puts around a `$body:block`.
fn visible(group: Group) -> Group {
    if group.delimiter() != Delimiter::None {
        return group;
    }
    let mut inner = group.stream().into_iter();
    match (inner.next(), inner.next()) {
        (Some(TokenTree::Group(only)), None) => visible(only),
        _ => group,
    }
}

fn neither() -> String {
    format!("`#[migration]` goes on a function, or on a module with the function `up`\n{SHAPE}")
}
