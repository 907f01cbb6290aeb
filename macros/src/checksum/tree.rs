//! The tokens of a migration without spans, doc comments and invisible groups, which are never hashed.

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A token, or a group of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    Word(String),
    Literal(String),
    /// A punctuation character, and whether another one follows immediately.
    Sign(char, bool),
    Group(Delimiter, Vec<Tree>),
}

impl Tree {
    pub(crate) fn read(tokens: TokenStream) -> Vec<Self> {
        let mut trees = Vec::new();
        read(tokens, &mut trees);
        trees
    }

    pub(super) fn is_sign(&self, sign: char) -> bool {
        matches!(self, Self::Sign(c, _) if *c == sign)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text == word)
    }

    /// The content of a group with these delimiters.
    pub(super) fn within(&self, delimiter: Delimiter) -> Option<&[Self]> {
        match self {
            Self::Group(found, content) if *found == delimiter => Some(content),
            _ => None,
        }
    }

    pub(super) fn braces(&self) -> Option<&[Self]> {
        self.within(Delimiter::Brace)
    }

    pub(super) fn parentheses(&self) -> Option<&[Self]> {
        self.within(Delimiter::Parenthesis)
    }
}

fn read(tokens: TokenStream, trees: &mut Vec<Tree>) {
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        let tree = match token {
            // Added by a `macro_rules!` around the function; not part of its text.
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                read(group.stream(), trees);
                continue;
            }
            TokenTree::Group(group) => Tree::Group(group.delimiter(), Tree::read(group.stream())),
            TokenTree::Ident(ident) => Tree::Word(ident.to_string()),
            TokenTree::Literal(literal) => Tree::Literal(literal_text(&literal.to_string())),
            TokenTree::Punct(punct) => {
                if punct.as_char() == '#' && skip_documentation(&mut tokens) {
                    continue;
                }
                Tree::Sign(punct.as_char(), punct.spacing() == Spacing::Joint)
            }
        };
        trees.push(tree);
    }
}

/// Returns a literal as the compiler reads it: with LF line ends, and without the indentation after a `\` at the end of a
/// line.
fn literal_text(literal: &str) -> String {
    let text = literal.replace("\r\n", "\n");
    if !text.contains("\\\n") || text.trim_start_matches(['b', 'c']).starts_with('r') {
        return text;
    }
    let mut joined = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('\\') {
        joined.push_str(before);
        if after.starts_with('\n') {
            rest = after.trim_start_matches([' ', '\t', '\n', '\r']);
        } else {
            let escaped = after.chars().next().map_or(0, char::len_utf8);
            joined.push('\\');
            joined.push_str(&after[..escaped]);
            rest = &after[escaped..];
        }
    }
    joined + rest
}

/// Skips the rest of a doc comment after its `#`. Returns whether there was one.
fn skip_documentation(tokens: &mut IntoIter) -> bool {
    let mut ahead = tokens.clone();
    let mut next = ahead.next();
    if matches!(&next, Some(TokenTree::Punct(punct)) if punct.as_char() == '!') {
        next = ahead.next();
    }
    let Some(TokenTree::Group(group)) = next else {
        return false;
    };
    let is_documentation = group.delimiter() == Delimiter::Bracket
        && matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc");
    if is_documentation {
        *tokens = ahead;
    }
    is_documentation
}
