//! Safe code cannot make up a migration for the search for cycles to follow.
#![forbid(unsafe_code)]

use mongrate::__private::NodeRef;

const NOWHERE: NodeRef = NodeRef::new(8 as *const _);

fn main() {
    let _ = NOWHERE;
}
