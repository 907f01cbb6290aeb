//! Lets a scenario that measures time run while no other one uses a browser.

use std::sync::LazyLock;

use tokio::sync::watch;

/// The open browsers, or -1 while somebody measures.
static OPEN: LazyLock<watch::Sender<i64>> = LazyLock::new(watch::Sender::default);

/// The right to use a browser beside others, or alone.
#[derive(Debug)]
pub(crate) struct Turn(i64);

impl Turn {
    /// Waits until nobody measures. Does not wait for those who want to: a scenario with two browsers would block itself.
    pub(crate) async fn beside_others() -> Self {
        Self::take(1, |open| open >= 0).await
    }

    /// Waits until no browser is open.
    pub(crate) async fn alone() -> Self {
        Self::take(-1, |open| open == 0).await
    }

    async fn take(step: i64, is_possible: impl Fn(i64) -> bool) -> Self {
        let mut open = OPEN.subscribe();
        loop {
            let taken = OPEN.send_if_modified(|open| {
                let is_possible = is_possible(*open);
                *open += if is_possible { step } else { 0 };
                is_possible
            });
            if taken {
                return Self(step);
            }
            // Cannot fail: the sender is a static.
            let _ = open.changed().await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        OPEN.send_modify(|open| *open -= self.0);
    }
}
