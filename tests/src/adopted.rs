//! A history: 24 migrations that a hand-written scheme applied, and two that came after it. Each inserts a document, so that
//! a second execution would be found.

use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Document, doc};
use mongrate::options::FirstUse;
use mongrate::{Effect, Migrator, MigratorBuilder, Registry};
use tokio::sync::oneshot;

use crate::crash::{connect, over};

/// The source of its migrations.
pub const SOURCE: &str = "module:adopted";

/// The last migration that the former scheme applied.
pub const LAST: &str = "module:adopted:024_x";

/// How many it applied.
pub const APPLIED: usize = 24;

async fn insert(tx: &mongrate::Tx, id: &str) -> Result<(), mongodb::error::Error> {
    tx.collection::<Document>("effects").insert_one(doc! { "by": id }).await.map(drop)
}

async fn is_in_effect(db: &Database, id: &str) -> Result<Effect, mongodb::error::Error> {
    let found = db.collection::<Document>("effects").find_one(doc! { "by": id }).await?;
    Ok(if found.is_some() { Effect::Present } else { Effect::Absent })
}

/// A third of the migrations have a `verify` function that finds their effect, a third have one that is true of any database,
/// and a third have none.
macro_rules! adopted {
    (evident $id:tt) => {
        #[mongrate::migration(id = $id, source = "module:adopted", verify = verify)]
        async fn up(tx: &mut mongrate::Tx) -> Result<(), mongodb::error::Error> {
            super::insert(tx, $id).await
        }

        async fn verify(db: &mongodb::Database) -> Result<mongrate::Effect, mongodb::error::Error> {
            super::is_in_effect(db, $id).await
        }
    };
    (vacuous $id:tt) => {
        #[mongrate::migration(id = $id, source = "module:adopted", verify = verify)]
        async fn up(tx: &mut mongrate::Tx) -> Result<(), mongodb::error::Error> {
            super::insert(tx, $id).await
        }

        async fn verify(_: &mongodb::Database) -> bool {
            true
        }
    };
    (plain $id:tt) => {
        #[mongrate::migration(id = $id, source = "module:adopted")]
        async fn up(tx: &mut mongrate::Tx) -> Result<(), mongodb::error::Error> {
            super::insert(tx, $id).await
        }
    };
    ($($module:ident $how:ident $id:tt)*) => { $( mod $module { adopted! { $how $id } } )* };
}

adopted! {
    a vacuous "001_a" b plain "002_b" c evident "003_c" d vacuous "004_d" e plain "005_e" f evident "006_f"
    g vacuous "007_g" h plain "008_h" i evident "009_i" j vacuous "010_j" k plain "011_k" l evident "012_l"
    m vacuous "013_m" n plain "014_n" o evident "015_o" p vacuous "016_p" q plain "017_q" r evident "018_r"
    s vacuous "019_s" t plain "020_t" u evident "021_u" v vacuous "022_v" w plain "023_w" x evident "024_x"
    y vacuous "025_y" z plain "026_z"
}

/// Returns all qualified ids, in order.
#[must_use]
pub fn ids() -> Vec<&'static str> {
    Registry::linked().source(SOURCE).into_iter().map(|migration| migration.id()).collect()
}

/// Fills a database as the former scheme left it after its first `revision` migrations.
pub async fn live(db: &Database, revision: usize) {
    let effects = db.collection::<Document>("effects");
    for id in ids().into_iter().take(revision) {
        effects.insert_one(doc! { "by": id.rsplit(':').next() }).await.unwrap();
    }
    let revision = i64::try_from(revision).unwrap();
    db.collection::<Document>("settings").insert_one(doc! { "_id": "revision", "number": revision }).await.unwrap();
}

/// Answers from the revision number of the former scheme, and counts the questions in `asked`.
pub async fn revision(db: Database) -> Result<FirstUse, mongodb::error::Error> {
    db.collection::<Document>("asked").insert_one(doc! {}).await?;
    let stored = db.collection::<Document>("settings").find_one(doc! { "_id": "revision" }).await?;
    let revision =
        stored.and_then(|stored| stored.get_i64("number").ok()).and_then(|number| usize::try_from(number).ok());
    Ok(match revision {
        None | Some(0) => FirstUse::New,
        Some(revision) => FirstUse::Through(ids()[revision - 1].to_owned()),
    })
}

/// Builds a migrator for these migrations.
pub fn builder(db: &Database) -> MigratorBuilder {
    Migrator::builder(db.clone()).registry(Registry::linked().source(SOURCE))
}

/// Connects, prints `ready`, and after reading a line migrates a database with a history, and halts at the configured place.
pub async fn run(
    uri: &str,
    database: &str,
    halt: &[&str],
    go: oneshot::Receiver<()>,
) -> Result<(), Box<dyn std::error::Error>> {
    let database = connect(uri, database, halt).await?;
    println!("ready");
    go.await?;
    let builder = builder(&database).first_use(revision).lease(Duration::from_secs(2));
    let report = builder.lock_wait(Duration::from_secs(60)).build()?.up().await?;
    over();
    println!("applied {}", report.applied().count());
    Ok(())
}
