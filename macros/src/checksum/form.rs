//! What is hashed: tokens as kind and text, less what rustfmt may rewrite.
//!
//! Everything here decides by the tokens alone, and not by a parser, whose newer versions might read them in another way.
//! Two different programs have one form only where one of the two does not compile.

use proc_macro2::Delimiter;

use super::imports;
use super::tree::Tree;

/// Words after which an operand begins. `self`, `Self`, `super`, `crate`, `true`, `false` and `await` end one.
const KEYWORDS: &str = " as async break const continue do dyn else enum extern fn for gen if impl in let loop match mod move \
                        mut pub ref return static struct trait type union unsafe use where while yield ";

/// The bytes that are hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Form(Vec<u8>);

/// What a list of tokens is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Items, statements, match arms, fields: between braces, or a whole migration.
    Braces,
    /// The same behind a path: perhaps fields, whose names may stand for their values.
    Fields,
    /// A list, after whose last entry a comma makes no difference.
    List,
    /// Arguments of a macro, to which it may.
    Macro,
}

impl Place {
    fn is_braces(self) -> bool {
        matches!(self, Self::Braces | Self::Fields)
    }
}

impl Form {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
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

    fn sign(&mut self, sign: char) {
        self.0.extend([b'p', sign as u8]);
    }

    /// Items and statements.
    pub(crate) fn code(&mut self, trees: &[Tree]) {
        self.list(trees, Place::Braces);
    }

    fn list(&mut self, trees: &[Tree], place: Place) {
        let trees = if place.is_braces() { without_last_semicolon(trees) } else { trees };
        let mut at = 0;
        let mut in_where = false;
        // Of an arm like `A => if b { c } else { d }`, which ends without a comma where the braces end.
        let mut in_arm = false;
        while at < trees.len() {
            let (before, rest) = trees.split_at(at);
            if place.is_braces() && starts_statement(before) {
                let length = imports::write(self, rest);
                if length > 0 {
                    at += length;
                    continue;
                }
            }
            at += match &rest[0] {
                Tree::Word(word) => {
                    in_where |= word == "where";
                    self.words(before, rest, place)
                }
                Tree::Literal(text) => {
                    self.part(b'l', text.as_bytes());
                    1
                }
                Tree::Sign(',', _) => {
                    in_arm = false;
                    let is_last = rest.len() == 1 && place != Place::Macro;
                    let ends_where =
                        in_where && rest.get(1).is_some_and(|next| next.braces().is_some() || next.is_sign(';'));
                    if !is_last && !ends_where && !rest.get(1).is_some_and(|next| next.is_sign('>')) {
                        self.sign(',');
                    }
                    1
                }
                Tree::Sign(';', _) => {
                    in_where = false;
                    if !place.is_braces() || !is_superfluous(before) {
                        self.sign(';');
                    }
                    1
                }
                Tree::Sign('|', _) if !ends_operand(before) => self.pipe(before, rest, place),
                Tree::Sign('<', _) if rest.get(1).is_some_and(|next| next.is_sign('>')) => 2,
                Tree::Sign(':', _) if is_empty_turbofish(rest) => 4,
                Tree::Sign('#', _) => self.attribute(rest),
                // `a && b` is not `a & &b`, and what follows `a ||` is not a closure. Before an operand it is all the same.
                Tree::Sign(sign @ ('&' | '|'), true)
                    if ends_operand(before) && rest.get(1).is_some_and(|next| next.is_sign(*sign)) =>
                {
                    self.0.extend([b'j', *sign as u8]);
                    2
                }
                Tree::Sign(sign, _) => {
                    self.sign(*sign);
                    1
                }
                Tree::Group(delimiter, content) => {
                    in_where &= *delimiter != Delimiter::Brace;
                    if *delimiter == Delimiter::Brace && follows_arrow(before) {
                        self.block(content);
                        1 + self.comma_of_arm(&rest[1..])
                    } else {
                        self.group(before, *delimiter, content);
                        let ends = in_arm && *delimiter == Delimiter::Brace && ends_arm(&rest[1..]);
                        if ends {
                            in_arm = false;
                            self.sign(',');
                        }
                        1
                    }
                }
            };
            in_arm |= follows_arrow(before) && begins_block_like(rest);
        }
    }

