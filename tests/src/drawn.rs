//! Migrations that are drawn at random: the same ones in a test and in the processes that it kills.

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

/// The only plugin among the sources; its migrations see nothing but collections with this prefix.
pub const PLUGIN: &str = "plugin:p";
/// See [`PLUGIN`].
pub const PLUGIN_PREFIX: &str = "plugin_p_";

/// How long the lease lasts of a process that is killed, which decides how long a successor watches it: as short as it can be.
const LEASE: Duration = Duration::from_secs(1);

/// Migrations, each known by its place. What one depends on has a lower place.
#[derive(Clone, Serialize, Deserialize)]
pub struct Drawing(pub Vec<Drawn>);

/// One of them.
#[derive(Clone, Serialize, Deserialize)]
pub struct Drawn {
    /// Qualified id.
    pub id: String,
    /// The places of what it depends on.
    pub dependencies: BTreeSet<usize>,
    /// How it runs.
    pub up: Runs,
    /// How its `down` runs, if it has one.
    pub down: Option<Runs>,
    /// Whether it runs only when it is named.
    pub manual: bool,
    /// Rises with every change of its code.
    pub version: u32,
}

/// A [`Kind`] that can be sent to another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Runs {
    /// In a transaction.
    Tx,
    /// With a `&mut Schema`.
    Schema,
    /// With the raw handle.
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
    /// The migrations as they would be linked in, without some of them.
    #[must_use]
    pub fn migrations(&self, without: &BTreeSet<usize>) -> Vec<Migration> {
        let places = (0..self.0.len()).filter(|place| !without.contains(place));
        places.map(|place| self.leak(place)).collect()
    }

    /// A migrator for these migrations, without some of them.
    pub fn migrator(&self, db: &Database, without: &BTreeSet<usize>) -> MigratorBuilder {
        let registry: Registry = self.migrations(without).into_iter().collect();
        Migrator::builder(db.clone()).registry(registry).lock_wait(Duration::from_secs(60))
    }

    /// What the names of the collections begin with that a migration sees.
    #[must_use]
    pub fn prefix(&self, place: usize) -> &'static str {
        if self.0[place].id.starts_with(PLUGIN) { PLUGIN_PREFIX } else { "" }
    }

    /// Makes it a static, as the macro would.
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
    /// Whether one of its bodies runs like this.
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

/// What a process does that is to be killed on the way: one deed. The halt is one of [`crash`](crate::crash).
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
