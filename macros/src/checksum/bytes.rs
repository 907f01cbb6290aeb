//! The bytes that are hashed, one token after the other.

use proc_macro2::Delimiter;

use super::tree::Tree;

/// The bytes that are hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Form(Vec<u8>);

impl Form {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(super) fn part(&mut self, kind: u8, text: &[u8]) {
        self.0.push(kind);
        self.0.extend((text.len() as u64).to_le_bytes());
        self.0.extend_from_slice(text);
    }

    pub(super) fn word(&mut self, word: &str) {
        self.part(b'i', word.as_bytes());
    }

    pub(super) fn sign(&mut self, sign: char) {
        self.0.extend([b'p', sign as u8]);
    }

    /// A sign that is joined to the same sign behind it.
    pub(super) fn joint(&mut self, sign: char) {
        self.0.extend([b'j', sign as u8]);
    }

    pub(super) fn open(&mut self, delimiter: Delimiter) {
        self.0.push(ends(delimiter)[0]);
    }

    pub(super) fn close(&mut self, delimiter: Delimiter) {
        self.0.push(ends(delimiter)[1]);
    }

    /// A group that rustfmt leaves alone.
    pub(super) fn verbatim(&mut self, delimiter: Delimiter, content: &[Tree]) {
        self.open(delimiter);
        for tree in content {
            match tree {
                Tree::Word(word) => self.word(word),
                Tree::Literal(text) => self.part(b'l', text.as_bytes()),
                Tree::Sign(sign @ ('&' | '|' | '<'), true) => self.joint(*sign),
                Tree::Sign(sign, _) => self.sign(*sign),
                Tree::Group(delimiter, content) => self.verbatim(*delimiter, content),
            }
        }
        self.close(delimiter);
    }
}

fn ends(delimiter: Delimiter) -> [u8; 2] {
    match delimiter {
        Delimiter::Parenthesis => *b"()",
        Delimiter::Bracket => *b"[]",
        Delimiter::Brace | Delimiter::None => *b"{}",
    }
}
