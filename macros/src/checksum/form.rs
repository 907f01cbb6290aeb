//! The normal form that is hashed: the kind and the text of each token, without what rustfmt may rewrite.
//!
//! All decisions depend on the tokens alone. A parser might interpret them differently in a later version. Two different
//! programs share a form only if one of them does not compile.

use proc_macro2::Delimiter;

use super::bytes::Form;
use super::imports::{Names, Run};
use super::syntax::{
    begins_block_like, ends_arm, ends_operand, follows_arrow, follows_path, is_call, is_empty_turbofish, is_field,
    is_keyword, is_list, is_superfluous, is_tuple_of_one, starts_statement, without_last_semicolon,
};
use super::tree::Tree;

/// The role of a list of tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Items, statements, match arms, fields: between braces, or a whole migration.
    Braces,
    /// Braces after a path: possibly fields, which may use the shorthand `name` for `name: name`.
    Fields,
    /// A list in which a trailing comma makes no difference.
    List,
    /// Arguments of a macro, to which a trailing comma may make a difference.
    Macro,
}

impl Place {
    fn is_braces(self) -> bool {
        matches!(self, Self::Braces | Self::Fields)
    }
}

impl Form {
    /// Items and statements.
    pub(crate) fn code(&mut self, trees: &[Tree]) {
        self.list(trees, Place::Braces);
    }

    fn list(&mut self, trees: &[Tree], place: Place) {
        let trees = if place.is_braces() { without_last_semicolon(trees) } else { trees };
        let mut at = 0;
        let mut in_where = false;
        // In an arm like `A => if b { c } else { d }`, which may end at the brace without a comma.
        let mut in_arm = false;
        while at < trees.len() {
            let (before, rest) = trees.split_at(at);
            if place.is_braces() && starts_statement(before) {
                let length = self.imports(rest);
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
                    // `a.0.1` is one literal; split across two lines, it is two.
                    let fields = text.split_once('.').filter(|_| is_field(before));
                    let (first, second) = fields.map_or((text.as_str(), None), |(first, second)| (first, Some(second)));
                    self.part(b'l', first.as_bytes());
                    if let Some(second) = second {
                        self.sign('.');
                        self.part(b'l', second.as_bytes());
                    }
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
                // `a && b` is not `a & &b`, and no closure follows in `a || b`. Before an operand, the spacing makes no difference.
                Tree::Sign(sign @ ('&' | '|'), true)
                    if ends_operand(before) && rest.get(1).is_some_and(|next| next.is_sign(*sign)) =>
                {
                    self.joint(*sign);
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

    /// Writes a run of imports in sorted order. Returns the number of tokens read.
    fn imports(&mut self, trees: &[Tree]) -> usize {
        let Some(run) = Run::at_start(trees) else { return 0 };
        let mut sorted: Vec<(Self, Vec<u8>)> = Vec::new();
        for item in &run.items {
            let form = |trees| {
                let mut form = Self::default();
                form.code(trees);
                form
            };
            match &item.names {
                Names::Paths(paths) => {
                    let before = form(item.before);
                    sorted.extend(paths.iter().map(|path| (before.clone(), path.clone().into_bytes())));
                }
                Names::Tokens(after) => sorted.push((form(item.before), form(after).into_bytes())),
            }
        }
        sorted.sort();
        for (before, what) in sorted {
            self.word(run.keyword);
            self.append(before);
            self.part(b'u', &what);
        }
        run.length
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
        self.open(delimiter);
        self.list(content, place);
        self.close(delimiter);
    }

    /// The body of a match arm or a closure, to which rustfmt adds braces if it does not fit on one line.
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

    /// The comma after the block of a match arm, which is optional. Returns the number of tokens read.
    fn comma_of_arm(&mut self, rest: &[Tree]) -> usize {
        let written = rest.first().is_some_and(|next| next.is_sign(','));
        if rest.len() > usize::from(written) {
            self.sign(',');
        }
        usize::from(written)
    }

    /// A `|` before a pattern, or around the parameters of a closure.
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

    /// An attribute. Consecutive `#[derive(..)]` count as one.
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

    /// The arms of a `macro_rules!`: matchers verbatim, transcribers as code.
    fn rules(&mut self, delimiter: Delimiter, content: &[Tree]) {
        self.open(delimiter);
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
        self.close(delimiter);
    }
}
