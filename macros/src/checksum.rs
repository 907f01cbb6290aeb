//! The checksum of a migration: SHA-256 over its tokens.
//!
//! Algorithm `t1`: signature and body, token by token, as kind and text. Visibility, attributes of the function and doc
//! comments are left out. Never `TokenStream::to_string`, whose spacing differs between compilers.

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use sha2::{Digest, Sha256};

/// `t1:` and 64 hexadecimal digits.
pub(crate) fn checksum(tokens: TokenStream) -> String {
    let mut hash = Sha256::new();
    stream(&mut hash, tokens);
    hash.finalize().iter().fold("t1:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

fn stream(hash: &mut Sha256, tokens: TokenStream) {
    let mut tokens = tokens.into_iter();
    let mut after_joint = None;
    while let Some(token) = tokens.next() {
        let previous = after_joint.take();
        match token {
            TokenTree::Group(group) => {
                let kind: &[u8] = match group.delimiter() {
                    Delimiter::Parenthesis => b"()",
                    Delimiter::Brace => b"{}",
                    Delimiter::Bracket => b"[]",
                    // An invisible group comes from a `macro_rules!` around the function, not from its text.
                    Delimiter::None => {
                        stream(hash, group.stream());
                        continue;
                    }
                };
                hash.update(&kind[..1]);
                stream(hash, group.stream());
                hash.update(&kind[1..]);
            }
            TokenTree::Ident(ident) => text(hash, b'i', &ident.to_string()),
            // The compiler reads CRLF as LF; other readers of source text may not.
            TokenTree::Literal(literal) => text(hash, b'l', &literal.to_string().replace("\r\n", "\n")),
            TokenTree::Punct(punct) => {
                let c = punct.as_char();
                if c == '#' && skip_documentation(&mut tokens) {
                    continue;
                }
                // `a && b` is not `a & &b`: only for these three does a space make other tokens of valid code.
                let glued = previous == Some(c) && matches!(c, '&' | '|' | '<');
                hash.update([if glued { b'j' } else { b'p' }, c as u8]);
                if punct.spacing() == Spacing::Joint && !glued {
                    after_joint = Some(c);
                }
            }
        }
    }
}

fn text(hash: &mut Sha256, kind: u8, text: &str) {
    hash.update([kind]);
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

/// Passes over what follows the `#` of a doc comment.
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
