//! The queue of a listener, which does not grow without bound if nobody reads it.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Maximum number of items that wait for the listener.
pub(super) const CAPACITY: usize = 1_024;

/// A queue with one reader. Items that do not fit are dropped and counted.
#[derive(Debug)]
pub(super) struct Queue<T>(Mutex<State<T>>);

/// What a reader gets.
#[derive(Debug, PartialEq)]
pub(super) enum Received<T> {
    Item(T),
    /// This number of items was dropped here.
    Missed(u64),
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<Received<T>>,
    /// The number of items that were dropped after the last one in `waiting`.
    missed: u64,
    ended: bool,
    reader: Option<Waker>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self(Mutex::new(State { waiting: VecDeque::new(), missed: 0, ended: false, reader: None }))
    }
}

impl<T> Queue<T> {
    pub(super) fn push(&self, item: T) {
        let mut state = self.state();
        let needed = 1 + usize::from(state.missed > 0);
        if state.waiting.len() + needed > CAPACITY {
            state.missed += 1;
            return;
        }
        if state.missed > 0 {
            let missed = mem::take(&mut state.missed);
            state.waiting.push_back(Received::Missed(missed));
        }
        state.waiting.push_back(Received::Item(item));
        wake(state);
    }

    /// Ends the queue: nothing more is pushed.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        wake(state);
    }

    /// Polls the next item; `None` at the end.
    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<Option<Received<T>>> {
        let mut state = self.state();
        if let Some(received) = state.waiting.pop_front() {
            return Poll::Ready(Some(received));
        }
        if state.missed > 0 {
            return Poll::Ready(Some(Received::Missed(mem::take(&mut state.missed))));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the reader after the lock is released.
fn wake<T>(mut state: MutexGuard<'_, State<T>>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next<T>(queue: &Queue<T>) -> Option<Received<T>> {
        match queue.poll(&Context::from_waker(Waker::noop())) {
            Poll::Ready(received) => received,
            Poll::Pending => panic!("nothing is waiting"),
        }
    }

    #[test]
    fn a_gap_is_where_the_items_are_missing() {
        let queue = Queue::default();
        (0..CAPACITY + 5).for_each(|number| queue.push(number));
        for number in 0..2 {
            assert_eq!(next(&queue), Some(Received::Item(number)));
        }
        // There is room for the gap and the next item, and for no other.
        queue.push(7_000);
        queue.push(8_000);
        for number in 2..CAPACITY {
            assert_eq!(next(&queue), Some(Received::Item(number)));
        }
        assert_eq!(next(&queue), Some(Received::Missed(5)));
        assert_eq!(next(&queue), Some(Received::Item(7_000)));
        assert_eq!(next(&queue), Some(Received::Missed(1)));
        queue.push(9_000);
        queue.end();
        assert_eq!(next(&queue), Some(Received::Item(9_000)));
        assert_eq!(next(&queue), None);
    }

    /// A reader that waits for the last item must not wait forever.
    #[test]
    fn a_gap_at_the_end_is_received() {
        let queue = Queue::default();
        (0..=CAPACITY).for_each(|number| queue.push(number));
        (0..CAPACITY).for_each(|number| assert_eq!(next(&queue), Some(Received::Item(number))));
        assert_eq!(next(&queue), Some(Received::Missed(1)));
        assert!(queue.poll(&Context::from_waker(Waker::noop())).is_pending());
    }
}
