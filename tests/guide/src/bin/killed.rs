//! Applies recipes and kills itself at a place: `killed URI DATABASE PLACE ID...`

use std::env;
use std::error::Error;
use std::time::Duration;

use mongrate_guide_tests::builder;
use mongrate_tests::crash::connect;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [uri, database, place, ids @ ..] = &arguments[..] else { return Err("killed: where?".into()) };
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let database = connect(uri, database, &["die", place]).await?;
    builder(&database, &ids).lease(Duration::from_secs(3)).build()?.up().await?;
    println!("ended");
    Ok(())
}
