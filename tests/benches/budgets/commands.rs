//! Commands of the framework, counted by the server's own counters.

use mongrate::Migrator;
use mongrate_testkit::mongod::Mongod;
use mongrate_tests::server_commands;

use crate::{Result, migrations, table};

/// What a `Tx` migration costs beyond its own insert: record, history, fence, commit.
const BUDGET: i64 = 4;

pub(crate) async fn measure(server: &Mongod) -> Result<()> {
    let client = server.client().await?;
    let up = async |database: &str, count| {
        let database = client.database(database);
        Migrator::builder(database).registry(migrations::inserting(count)).build().unwrap().up().await
    };
    let mut counts = Vec::new();
    for (database, count) in [("commands_10", 10), ("commands_110", 110)] {
        let before = sent(&client).await;
        up(database, count).await?;
        counts.push(sent(&client).await - before);
    }
    // Of the 100 more; the body's own insert does not count.
    let hundredfold = counts[1] - counts[0] - 100;
    let measured = format!("{}.{:02}", hundredfold / 100, hundredfold % 100);
    table::line("framework commands per Tx migration", measured, BUDGET, hundredfold <= BUDGET * 100);

    let before = sent(&client).await;
    up("commands_110", 110).await?;
    let boot = sent(&client).await - before;
    table::line("commands of a boot with nothing pending", boot, 1, boot == 1);
    Ok(())
}

/// Commands that a migration could send; the driver's monitoring and our own counting are not among them.
async fn sent(client: &mongodb::Client) -> i64 {
    let ours =
        ["find", "insert", "update", "findAndModify", "commitTransaction", "create", "createIndexes", "aggregate"];
    server_commands(client).await.iter().filter(|(name, _)| ours.contains(&name.as_str())).map(|(_, count)| count).sum()
}