    fn words(&mut self, before: &[Tree], rest: &[Tree], place: Place) -> usize {
        let Tree::Word(word) = &rest[0] else { return 0 };
        if word == "where" && rest.get(1).is_none_or(|next| next.braces().is_some() || next.is_sign(';')) {
            return 1;
        }
        self.word(word);
        let starts_field =
            before.last().is_none_or(|last| last.is_sign(',') || last.within(Delimiter::Bracket).is_some());
        match rest {
            [_, Tree::Literal(abi), ..] if word == "extern" && abi == "\"C\"" => 2,
            // `pub(in crate)` is `pub(crate)`.
            [_, visible, ..] if word == "pub" => match visible.parentheses() {
                Some([of, one]) if of.is_word("in") => {
                    self.group(before, Delimiter::Parenthesis, std::slice::from_ref(one));
                    2
                }
                _ => 1,
            },
            [_, not, name, rules, ..] if word == "macro_rules" && not.is_sign('!') => {
                let Tree::Group(delimiter, content) = rules else { return 1 };
                self.sign('!');
                self.list(std::slice::from_ref(name), Place::List);
                self.rules(*delimiter, content);
                4
            }
            // `name: name` is `name`.
            [_, colon, value, end @ ..]
                if place == Place::Fields
                    && starts_field
                    && colon.is_sign(':')
                    && value.is_word(word)
                    && end.first().is_none_or(|end| end.is_sign(',')) =>
            {
                3
            }
            _ => 1,
        }
    }

    fn group(&mut self, before: &[Tree], delimiter: Delimiter, content: &[Tree]) {
        if let [.., Tree::Word(name), not] = before
            && not.is_sign('!')
            && !is_keyword(name)
        {
            return match (name.as_str(), delimiter) {
                // Always written in brackets, and an array.
                ("vec", _) => self.delimited(Delimiter::Bracket, content, Place::List),
                (name, Delimiter::Brace) if name != "lazy_static" => self.verbatim(delimiter, content),
                _ => self.delimited(delimiter, content, Place::Macro),
            };
        }
        let place = match delimiter {
            Delimiter::Brace if follows_path(before) => Place::Fields,
            Delimiter::Brace => Place::Braces,
            _ => Place::List,
        };
        if delimiter == Delimiter::Parenthesis && !is_call(before) {
            let mut content = content;
            while let [only] = content
                && let Some(inner) = only.parentheses()
                && !inner.is_empty()
                && !inner.iter().any(|tree| tree.is_sign(','))
            {
                content = inner;
            }
            self.delimited(delimiter, content, if is_tuple_of_one(content) { Place::Macro } else { Place::List });
        } else {
            self.delimited(delimiter, content, place);
        }
    }

    fn delimited(&mut self, delimiter: Delimiter, content: &[Tree], place: Place) {
        let [open, close] = ends(delimiter);
        self.0.push(open);
        self.list(content, place);
        self.0.push(close);
    }

    /// What rustfmt leaves alone.
    fn verbatim(&mut self, delimiter: Delimiter, content: &[Tree]) {
        let [open, close] = ends(delimiter);
        self.0.push(open);
        for tree in content {
            match tree {
                Tree::Word(word) => self.word(word),
                Tree::Literal(text) => self.part(b'l', text.as_bytes()),
                Tree::Sign(sign @ ('&' | '|' | '<'), true) => self.0.extend([b'j', *sign as u8]),
                Tree::Sign(sign, _) => self.sign(*sign),
                Tree::Group(delimiter, content) => self.verbatim(*delimiter, content),
            }
        }
        self.0.push(close);
    }

    /// The body of a match arm or of a closure, which has braces where it does not fit into its line.
    fn block(&mut self, content: &[Tree]) {
        let content = without_last_semicolon(content);
        if let [only] = content
            && let Some(inner) = only.braces()
        {
            return self.block(inner);
        }
        let is_statement = content.iter().any(|tree| tree.is_sign(';'));
        if content.is_empty() || content[0].is_sign('#') || is_statement || is_list(content) {
            self.delimited(Delimiter::Brace, content, Place::Braces);
        } else {
            self.code(content);
        }
    }

    /// After the block of a match arm, a comma may be left out. Returns how many tokens it is.
    fn comma_of_arm(&mut self, rest: &[Tree]) -> usize {
        let written = rest.first().is_some_and(|next| next.is_sign(','));
        if rest.len() > usize::from(written) {
            self.sign(',');
        }
        usize::from(written)
    }

