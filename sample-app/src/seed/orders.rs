//! Orders of the customers.

use mongodb::Database;
use mongodb::bson::{Document, doc};

/// The name of the collection.
pub(super) const COLLECTION: &str = "orders";

/// Creates this number of orders for each customer, on the server. They are always the same.
pub(super) async fn create(database: &Database, each: i32) -> mongodb::error::Result<()> {
    let line = |factor: i32| {
        let cents = doc! { "$add": [99, { "$mod": [{ "$multiply": ["$_id", factor] }, 9_001] }] };
        doc! { "product": { "$mod": ["$_id", factor] }, "cents": cents }
    };
    let pipeline = [
        doc! { "$project": { "customer": "$_id", "number": { "$range": [0, each] } } },
        doc! { "$unwind": "$number" },
        doc! { "$set": { "_id": { "$add": [{ "$multiply": ["$_id", each] }, "$number"] } } },
        doc! { "$project": { "customer": 1, "lines": [line(37), line(101), line(211)] } },
        doc! { "$merge": COLLECTION },
    ];
    database.collection::<Document>("customers").aggregate(pipeline).await.map(drop)
}
