//! The `mod` lines of a file. Its text is read as tokens, so that what stands in a comment, a string or another module is
//! not taken for one, and is changed by one line, so that all else stays as it was typed.

#[cfg(test)]
mod tests;

use std::ops::Range;

use proc_macro2::{Delimiter, LexError, TokenStream, TokenTree};

/// What a file says about a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Declared {
    No,
    /// `mod name;`
    InAFile,
    /// `mod name { .. }`
    Here,
}

/// An item at the top level, with its attributes, as a stretch of bytes.
#[derive(Debug)]
struct Item {
    kind: Kind,
    place: Range<usize>,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// `#![..]`, or `//!`.
    Inner,
    Use,
    Module(String),
    ModuleHere(String),
    Other,
}

/// Whether and how the module is declared.
pub(super) fn declared(text: &str, name: &str) -> Result<Declared, LexError> {
    let found = items(text)?.into_iter().find_map(|item| match item.kind {
        Kind::Module(found) if found == name => Some(Declared::InAFile),
        Kind::ModuleHere(found) if found == name => Some(Declared::Here),
        _ => None,
    });
    Ok(found.unwrap_or(Declared::No))
}

/// The text with `mod name;` in it: among the last ones, where rustfmt would have it, or else above everything but imports.
pub(super) fn with_module(text: &str, name: &str) -> Result<String, LexError> {
    let items = items(text)?;
    let line = format!("mod {name};");
    Ok(match neighbour(text, &items, name) {
        Some(Neighbour::After(end)) => after(text, end, &line, Gap::None),
        Some(Neighbour::Before(start)) => at(text, start, &format!("{line}\n")),
        None => match items.iter().take_while(|item| matches!(item.kind, Kind::Inner | Kind::Use)).last() {
            Some(last) => after(text, last.place.end, &line, Gap::Around),
            None => on_top(text, &items, &line),
        },
    })
}

enum Neighbour {
    /// The end of an item.
    After(usize),
    /// The beginning of one.
    Before(usize),
}

/// Where rustfmt would put it among the last `mod` lines that stand together; after the last one if they are in no order.
fn neighbour(text: &str, items: &[Item], name: &str) -> Option<Neighbour> {
    let last = items.iter().rposition(|item| matches!(item.kind, Kind::Module(_)))?;
    let mut first = last;
    while first > 0 && matches!(items[first - 1].kind, Kind::Module(_)) && !has_gap(text, items, first) {
        first -= 1;
    }
    let group: Vec<(&str, &Range<usize>)> = items[first..=last]
        .iter()
        .filter_map(|item| if let Kind::Module(name) = &item.kind { Some((&**name, &item.place)) } else { None })
        .collect();
    if group.is_sorted_by_key(|(name, _)| *name) {
        if let Some((_, place)) = group.iter().rfind(|(other, _)| *other < name) {
            return Some(Neighbour::After(place.end));
        }
        // What is written above the first one belongs to it.
        if first == 0 && items[0].place.start == 0 || has_gap(text, items, first) {
            return Some(Neighbour::Before(items[first].place.start));
        }
    }
    Some(Neighbour::After(items[last].place.end))
}

/// Whether a blank line, and nothing after it, is between this item and what stands above it.
fn has_gap(text: &str, items: &[Item], at: usize) -> bool {
    let above = at.checked_sub(1).map_or(0, |before| items[before].place.end);
    let between = &text[above..items[at].place.start];
    between.trim().is_empty() && between.matches('\n').count() > 1
}

/// Whether blank lines are to be around what is added.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    Around,
}

