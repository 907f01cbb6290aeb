//! The ways that are compared.

use std::future::Future;
use std::pin::Pin;

use mongodb::Database;

use crate::by_hand::ByHand;
use crate::cost::Done;
use crate::protocol::{Protocol, Work};
use crate::{Result, by_hand, engine, protocol, pymongo};

type Run = Box<dyn Fn(Database) -> Pin<Box<dyn Future<Output = Result<Done>> + Send>>>;

pub(crate) struct Column {
    pub(crate) name: String,
    /// Whether the ratios of the columns from here on are to this one.
    pub(crate) reference: bool,
    pub(crate) run: Run,
}

impl Column {
    fn new<F>(name: impl Into<String>, run: impl Fn(Database) -> F + 'static) -> Self
    where
        F: Future<Output = Result<Done>> + Send + 'static,
    {
        Self { name: name.into(), reference: false, run: Box::new(move |database| Box::pin(run(database))) }
    }
}

pub(crate) fn all(uri: &str) -> Vec<Column> {
    let mut columns = server_side();
    columns.extend(client_side());
    if pymongo::is_installed() {
        let uri = uri.to_owned();
        columns.push(Column::new("pymongo, `bulk_write` of 1k", move |database| pymongo::run(uri.clone(), database)));
    } else {
        println!("`python3 -c \"import pymongo\"` fails: left out pymongo");
    }
    columns
}

fn server_side() -> Vec<Column> {
    let mut columns = vec![update_many()];
    for (batch, workers) in [(5_000, 1), (5_000, 2), (10_000, 1), (10_000, 2)] {
        let how = ByHand { batch, workers };
        columns.push(Column::new(format!("ranges by hand{}", size(batch, workers)), move |database| {
            by_hand::on_the_server(database, how)
        }));
    }
    for batch in [2_000, 5_000, 10_000] {
        for workers in [1, 2] {
            columns.push(by_protocol("protocol", Protocol { work: Work::Server, batch, workers, prefetch: true }));
        }
    }
    let without = Protocol { work: Work::Server, batch: 5_000, workers: 2, prefetch: false };
    columns.push(by_protocol("protocol, no prefetch", without));
    columns.push(Column::new("Mongrate, 2 workers", |database| engine::run(database, "module:bench-server")));
    columns
}

fn client_side() -> Vec<Column> {
    let how = ByHand { batch: 1_000, workers: 4 };
    let name = format!("computed, by hand{}", size(how.batch, how.workers));
    let mut columns = vec![update_many(), Column::new(name, move |database| by_hand::in_the_client(database, how))];
    for batch in [1_000, 5_000] {
        columns.push(by_protocol(
            "computed, protocol",
            Protocol { work: Work::Client, batch, workers: 4, prefetch: true },
        ));
    }
    columns.push(Column::new("Mongrate, computed, 4 workers", |database| engine::run(database, "module:bench-client")));
    columns
}

fn update_many() -> Column {
    Column { reference: true, ..Column::new("one `updateMany`", by_hand::update_many) }
}

fn by_protocol(name: &str, how: Protocol) -> Column {
    let name = format!("{name}{}", size(how.batch, how.workers));
    Column::new(name, move |database| protocol::run(database, how))
}

fn size(batch: u32, workers: usize) -> String {
    let plural = if workers == 1 { "" } else { "s" };
    format!(" of {}k, {workers} worker{plural}", batch / 1_000)
}