    /// In front of a pattern, or the parameters of a closure.
    fn pipe(&mut self, before: &[Tree], rest: &[Tree], place: Place) -> usize {
        let end_of_arm = rest.iter().position(|tree| tree.is_sign(',') || tree.is_sign(';')).unwrap_or(rest.len());
        let leads_to_arrow = rest[..end_of_arm].windows(2).any(|pair| pair[0].is_sign('=') && pair[1].is_sign('>'));
        let leads_pattern = place.is_braces() && !follows_arrow(before) && leads_to_arrow;
        if leads_pattern || before.last().is_some_and(|last| last.is_word("let")) {
            return 1;
        }
        self.sign('|');
        let Some(end) = rest[1..].iter().position(|tree| tree.is_sign('|')) else { return 1 };
        self.list(&rest[1..=end], Place::List);
        self.sign('|');
        let length = end + 2;
        match &rest[length..] {
            [body, after @ ..] if after.first().is_none_or(|next| next.is_sign(',') || next.is_sign(';')) => {
                let Some(content) = body.braces() else { return length };
                self.block(content);
                length + 1
            }
            _ => length,
        }
    }

    /// One attribute; of `#[derive(..)]`, all that follow each other as one.
    fn attribute(&mut self, rest: &[Tree]) -> usize {
        self.sign('#');
        let mut derived = Vec::new();
        let mut length = 0;
        while let [hash, Tree::Group(Delimiter::Bracket, content), ..] = &rest[length..]
            && hash.is_sign('#')
            && let [derive, Tree::Group(Delimiter::Parenthesis, names)] = content.as_slice()
            && derive.is_word("derive")
        {
            derived.extend(names.iter().cloned());
            if names.last().is_some_and(|last| !last.is_sign(',')) {
                derived.push(Tree::Sign(',', false));
            }
            length += 2;
        }
        if length == 0 {
            return 1;
        }
        self.word("derive");
        self.delimited(Delimiter::Parenthesis, &derived, Place::List);
        length
    }

    /// The arms of a `macro_rules!`: what is matched as it is, what becomes of it as code.
    fn rules(&mut self, delimiter: Delimiter, content: &[Tree]) {
        let [open, close] = ends(delimiter);
        self.0.push(open);
        for arm in content.split(|tree| tree.is_sign(';')).filter(|arm| !arm.is_empty()) {
            if let [Tree::Group(form, matched), equals, greater, Tree::Group(_, made)] = arm
                && equals.is_sign('=')
                && greater.is_sign('>')
            {
                self.verbatim(*form, matched);
                self.delimited(Delimiter::Brace, made, Place::Braces);
            } else {
                self.verbatim(Delimiter::Brace, arm);
            }
        }
        self.0.push(close);
    }
}

fn ends(delimiter: Delimiter) -> [u8; 2] {
    match delimiter {
        Delimiter::Parenthesis => *b"()",
        Delimiter::Bracket => *b"[]",
        Delimiter::Brace | Delimiter::None => *b"{}",
    }
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.split(' ').any(|keyword| keyword == word)
}

/// `=>`, or `->` if it is that.
fn is_arrow(before: &[Tree], first: char) -> bool {
    matches!(before, [.., Tree::Sign(sign, true), greater] if *sign == first && greater.is_sign('>'))
}

fn is_lifetime(before: &[Tree]) -> bool {
    matches!(before, [.., quote, Tree::Word(_)] if quote.is_sign('\''))
}

fn follows_arrow(before: &[Tree]) -> bool {
    is_arrow(before, '=')
}

/// Whether what follows is joined to an operand.
fn ends_operand(before: &[Tree]) -> bool {
    match before.last() {
        None => false,
        Some(Tree::Word(word)) => !is_keyword(word) && !is_lifetime(before),
        Some(Tree::Literal(_)) => true,
        Some(Tree::Sign('>', _)) => !is_arrow(before, '=') && !is_arrow(before, '-'),
        Some(Tree::Sign(sign, _)) => *sign == '?',
        Some(Tree::Group(delimiter, _)) => *delimiter != Delimiter::Brace && !follows_attribute(before),
    }
}

/// Whether parentheses that follow are those of a call, a declaration or a pattern, and not of a tuple.
fn is_call(before: &[Tree]) -> bool {
    ends_operand(before) && !matches!(before.last(), Some(Tree::Literal(_)))
        || before.last().is_some_and(|last| last.is_word("fn"))
}

fn follows_attribute(before: &[Tree]) -> bool {
    match before {
        [.., hash, bang, Tree::Group(Delimiter::Bracket, _)] if bang.is_sign('!') => hash.is_sign('#'),
        [.., hash, Tree::Group(Delimiter::Bracket, _)] => hash.is_sign('#'),
        _ => false,
    }
}

