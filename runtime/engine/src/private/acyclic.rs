//! The search for cycles, at compile time.

use crate::migration::registration::{NodeRef, Registration};

/// Fails the build if `origin`, through its dependency `first`, depends on itself by way of larger ids.
///
/// Every cycle has one smallest id, and is reported by that one alone.
#[track_caller]
pub const fn assert_acyclic(origin: NodeRef, first: NodeRef) {
    // Nothing can be allocated here: most graphs fit the small search, and few get to pay for a larger one.
    if !search::<64>(origin.get(), first)
        && !search::<1024>(origin.get(), first)
        && !search::<16384>(origin.get(), first)
    {
        search::<262_144>(origin.get(), first);
    }
}

/// Depth first, each node once. `false` if there are too many nodes for this size.
#[track_caller]
const fn search<const SIZE: usize>(origin: &Registration, first: NodeRef) -> bool {
    let mut visited = [0; SIZE];
    let mut path = [first; SIZE];
    let mut next = [0; SIZE];
    let mut depth = 1;
    let mut count = 1;
    insert(&mut visited, first.get().key);
    while depth > 0 {
        let node = path[depth - 1].get();
        if next[depth - 1] == node.visible.len() {
            depth -= 1;
            continue;
        }
        let dependency = node.visible[next[depth - 1]];
        next[depth - 1] += 1;
        let target = dependency.get();
        if target.key == origin.key {
            report(origin, &path, depth);
        }
        if precedes(target.id, origin.id) || !insert(&mut visited, target.key) {
            continue;
        }
        count += 1;
        if count > SIZE / 4 * 3 {
            return false;
        }
        path[depth] = dependency;
        next[depth] = 0;
        depth += 1;
    }
    true
}

/// Adds a key to an open-addressed set with room to spare; `false` if it was there.
const fn insert<const SIZE: usize>(set: &mut [u128; SIZE], key: u128) -> bool {
    #[allow(clippy::cast_possible_truncation)]
    let mut slot = key as usize % SIZE;
    while set[slot] != 0 {
        if set[slot] == key {
            return false;
        }
        slot = (slot + 1) % SIZE;
    }
    set[slot] = key;
    true
}

/// Byte by byte; `str` cannot be compared in constants.
const fn precedes(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return left[at] < right[at];
        }
        at += 1;
    }
    left.len() < right.len()
}

#[track_caller]
const fn report(origin: &Registration, path: &[NodeRef], depth: usize) -> ! {
    let mut message = Message::new();
    message.push("Circular dependency detected: ");
    message.push(origin.id);
    let mut at = 0;
    while at < depth {
        message.push(" -> ");
        message.push(path[at].get().id);
        at += 1;
    }
    message.push(" -> ");
    message.push(origin.id);
    message.push(". Remove one of these dependencies to break the cycle.");
    panic!("{}", message.as_str())
}

/// Text of a limited length; what does not fit is left out.
struct Message {
    bytes: [u8; 4096],
    length: usize,
}

impl Message {
    const fn new() -> Self {
        Self { bytes: [0; 4096], length: 0 }
    }

    const fn push(&mut self, text: &str) {
        let text = text.as_bytes();
        let mut at = 0;
        while at < text.len() && self.length < self.bytes.len() {
            self.bytes[self.length] = text[at];
            self.length += 1;
            at += 1;
        }
    }

    const fn as_str(&self) -> &str {
        match str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "Circular dependency detected",
        }
    }
}

#[cfg(test)]
#[path = "acyclic/tests.rs"]
mod tests;
