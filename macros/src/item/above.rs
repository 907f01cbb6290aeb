//! Attribute macros above `#[migration]`, which have made something else of the item before it is seen here.

use proc_macro2::{Group, Span, TokenTree};

/// The mistake, if this body is not as it is in the source: what an attribute macro adds has the place of that attribute.
///
/// One that gives all it adds the place of something else is not noticed.
pub(super) fn attribute(body: &Group) -> Option<syn::Error> {
    let inner = body.stream().into_iter().map(|token| match token {
        TokenTree::Group(group) => group.span_open(),
        token => token.span(),
    });
    let made = std::iter::once(body.span_open()).chain(inner).find_map(|span| Some((span, written(span)?)));
    // A macro may write the whole migration, this attribute included.
    let (span, above) = made.filter(|(_, above)| written(Span::call_site()).as_ref() != Some(above))?;
    let message = format!(
        "`{above}` is above `#[migration]`, so that the checksum would cover what it adds and change with its version\n\
         put `#[migration(..)]` first, above all other attributes"
    );
    Some(syn::Error::new(span, message))
}

/// The attribute at this place, if it is that of one.
fn written(span: Span) -> Option<String> {
    span.source_text().filter(|text| text.starts_with("#["))
}
