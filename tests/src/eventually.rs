//! Waits for a condition, with a limit.

use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

/// Polls until there is an answer. Panics after a minute with the name of the condition.
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

/// Polls until there is an answer. Panics after the limit with the name of the condition.
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
