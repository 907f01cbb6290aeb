//! What a `verify` function finds.

/// The effect of a migration in a database, as its `verify` function finds it.
///
/// A `verify` function returns this or `bool`, or a `Result` of either. `Present` is evidence that the migration has been
/// applied, by whatever means. A condition that also holds where the migration never ran, such as "no user lacks a role" on an
/// empty database, is no evidence: return `bool` for it, or `Undecided`.
///
/// | | after the body | before an interrupted migration runs again | for `detect` and a first use |
/// |---|---|---|---|
/// | `Present` | applied | not run again | in effect |
/// | `Undecided`, `true` | applied | run again | undecided |
/// | `Absent`, `false` | an error | run again | not in effect |
///
/// ```
/// use mongodb::Database;
/// use mongrate::Effect;
///
/// /// The index did not exist before the migration.
/// async fn emails_are_indexed(db: &Database) -> Result<Effect, mongodb::error::Error> {
///     let names = db.collection::<mongodb::bson::Document>("users").list_index_names().await?;
///     Ok(if names.iter().any(|name| name == "by_email") { Effect::Present } else { Effect::Absent })
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The database shows that the migration has been applied.
    Present,
    /// The database shows that the migration has not been applied, or not completely.
    Absent,
    /// Nothing is missing, but the database might look the same without the migration.
    Undecided,
}