/// Behind the line in which something ends.
fn after(text: &str, end: usize, line: &str, gap: Gap) -> String {
    let rest = text[end..].split('\n').next().unwrap_or_default();
    let comment = rest.trim();
    let is_clear = comment.is_empty() || comment.starts_with("//");
    let end = if is_clear { end + rest.trim_end().len() } else { end };
    // What follows brings the end of the line along.
    let follows = if text[end..].trim().is_empty() { "" } else { &text[end..] };
    let above = if gap == Gap::Around { "\n\n" } else { "\n" };
    let needs_more = follows.is_empty() || !is_clear || gap == Gap::Around && !begins_with_blank_line(follows);
    let below = if needs_more { "\n" } else { "" };
    format!("{}{}{follows}", &text[..end], with_line_ends(text, &format!("{above}{line}{below}")))
}

fn begins_with_blank_line(text: &str) -> bool {
    text.split('\n').nth(1).is_some_and(|second| second.trim().is_empty())
}

/// Above all items, and below what is written above them and parted from them by a blank line, like a licence.
fn on_top(text: &str, items: &[Item], line: &str) -> String {
    let above = &text[..items.first().map_or(0, |item| item.place.start)];
    let unix = above.rfind("\n\n").map(|place| place + 2);
    let start = unix.max(above.rfind("\r\n\r\n").map(|place| place + 4)).unwrap_or(0);
    let gap = if text[start..].trim().is_empty() { "\n" } else { "\n\n" };
    at(text, start, &format!("{line}{gap}"))
}

fn at(text: &str, place: usize, added: &str) -> String {
    let (above, below) = text.split_at(place);
    format!("{above}{}{below}", with_line_ends(text, added))
}

fn with_line_ends(text: &str, added: &str) -> String {
    if text.contains("\r\n") { added.replace('\n', "\r\n") } else { added.to_owned() }
}

/// The items of a file, in order. Of what is no module and no import, only the end is looked for.
fn items(text: &str) -> Result<Vec<Item>, LexError> {
    const BYTE_ORDER_MARK: char = '\u{feff}';
    let body = text.trim_start_matches(BYTE_ORDER_MARK);
    let before = text.len() - body.len();
    let tokens: Vec<TokenTree> = body.parse::<TokenStream>()?.into_iter().collect();
    let mut items = Vec::new();
    let mut rest = &tokens[..];
    while let Some(first) = rest.first() {
        let (kind, length) = next(rest);
        let (item, others) = rest.split_at(length);
        let end = item.last().unwrap_or(first).span().byte_range().end;
        items.push(Item { kind, place: before + first.span().byte_range().start..before + end });
        rest = others;
    }
    Ok(items)
}

/// The first item and how many tokens it has.
fn next(tokens: &[TokenTree]) -> (Kind, usize) {
    if let [hash, bang, attribute, ..] = tokens
        && is(hash, '#')
        && is(bang, '!')
        && is_group(attribute, Delimiter::Bracket)
    {
        return (Kind::Inner, 3);
    }
    let mut at = 0;
    while let [hash, attribute, ..] = &tokens[at..]
        && is(hash, '#')
        && is_group(attribute, Delimiter::Bracket)
    {
        at += 2;
    }
    if tokens.get(at).is_some_and(|token| is_word(token, "pub")) {
        at += 1;
        at += usize::from(tokens.get(at).is_some_and(|token| is_group(token, Delimiter::Parenthesis)));
    }
    match &tokens[at..] {
        [word, TokenTree::Ident(name), end, ..] if is_word(word, "mod") && is(end, ';') => {
            (Kind::Module(name.to_string()), at + 3)
        }
        [word, TokenTree::Ident(name), body, ..] if is_word(word, "mod") && is_group(body, Delimiter::Brace) => {
            (Kind::ModuleHere(name.to_string()), at + 3)
        }
        [word, rest @ ..] if is_word(word, "use") => {
            let end = rest.iter().position(|token| is(token, ';')).map_or(rest.len(), |end| end + 1);
            (Kind::Use, at + 1 + end)
        }
        rest => {
            let ends = |token: &TokenTree| is(token, ';') || is_group(token, Delimiter::Brace);
            (Kind::Other, at + rest.iter().position(ends).map_or(rest.len(), |end| end + 1))
        }
    }
}

fn is(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn is_group(token: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == delimiter)
}
