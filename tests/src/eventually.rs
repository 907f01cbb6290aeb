//! Waiting for something to come true, for a bounded time.

use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// Asks until there is an answer; panics after 30 seconds, naming what was awaited.
///
/// ```no_run
/// # async fn example(orders: mongodb::Collection<mongodb::bson::Document>) {
/// use mongodb::bson::doc;
/// use mongrate_tests::eventually;
///
/// let order = eventually("an order", async || orders.find_one(doc! {}).await.unwrap()).await;
/// # }
/// ```
pub async fn eventually<T>(awaited: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(LIMIT, awaited, ask).await
}

/// Asks until there is an answer; panics when the limit is over, naming what was awaited.
pub async fn eventually_within<T>(limit: Duration, awaited: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < limit, "waited {limit:?} in vain for {awaited}");
        tokio::time::sleep(POLL).await;
    }
}
