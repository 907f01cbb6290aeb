//! `Send` and `Sync`, so that a service can migrate in a separate task. These tests only have to compile.

use std::future::IntoFuture;

use mongodb::bson::Document;
use mongrate::context::{TxCollection, TxCursor};
use mongrate::migrator::{Boot, Booted, DatabaseFilter, ForEach, Health, HealthStatus, Require, Tenants, Up};
use mongrate::options::Names;
use mongrate::record::{Holder, Record};
use mongrate::report::{Execution, Operation, Sample};
use mongrate::status::Status;
use mongrate::{Error, Migration, Migrator, MigratorBuilder, Plan, Registry, Report, Schema, Tx};

fn crosses<T: Send + Sync + 'static>() {}
fn moves<T: Send + 'static>() {}
fn moves_borrowed<T: Send>(_: &T) {}

#[test]
fn public_types_are_send_and_sync() {
    crosses::<Migrator>();
    crosses::<MigratorBuilder>();
    crosses::<Up>();
    crosses::<Boot>();
    crosses::<Booted>();
    crosses::<Require>();
    crosses::<Health>();
    crosses::<HealthStatus>();
    crosses::<DatabaseFilter>();
    crosses::<ForEach>();
    crosses::<Tenants>();
    crosses::<Report>();
    crosses::<Execution>();
    crosses::<Error>();
    crosses::<Status>();
    crosses::<Plan>();
    crosses::<Record>();
    crosses::<Registry>();
    crosses::<Migration>();
    crosses::<Names>();
    crosses::<Holder>();
    crosses::<Operation>();
    crosses::<Sample>();
    crosses::<Schema>();
    crosses::<Tx>();
    crosses::<TxCollection<Document>>();
    moves::<TxCursor<Document>>();
    moves::<<Up as IntoFuture>::IntoFuture>();
    crosses::<Box<dyn std::error::Error + Send + Sync>>();
}

/// The futures, too, also when they are written into an application's own.
#[test]
fn futures_are_send() {
    fn check(migrator: &Migrator) {
        moves_borrowed(&migrator.status());
        moves_borrowed(&migrator.plan());
        moves_borrowed(&migrator.health());
        moves_borrowed(&migrator.require("001_a").and("002_b").into_future());
        moves_borrowed(&async {
            migrator.require("001_a").await?;
            migrator.health().await
        });
        moves_borrowed(&migrator.up().into_future());
        moves_borrowed(&async {
            migrator.up().only("001_a").by("ada").await?;
            migrator.status().await
        });
    }
    let _ = check;
}

#[test]
fn startup_futures_are_send() {
    fn check(db: mongodb::Database) {
        moves_borrowed(&Migrator::boot(db.clone()).into_future());
        moves_borrowed(&Migrator::for_each(db.client().clone(), DatabaseFilter::all()).into_future());
        moves_borrowed(&async move {
            let _ = Migrator::for_each(db.client().clone(), DatabaseFilter::all()).await?.into_result();
            Migrator::boot(db).await
        });
    }
    let _ = check;
}

/// An error can be handed on with `?` as applications do.
#[test]
fn an_error_converts_to_anyhow() {
    fn anyhow() -> anyhow::Result<()> {
        Registry::linked().source("module:not-there").verify()?;
        Ok(())
    }
    fn boxed() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Registry::linked().source("module:not-there").verify()?;
        Ok(())
    }
    assert!(anyhow().unwrap_err().downcast_ref::<Error>().is_some());
    assert!(boxed().unwrap_err().downcast_ref::<Error>().is_some());
}
