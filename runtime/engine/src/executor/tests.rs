//! Steps and leases under every failure that a schedule can express.

mod simulation;
