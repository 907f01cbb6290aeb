//! Generated code, written token by token.
//!
//! `quote!` copies whatever it interpolates. Proc macros are not optimized in a dev build, so that these copies would take
//! most of the time of an expansion.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// A list of tokens.
#[derive(Default)]
pub(crate) struct Tokens(Vec<TokenTree>);

impl Tokens {
    /// Appends code: names and operators, separated by single spaces. Groups and literals have methods of their own.
    pub(crate) fn code(&mut self, code: &str, span: Span) -> &mut Self {
        for word in code.split(' ') {
            self.word(word, span);
        }
        self
    }

    /// Appends a name, an operator, or a lifetime.
    fn word(&mut self, mut word: &str, span: Span) {
        while let Some(sign) = word.bytes().next() {
            if sign == b'_' || sign.is_ascii_alphanumeric() {
                return self.push(Ident::new(word, span));
            }
            word = &word[1..];
            let spacing = if word.is_empty() { Spacing::Alone } else { Spacing::Joint };
            let mut punct = Punct::new(sign.into(), spacing);
            punct.set_span(span);
            self.push(punct);
        }
    }

    pub(crate) fn literal(&mut self, mut literal: Literal, span: Span) -> &mut Self {
        literal.set_span(span);
        self.push(literal);
        self
    }

    pub(crate) fn string(&mut self, text: &str, span: Span) -> &mut Self {
        self.literal(Literal::string(text), span)
    }

    /// Appends strings with a comma after each.
    pub(crate) fn strings<'s>(&mut self, texts: impl IntoIterator<Item = &'s str>, span: Span) -> &mut Self {
        for text in texts {
            self.string(text, span).code(",", span);
        }
        self
    }

    pub(crate) fn group(&mut self, delimiter: Delimiter, content: Self, span: Span) -> &mut Self {
        let mut group = Group::new(delimiter, content.into_stream());
        group.set_span(span);
        self.push(group);
        self
    }

    pub(crate) fn braces(&mut self, content: Self, span: Span) -> &mut Self {
        self.group(Delimiter::Brace, content, span)
    }

    pub(crate) fn brackets(&mut self, content: Self, span: Span) -> &mut Self {
        self.group(Delimiter::Bracket, content, span)
    }

    pub(crate) fn parentheses(&mut self, content: Self, span: Span) -> &mut Self {
        self.group(Delimiter::Parenthesis, content, span)
    }

    /// Appends existing tokens, which keep their spans.
    pub(crate) fn append(&mut self, tokens: impl IntoIterator<Item = TokenTree>) -> &mut Self {
        self.0.extend(tokens);
        self
    }

    pub(crate) fn into_stream(self) -> TokenStream {
        self.0.into_iter().collect()
    }

    fn push(&mut self, token: impl Into<TokenTree>) {
        self.0.push(token.into());
    }
}

impl IntoIterator for Tokens {
    type Item = TokenTree;
    type IntoIter = std::vec::IntoIter<TokenTree>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