/// Whether braces that follow may be those of `Name { field: value }`.
fn follows_path(before: &[Tree]) -> bool {
    match before.last() {
        Some(Tree::Word(word)) => !is_keyword(word),
        Some(Tree::Sign('>', _)) => !is_arrow(before, '=') && !is_arrow(before, '-'),
        _ => false,
    }
}

/// `(a,)`, which is not `(a)`.
fn is_tuple_of_one(content: &[Tree]) -> bool {
    content.split_last().is_some_and(|(last, before)| last.is_sign(',') && !is_list(before))
}

/// Whether there are entries with commas between them. Those of `a::<B, C>()` and of `|a, b| c` do not count.
fn is_list(content: &[Tree]) -> bool {
    let mut depth = 0_u32;
    let mut in_parameters = false;
    for (at, tree) in content.iter().enumerate() {
        let before = &content[..at];
        match tree {
            Tree::Sign('|', _) => in_parameters = !in_parameters && !ends_operand(before),
            Tree::Sign('<', _) => depth += u32::from(depth > 0 || begins_generics(before)),
            Tree::Sign('>', _) if !matches!(before.last(), Some(Tree::Sign('-' | '=', true))) => {
                depth = depth.saturating_sub(1)
            }
            Tree::Sign(',', _) if depth == 0 && !in_parameters => return true,
            _ => {}
        }
    }
    false
}

/// Whether a `<` that follows is none that compares.
fn begins_generics(before: &[Tree]) -> bool {
    match before.last() {
        Some(Tree::Word(name)) if name.starts_with(char::is_uppercase) => true,
        Some(last) => last.is_sign(':') || !ends_operand(before),
        None => true,
    }
}

fn starts_statement(before: &[Tree]) -> bool {
    before.last().is_none_or(|last| last.is_sign(';') || last.braces().is_some() || follows_inner_attribute(before))
}

fn follows_inner_attribute(before: &[Tree]) -> bool {
    matches!(before, [.., hash, bang, Tree::Group(Delimiter::Bracket, _)] if hash.is_sign('#') && bang.is_sign('!'))
}

/// Whether a semicolon that follows says nothing: the statement is empty, or a loop.
fn is_superfluous(before: &[Tree]) -> bool {
    let Some((last, earlier)) = before.split_last() else { return true };
    if last.is_sign(';') {
        return true;
    }
    if last.braces().is_none() {
        return false;
    }
    let start = earlier.iter().rposition(|tree| tree.is_sign(';') || tree.braces().is_some()).map_or(0, |end| end + 1);
    let statement = match &earlier[start..] {
        [quote, _, colon, labelled @ ..] if quote.is_sign('\'') && colon.is_sign(':') => labelled,
        statement => statement,
    };
    statement.first().is_some_and(|first| ["loop", "while", "for"].iter().any(|word| first.is_word(word)))
}

/// At the end of a block, `return x` and `return x;` are one.
fn without_last_semicolon(trees: &[Tree]) -> &[Tree] {
    let Some((_, statements)) = trees.split_last().filter(|(last, _)| last.is_sign(';')) else { return trees };
    let start = statements.iter().rposition(|tree| tree.is_sign(';')).map_or(0, |end| end + 1);
    let leaves = |tree: &Tree| ["return", "break", "continue"].iter().any(|word| tree.is_word(word));
    let begins = |at: usize| at == start || statements[at - 1].braces().is_some();
    let is_left = (start..statements.len()).any(|at| begins(at) && leaves(&statements[at]));
    if is_left { statements } else { trees }
}

fn is_empty_turbofish(rest: &[Tree]) -> bool {
    matches!(rest, [a, b, c, d, ..] if a.is_sign(':') && b.is_sign(':') && c.is_sign('<') && d.is_sign('>'))
}

/// Whether the body of an arm ends at braces without a comma being needed.
fn begins_block_like(rest: &[Tree]) -> bool {
    let words = ["if", "match", "loop", "while", "for", "unsafe", "async", "const"];
    words.iter().any(|word| rest[0].is_word(word)) || rest[0].is_sign('\'')
}

fn ends_arm(rest: &[Tree]) -> bool {
    rest.first().is_some_and(|next| {
        !next.is_word("else") && next.braces().is_none() && !matches!(next, Tree::Sign(',' | '.' | '?' | ';', _))
    })
}
