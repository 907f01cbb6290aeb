//! How a run works on backfills.

#[derive(Clone, Copy, Debug, Default)]
pub(in crate::migrator) struct Manner {
    /// Whether it works only on those for which a boot waits.
    pub(in crate::migrator) only_blocking: bool,
    /// Whether the application serves meanwhile, so that the pace is polite.
    pub(in crate::migrator) beside_service: bool,
    /// Whether it waits while one is paused.
    pub(in crate::migrator) waits: bool,
}
