//! Version 1 stored names and addresses as typed.

use mongodb::bson::{Bson, Document, doc};
use mongrate::{Tx, migration};

/// Names and e-mails are clean, and nobody is a customer twice.
///
/// Stray blanks and capitals go. Of customers with the same e-mail the first one stays; the others move to
/// `customers_duplicates`.
#[migration(id = "001_clean_customers", irreversible = "what was typed at first is not kept")]
async fn clean_customers(tx: &mut Tx) -> Result<(), anyhow::Error> {
    let customers = tx.collection::<Document>("customers");
    let dirty = doc! { "$or": [{ "name": { "$regex": r"^\s|\s$" } }, { "email": { "$regex": r"^\s|\s$|[A-Z]" } }] };
    let clean = doc! { "$set": {
        "name": { "$trim": { "input": "$name" } },
        "email": { "$toLower": { "$trim": { "input": "$email" } } },
    } };
    customers.update_many(dirty, vec![clean]).await?;

    let twice = [
        doc! { "$sort": { "_id": 1 } },
        doc! { "$group": { "_id": "$email", "ids": { "$push": "$_id" }, "spent": { "$sum": "$spentCents" } } },
        doc! { "$match": { "ids.1": { "$exists": true } } },
    ];
    let mut twice = customers.aggregate(twice).await?;
    while let Some(same) = twice.next().await.transpose()? {
        merge(tx, same.get_array("ids")?, same.get_i64("spent")?).await?;
    }
    Ok(())
}

/// Merges the totals into the first entry.
async fn merge(tx: &Tx, ids: &[Bson], spent: i64) -> Result<(), anyhow::Error> {
    let Some((first, others)) = ids.split_first() else { return Ok(()) };
    let customers = tx.collection::<Document>("customers");
    let others = doc! { "_id": { "$in": others } };
    let mut duplicates = customers.find(others.clone()).await?.collect().await?;
    for duplicate in &mut duplicates {
        duplicate.insert("duplicateOf", first);
    }
    tx.collection::<Document>("customers_duplicates").insert_many(duplicates).await?;
    customers.delete_many(others).await?;
    customers.update_one(doc! { "_id": first }, doc! { "$set": { "spentCents": spent } }).await?;
    Ok(())
}
