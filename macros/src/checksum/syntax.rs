//! The meaning of a token, determined by its neighbors.

use proc_macro2::Delimiter;

use super::tree::Tree;

/// Returns whether this is a keyword followed by an operand. `self`, `Self`, `super`, `crate`, `true`, `false` and `await` end
/// an operand instead.
#[rustfmt::skip]
pub(super) fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "as" | "async" | "break" | "const" | "continue" | "do" | "dyn" | "else" | "enum" | "extern" | "fn" | "for" | "if"
            | "impl" | "in" | "let" | "loop" | "match" | "mod" | "move" | "mut" | "pub" | "ref" | "return" | "static"
            | "struct" | "trait" | "type" | "unsafe" | "use" | "where" | "while" | "yield"
    )
}

/// Returns whether `before` ends in `=>`, or in `->` if `first` is `-`.
fn is_arrow(before: &[Tree], first: char) -> bool {
    matches!(before, [.., Tree::Sign(sign, true), greater] if *sign == first && greater.is_sign('>'))
}

/// Returns whether `before` ends in the dot of a field access, not of a range.
pub(super) fn is_field(before: &[Tree]) -> bool {
    matches!(before, [.., operand, dot] if dot.is_sign('.') && !operand.is_sign('.'))
}

fn is_lifetime(before: &[Tree]) -> bool {
    matches!(before, [.., quote, Tree::Word(_)] if quote.is_sign('\''))
}

pub(super) fn follows_arrow(before: &[Tree]) -> bool {
    is_arrow(before, '=')
}

/// Returns whether `before` ends in an operand.
pub(super) fn ends_operand(before: &[Tree]) -> bool {
    match before.last() {
        None => false,
        Some(Tree::Word(word)) => !is_keyword(word) && !is_lifetime(before),
        Some(Tree::Literal(_)) => true,
        Some(Tree::Sign('>', _)) => !is_arrow(before, '=') && !is_arrow(before, '-'),
        Some(Tree::Sign(sign, _)) => *sign == '?',
        Some(Tree::Group(delimiter, _)) => *delimiter != Delimiter::Brace && !follows_attribute(before),
    }
}

/// Returns whether parentheses after `before` belong to a call, a declaration or a pattern, not to a tuple.
pub(super) fn is_call(before: &[Tree]) -> bool {
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

/// Returns whether braces after `before` may be those of `Name { field: value }`.
pub(super) fn follows_path(before: &[Tree]) -> bool {
    match before.last() {
        Some(Tree::Word(word)) => !is_keyword(word),
        Some(Tree::Sign('>', _)) => !is_arrow(before, '=') && !is_arrow(before, '-'),
        _ => false,
    }
}

/// Returns whether the parentheses hold `a,`: `(a,)` is not `(a)`.
pub(super) fn is_tuple_of_one(content: &[Tree]) -> bool {
    content.split_last().is_some_and(|(last, before)| last.is_sign(',') && !is_list(before))
}

/// Returns whether there are commas between entries. Those in `a::<B, C>()` and `|a, b| c` do not count.
pub(super) fn is_list(content: &[Tree]) -> bool {
    let mut depth = 0_u32;
    let mut in_parameters = false;
    for (at, tree) in content.iter().enumerate() {
        let before = &content[..at];
        match tree {
            Tree::Sign('|', _) => in_parameters = !in_parameters && !ends_operand(before),
            Tree::Sign('<', _) => depth += u32::from(depth > 0 || begins_generics(before)),
            Tree::Sign('>', _) if !matches!(before.last(), Some(Tree::Sign('-' | '=', true))) => {
                depth = depth.saturating_sub(1);
            }
            Tree::Sign(',', _) if depth == 0 && !in_parameters => return true,
            _ => {}
        }
    }
    false
}

/// Returns whether a `<` after `before` starts generic arguments and is not a comparison.
fn begins_generics(before: &[Tree]) -> bool {
    match before.last() {
        Some(Tree::Word(name)) if name.starts_with(char::is_uppercase) => true,
        Some(last) => last.is_sign(':') || !ends_operand(before),
        None => true,
    }
}

pub(super) fn starts_statement(before: &[Tree]) -> bool {
    before.last().is_none_or(|last| last.is_sign(';') || last.braces().is_some() || follows_inner_attribute(before))
}

fn follows_inner_attribute(before: &[Tree]) -> bool {
    matches!(before, [.., hash, bang, Tree::Group(Delimiter::Bracket, _)] if hash.is_sign('#') && bang.is_sign('!'))
}

/// Returns whether a semicolon after `before` is redundant, because the statement is empty or a loop.
pub(super) fn is_superfluous(before: &[Tree]) -> bool {
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

/// Removes the last semicolon of a block that ends in `return x;`, which equals `return x`.
pub(super) fn without_last_semicolon(trees: &[Tree]) -> &[Tree] {
    let Some((_, statements)) = trees.split_last().filter(|(last, _)| last.is_sign(';')) else { return trees };
    let start = statements.iter().rposition(|tree| tree.is_sign(';')).map_or(0, |end| end + 1);
    let leaves = |tree: &Tree| ["return", "break", "continue"].iter().any(|word| tree.is_word(word));
    let begins = |at: usize| at == start || statements[at - 1].braces().is_some();
    let is_left = (start..statements.len()).any(|at| begins(at) && leaves(&statements[at]));
    if is_left { statements } else { trees }
}

pub(super) fn is_empty_turbofish(rest: &[Tree]) -> bool {
    matches!(rest, [a, b, c, d, ..] if a.is_sign(':') && b.is_sign(':') && c.is_sign('<') && d.is_sign('>'))
}

/// Returns whether a match arm that starts like this may end in braces without a comma.
pub(super) fn begins_block_like(rest: &[Tree]) -> bool {
    let words = ["if", "match", "loop", "while", "for", "unsafe", "async", "const"];
    words.iter().any(|word| rest[0].is_word(word)) || rest[0].is_sign('\'')
}

pub(super) fn ends_arm(rest: &[Tree]) -> bool {
    rest.first().is_some_and(|next| {
        !next.is_word("else") && next.braces().is_none() && !matches!(next, Tree::Sign(',' | '.' | '?' | ';', _))
    })
}
