use mongodb::bson::doc;

use super::*;
use crate::migration::Direction;

fn drop_of(name: &str) -> Effect {
    Effect::Drop { name: name.to_owned() }
}

fn count() -> Query {
    Query::Count { on: "users".to_owned(), filter: doc! {} }
}

fn exists(name: &str) -> Query {
    Query::CollectionExists { name: name.to_owned() }
}

/// A log in which three queries came before a drop that is done, and one before a drop in doubt.
fn log() -> Log {
    let mut replay = Replay::new(Log::new(Direction::Up, "t1:0"), "t1:0");
    replay.record(&count(), Bson::Int64(1));
    replay.record(&exists("a"), true.into());
    replay.record(&count(), Bson::Int64(2));
    replay.add(&drop_of("a"), doc! {}, Some(Done::Now)).unwrap();
    replay.record(&exists("b"), true.into());
    replay.add(&drop_of("b"), doc! {}, None).unwrap();
    // No effect follows, so this one is not stored.
    replay.record(&exists("c"), true.into());
    let stored = replay.log().to_document();
    Log::parse(&stored).unwrap()
}

fn changed(result: Result<Option<Bson>, Failure>) -> (usize, String) {
    match result {
        Err(Failure::Changed { position, now, .. }) => (position, now.unwrap_or_default()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn queries_are_answered_in_order() {
    let mut replay = Replay::new(log(), "t1:0");
    assert_eq!(replay.answer(&count()).unwrap(), Some(Bson::Int64(1)));
    assert_eq!(replay.answer(&exists("a")).unwrap(), Some(true.into()));
    assert_eq!(replay.answer(&count()).unwrap(), Some(Bson::Int64(2)));
    assert!(matches!(replay.next(&drop_of("a")), Ok(Next::Done)));
    assert_eq!(replay.answer(&exists("b")).unwrap(), Some(true.into()));
    assert!(matches!(replay.next(&drop_of("b")), Ok(Next::InDoubt(_, true))));
    replay.settle(Done::Now);
    // Asked again.
    assert_eq!(replay.answer(&exists("c")).unwrap(), None);
}

#[test]
fn a_body_may_ask_less() {
    let mut replay = Replay::new(log(), "t1:0");
    assert_eq!(replay.answer(&exists("a")).unwrap(), Some(true.into()));
    assert!(matches!(replay.next(&drop_of("a")), Ok(Next::Done)));
    // The answers before the first drop have passed.
    assert_eq!(replay.answer(&count()).unwrap(), None);
}

#[test]
fn a_query_before_an_effect_that_is_done_must_be_in_the_log() {
    let mut replay = Replay::new(log(), "t1:1");
    assert_eq!(changed(replay.answer(&exists("b"))), (1, "look for collection 'b'".to_owned()));
    let mut replay = Replay::new(log(), "t1:1");
    replay.answer(&count()).unwrap();
    replay.answer(&count()).unwrap();
    assert_eq!(changed(replay.answer(&count())), (1, "count documents in 'users'".to_owned()));
}

#[test]
fn a_query_added_before_the_effect_in_doubt_is_stored_with_it() {
    let mut replay = Replay::new(log(), "t1:1");
    assert!(matches!(replay.next(&drop_of("a")), Ok(Next::Done)));
    assert_eq!(replay.answer(&exists("more")).unwrap(), None);
    replay.record(&exists("more"), false.into());
    assert_eq!(replay.answer(&exists("b")).unwrap(), Some(true.into()));
    assert!(matches!(replay.next(&drop_of("b")), Ok(Next::InDoubt(_, true))));
    replay.settle(Done::Now);
    let update = replay.update().unwrap();
    let entry = update.set.get_document("log.ops.1").unwrap();
    let reads = entry.get_array("reads").unwrap();
    assert_eq!(reads.len(), 2, "{entry}");
    // So that the next execution is answered from the log.
    let mut log = log();
    log.entries[1] = replay.log().entries[1].clone();
    let mut replay = Replay::new(log, "t1:1");
    assert!(matches!(replay.next(&drop_of("a")), Ok(Next::Done)));
    assert_eq!(replay.answer(&exists("more")).unwrap(), Some(false.into()));
    assert_eq!(replay.answer(&exists("b")).unwrap(), Some(true.into()));
}

#[test]
fn an_effect_in_place_of_the_one_in_doubt_keeps_the_queries() {
    let mut replay = Replay::new(log(), "t1:1");
    assert!(matches!(replay.next(&drop_of("a")), Ok(Next::Done)));
    assert_eq!(replay.answer(&exists("b")).unwrap(), Some(true.into()));
    assert!(matches!(replay.next(&drop_of("c")), Ok(Next::InDoubt(_, false))));
    replay.forget();
    replay.add(&drop_of("c"), doc! {}, None).unwrap();
    assert_eq!(replay.log().entries[1].reads.len(), 1);
}
