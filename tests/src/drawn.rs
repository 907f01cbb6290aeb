//! Random migrations, which are the same in a test and in the processes that it kills.

mod bodies;
mod deed;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use mongodb::Database;
use mongrate::__private::{Down, Registration};
use mongrate::{Kind, Migration, Migrator, MigratorBuilder, Registry, Source};
use serde::{Deserialize, Serialize};

pub use bodies::{LEDGER, ROOM, SHELF, fail, prepare, relent};
pub use deed::{Deed, Target};

/// The only plugin among the sources. Its migrations reach only collections with this prefix.
pub const PLUGIN: &str = "plugin:p";
/// See [`PLUGIN`].
pub const PLUGIN_PREFIX: &str = "plugin_p_";

/// The lease of a process that is killed. It determines how long a successor waits, so it is as short as possible.
const LEASE: Duration = Duration::from_secs(1);

/// Migrations, identified by index. Dependencies have lower indexes.
#[derive(Clone, Serialize, Deserialize)]
pub struct Drawing(pub Vec<Drawn>);

/// A migration.
#[derive(Clone, Serialize, Deserialize)]
pub struct Drawn {
    /// The qualified id.
    pub id: String,
    /// The indexes of its dependencies.
    pub dependencies: BTreeSet<usize>,
    /// The kind of its body.
    pub up: Runs,
    /// The kind of its `down`, if it has one.
    pub down: Option<Runs>,
    /// Whether it is manual.
    pub manual: bool,
    /// Increases with every change of its code.
    pub version: u32,
}

/// A serializable [`Kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Runs {
    /// `&mut Tx`.
    Tx,
    /// `&mut Schema`.
    Schema,
    /// `&Database`.
    Raw,
}

impl From<Runs> for Kind {
    fn from(runs: Runs) -> Self {
        match runs {
            Runs::Tx => Self::Tx,
            Runs::Schema => Self::Schema,
            Runs::Raw => Self::Database,
        }
    }
}

impl Drawing {
    /// Builds a registry, without some of the migrations.
    #[must_use]
    pub fn migrations(&self, without: &BTreeSet<usize>) -> Vec<Migration> {
        let places = (0..self.0.len()).filter(|place| !without.contains(place));
        places.map(|place| self.leak(place)).collect()
    }

    /// Builds a migrator, without some of the migrations.
    pub fn migrator(&self, db: &Database, without: &BTreeSet<usize>) -> MigratorBuilder {
        let registry: Registry = self.migrations(without).into_iter().collect();
        Migrator::builder(db.clone()).registry(registry).lock_wait(Duration::from_secs(60))
    }

    /// The prefix of the collections that a migration sees.
    #[must_use]
    pub fn prefix(&self, place: usize) -> &'static str {
        if self.0[place].id.starts_with(PLUGIN) { PLUGIN_PREFIX } else { "" }
    }

    /// Leaks the migration, in place of the macro's static.
    fn leak(&self, place: usize) -> Migration {
        let drawn = &self.0[place];
        let id: &'static str = drawn.id.clone().leak();
        let source = id.rsplit_once(':').map_or(Some(Source::System), |(source, _)| Source::parse(source));
        let dependencies: Vec<&'static str> =
            drawn.dependencies.iter().map(|&place| &*self.0[place].id.clone().leak()).collect();
        let down = drawn.down.map(|runs| Down { kind: runs.into(), body: bodies::down(runs, place) });
        Migration::new(Box::leak(Box::new(Registration {
            id,
            source: source.unwrap(),
            dependencies: dependencies.leak(),
            checksum: checksum(drawn.version).leak(),
            up: Box::leak(Box::new(Down { kind: drawn.up.into(), body: bodies::up(drawn.up, place) })),
            down,
            manual: drawn.manual,
            file: file!(),
            line: line!(),
            ..Registration::DEFAULT
        })))
    }
}

impl Drawn {
    /// Returns whether one of its bodies has this kind.
    #[must_use]
    pub fn has(&self, runs: Runs) -> bool {
        self.up == runs || self.down == Some(runs)
    }
}

/// The checksum of this version of the code.
#[must_use]
pub fn checksum(version: u32) -> String {
    format!("t2:{version}")
}

/// The work of a process that is killed during an action. The halt is one of [`crash`](crate::crash).
pub async fn run(
    uri: &str,
    database: &str,
    [drawing, without, deed]: [&str; 3],
    halt: &[&str],
) -> Result<(), Box<dyn std::error::Error>> {
    let database = crate::crash::connect(uri, database, halt).await?;
    let drawing: Drawing = serde_json::from_str(drawing)?;
    let deed: Deed = serde_json::from_str(deed)?;
    let migrator = drawing.migrator(&database, &serde_json::from_str(without)?).lease(LEASE).build().unwrap();
    let result = deed.perform(&drawing, &migrator).await;
    crate::crash::over();
    println!("ended {}", result.is_ok());
    Ok(())
}

impl fmt::Debug for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, drawn) in self.0.iter().enumerate() {
            writeln!(f, "  {place}: {drawn:?}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.id, self.up)?;
        match self.down {
            Some(down) => write!(f, ", down {down:?}")?,
            None => f.write_str(", irreversible")?,
        }
        if self.manual {
            f.write_str(", manual")?;
        }
        if !self.dependencies.is_empty() {
            write!(f, ", on {:?}", self.dependencies)?;
        }
        Ok(())
    }
}
