//! A pointer to anything but a migration is no node of the graph.
#![forbid(unsafe_code)]

use mongrate::__private::NodeRef;

const NOWHERE: NodeRef = NodeRef::new(8 as *const _);

fn main() {
    let _ = NOWHERE;
}
