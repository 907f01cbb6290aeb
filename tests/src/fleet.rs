//! Twenty migrations of each kind, for processes that start concurrently: `worker up`.

/// The available sources.
pub const SOURCES: [&str; 3] = ["module:fleet-tx", "module:fleet-schema", "module:fleet-database"];

/// The number of migrations in each source.
pub const COUNT: usize = 20;

macro_rules! fleet {
    ($($module:ident $id:tt)*) => { $(
        mod $module {
            use mongodb::Database;
            use mongodb::bson::{Document, doc};
            use mongrate::{Schema, Tx, migration};

            // No `_id`, so that a duplicate effect leaves two documents.
            #[migration(id = $id, source = "module:fleet-tx")]
            async fn tx(tx: &mut Tx) -> Result<(), mongodb::error::Error> {
                tx.collection::<Document>("effects").insert_one(doc! { "of": $id }).await?;
                Ok(())
            }

            // The effect is idempotent, so only the output of the workers shows a body that runs twice.
            #[migration(id = $id, source = "module:fleet-schema")]
            async fn schema(schema: &mut Schema) -> Result<(), mongrate::Error> {
                println!("ran {}", $id);
                schema.create_index("effects", doc! { $id: 1 }).await
            }

            #[migration(id = $id, source = "module:fleet-database")]
            async fn database(db: &Database) -> Result<(), mongodb::error::Error> {
                println!("ran {}", $id);
                db.collection::<Document>("effects").insert_one(doc! { "of": $id }).await?;
                Ok(())
            }
        }
    )* };
}

fleet! {
    a "001_a" b "002_b" c "003_c" d "004_d" e "005_e" f "006_f" g "007_g" h "008_h" i "009_i" j "010_j"
    k "011_k" l "012_l" m "013_m" n "014_n" o "015_o" p "016_p" q "017_q" r "018_r" s "019_s" t "020_t"
}
