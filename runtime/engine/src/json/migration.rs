//! A migration as declared in the code.

use serde::Serialize;

use super::millis;

/// A migration as declared in the code.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Migration {
    id: &'static str,
    source: String,
    description: &'static str,
    /// `tx`, `schema` or `database`.
    kind: &'static str,
    checksum: &'static str,
    dependencies: &'static [&'static str],
    reversible: bool,
    irreversible_reason: Option<&'static str>,
    manual: bool,
    verifies: bool,
    relies_on: &'static [&'static str],
    needs: Vec<&'static str>,
    condition: Option<String>,
    timeout_ms: Option<u64>,
    file: &'static str,
    line: u32,
}

impl From<crate::migration::Migration> for Migration {
    fn from(migration: crate::migration::Migration) -> Self {
        let (file, line) = migration.location();
        Self {
            id: migration.id(),
            source: migration.source().to_string(),
            description: migration.description(),
            kind: migration.kind().as_str(),
            checksum: migration.checksum(),
            dependencies: migration.dependencies(),
            reversible: migration.is_reversible(),
            irreversible_reason: migration.irreversible_reason(),
            manual: migration.is_manual(),
            verifies: migration.has_verify(),
            relies_on: migration.relies_on(),
            needs: migration.needs().collect(),
            condition: migration.condition().map(|condition| condition.to_string()),
            timeout_ms: migration.timeout().map(millis),
            file,
            line,
        }
    }
}
