//! The checksum of a migration: SHA-256 over its tokens.
//!
//! Algorithm `t1`: signature and body, token by token, as kind and text. Visibility, attributes of the function and doc
//! comments are left out. Never `TokenStream::to_string`, whose spacing differs between compilers.

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use sha2::{Digest, Sha256};

/// `t1:` and 64 hexadecimal digits.
pub(crate) fn checksum(tokens: TokenStream) -> String {
    let mut bytes = Vec::new();
    stream(&mut bytes, tokens);
    let mut checksum = "t1:".to_owned();
    for byte in Sha256::digest(bytes) {
        for digit in [byte >> 4, byte & 15] {
            checksum.extend(char::from_digit(digit.into(), 16));
        }
    }
    checksum
}

fn stream(bytes: &mut Vec<u8>, tokens: TokenStream) {
    let mut tokens = tokens.into_iter();
    let mut after_joint = None;
    while let Some(token) = tokens.next() {
        let previous = after_joint.take();
        match token {
            TokenTree::Group(group) => {
                let kind: &[u8; 2] = match group.delimiter() {
                    Delimiter::Parenthesis => b"()",
                    Delimiter::Brace => b"{}",
                    Delimiter::Bracket => b"[]",
                    // An invisible group comes from a `macro_rules!` around the function, not from its text.
                    Delimiter::None => {
                        stream(bytes, group.stream());
                        continue;
                    }
                };
                bytes.push(kind[0]);
                stream(bytes, group.stream());
                bytes.push(kind[1]);
            }
            TokenTree::Ident(ident) => text(bytes, b'i', &ident.to_string()),
            // The compiler reads CRLF as LF; other readers of source text may not.
            TokenTree::Literal(literal) => {
                text(bytes, b'l', &literal.to_string().replace("\r\n", "\n"));
            }
            TokenTree::Punct(punct) => {
                let c = punct.as_char();
                if c == '#' && skip_documentation(&mut tokens) {
                    continue;
                }
                // `a && b` is not `a & &b`: only for these three does a space make other tokens of valid code.
                let glued = previous == Some(c) && matches!(c, '&' | '|' | '<');
                bytes.extend([if glued { b'j' } else { b'p' }, c as u8]);
                if punct.spacing() == Spacing::Joint && !glued {
                    after_joint = Some(c);
                }
            }
        }
    }
}

fn text(bytes: &mut Vec<u8>, kind: u8, text: &str) {
    bytes.push(kind);
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
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

#[cfg(test)]
mod tests {
    use super::checksum;

    const CODE: &str = "async fn up(tx: &mut Tx) -> Result<Vec<Vec<u8>>, Error> {\n    \
                        let a = &&1; if x < -1 && y << 2 == z || !w { f(\"é\\n\", 'c', 1_u8, r#\"x\"#) }\n    Ok(vec![])\n}\n";

    fn of(code: &str) -> String {
        checksum(code.parse().expect("the code of this test is made of tokens"))
    }

    #[test]
    fn the_algorithm_t1_never_changes() {
        assert_eq!(of(CODE), "t1:8fe3a95233a2a6ae6ad3e53ebe505ff1bdb339f0da5e494e1681d72c87fab0c1");
    }

    #[test]
    fn comments_and_white_space_do_not_count() {
        for same in [
            CODE.replace('\n', "\r\n"),
            CODE.replace("    ", "\t"),
            CODE.replace('{', "{ // why\n /* and /* how */ */"),
            CODE.replace("let a", "/// What it is.\n#[doc(hidden)] let a"),
            CODE.replace("Error> {", "Error> {//! What it does.\r\n"),
            CODE.replace(">>,", "> > ,"),
            CODE.replace("< -1", "<-1"),
            CODE.replace("= &&1", "=&&1"),
            CODE.replace("|| !w", "||!w"),
            CODE.replace("f(", "f ( "),
        ] {
            assert_eq!(of(&same), of(CODE), "{same}");
        }
        assert_eq!(of("{ \"a\r\nb\" }"), of("{ \"a\nb\" }"));
    }

    #[test]
    fn code_counts() {
        for other in [
            CODE.replace("up", "down"),
            CODE.replace("&mut Tx", "&Tx"),
            CODE.replace("&& y", "& &y"),
            CODE.replace("<< 2", "< < 2"),
            CODE.replace("|| !w", "| | !w"),
            CODE.replace("1_u8", "1u8"),
            CODE.replace("'c'", "\"c\""),
            CODE.replace("\\n", ""),
            CODE.replace("let a", "#[allow(unused)] let a"),
            CODE.replace("Ok(vec![])", "Ok(vec!())"),
            CODE.replace("r#\"x\"#", "\"x\""),
            CODE.replace("; if", "; ; if"),
        ] {
            assert_ne!(of(&other), of(CODE), "{other}");
        }
    }

    #[test]
    fn the_borders_of_tokens_count() {
        assert_ne!(of("ab c"), of("a bc"));
        assert_ne!(of("(a) b"), of("(a b)"));
        assert_ne!(of("a \"b\""), of("a b"));
    }
}
