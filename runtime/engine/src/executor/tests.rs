//! Steps and leases under every failure that a schedule can name.

mod simulation;
