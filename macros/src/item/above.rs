//! Detects attribute macros above `#[migration]`, which have already rewritten the item.

use proc_macro2::{Group, Span, TokenTree};

/// Returns the error if the body was rewritten: tokens added by an attribute macro have the span of that attribute.
///
/// A macro that gives all its tokens other spans goes unnoticed.
pub(super) fn attribute(body: &Group) -> Option<syn::Error> {
    let inner = body.stream().into_iter().map(|token| match token {
        TokenTree::Group(group) => group.span_open(),
        token => token.span(),
    });
    let made = std::iter::once(body.span_open()).chain(inner).find_map(|span| Some((span, written(span)?)));
    // A macro may generate the whole migration, including this attribute.
    let (span, above) = made.filter(|(_, above)| written(Span::call_site()).as_ref() != Some(above))?;
    let message = format!(
        "`{above}` is above `#[migration]`: the checksum would cover the code that it adds, and would change with its version\n\
         put `#[migration(..)]` first, above all other attributes"
    );
    Some(syn::Error::new(span, message))
}

/// Returns the attribute at this span, if there is one.
fn written(span: Span) -> Option<String> {
    span.source_text().filter(|text| text.starts_with("#["))
}
