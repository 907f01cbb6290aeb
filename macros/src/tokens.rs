//! Generated code, written token by token.
//!
//! `quote!` copies everything that it interpolates. Proc macros are not optimized in a dev build, where these copies would
//! take most of the time of an expansion.

use std::mem;

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// A list of tokens, the last of which may be inside groups that are still open.
#[derive(Default)]
pub(crate) struct Tokens {
    current: Vec<TokenTree>,
    /// What precedes each open group.
    outer: Vec<Vec<TokenTree>>,
}

impl Tokens {
    /// Appends code without literals, its tokens separated by single spaces.
    pub(crate) fn code(&mut self, code: &str, span: Span) -> &mut Self {
        let bytes = code.as_bytes();
        let (mut start, mut end) = (0, 0);
        // A plain loop, because `split` is several times slower without optimization.
        while start < bytes.len() {
            while end < bytes.len() && bytes[end] != b' ' {
                end += 1;
            }
            match bytes[start] {
                b'(' | b'[' | b'{' => self.outer.push(mem::take(&mut self.current)),
                b')' => self.close(Delimiter::Parenthesis, span),
                b']' => self.close(Delimiter::Bracket, span),
                b'}' => self.close(Delimiter::Brace, span),
                _ => self.word(&code[start..end], span),
            }
            end += 1;
            start = end;
        }
        self
    }

    pub(crate) fn string(&mut self, text: &str, span: Span) -> &mut Self {
        self.literal(Literal::string(text), span)
    }

    pub(crate) fn literal(&mut self, mut literal: Literal, span: Span) -> &mut Self {
        literal.set_span(span);
        self.push(literal)
    }

    pub(crate) fn ident(&mut self, ident: &Ident) -> &mut Self {
        self.push(ident.clone())
    }

    /// Appends existing tokens, which keep their spans.
    pub(crate) fn append(&mut self, tokens: impl IntoIterator<Item = TokenTree>) -> &mut Self {
        self.current.extend(tokens);
        self
    }

    pub(crate) fn into_stream(self) -> TokenStream {
        self.current.into_iter().collect()
    }

    /// Appends a name, an operator, or a lifetime.
    fn word(&mut self, mut word: &str, span: Span) {
        while let Some(&sign) = word.as_bytes().first() {
            if sign == b'_' || sign.is_ascii_alphanumeric() {
                self.push(Ident::new(word, span));
                return;
            }
            word = &word[1..];
            let spacing = if word.is_empty() { Spacing::Alone } else { Spacing::Joint };
            let mut punct = Punct::new(sign.into(), spacing);
            punct.set_span(span);
            self.push(punct);
        }
    }

    fn close(&mut self, delimiter: Delimiter, span: Span) {
        let before = self.outer.pop().unwrap_or_default();
        let content = mem::replace(&mut self.current, before);
        let mut group = Group::new(delimiter, content.into_iter().collect());
        group.set_span(span);
        self.push(group);
    }

    fn push(&mut self, token: impl Into<TokenTree>) -> &mut Self {
        self.current.push(token.into());
        self
    }
}
