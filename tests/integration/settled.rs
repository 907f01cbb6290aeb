//! A commit with an unknown result, and the read that resolves it.

use std::sync::{Arc, Mutex};

use mongodb::Client;
use mongodb::bson::{Document, Timestamp, doc};
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use mongodb::options::ClientOptions;
use mongrate::{Tx, migration};
use mongrate_tests::stored::{history, migrator, step, steps};
use mongrate_tests::{FailPoint, TestDb};

#[migration(id = "001_tx", source = "module:settled")]
async fn tx(tx: &mut Tx) -> Result<(), anyhow::Error> {
    Ok(step(tx, "tx").await?)
}

/// The read concern of each read of the records: its level, and after what it comes on the server's logical clock.
type Reads = Vec<(String, Option<Timestamp>)>;

/// The newest time that the replies to updates have told so far, among them the raise of the fence.
#[derive(Clone, Debug, Default)]
struct Seen {
    written: Option<Timestamp>,
    reads: Reads,
    /// What was written when the last of them was sent.
    before_last: Option<Timestamp>,
}

impl Seen {
    fn note(&mut self, event: CommandEvent) {
        match event {
            CommandEvent::Started(event) if event.command.get_str("find").is_ok_and(|name| name == "migrations") => {
                let concern = event.command.get_document("readConcern").unwrap();
                let level = concern.get_str("level").unwrap().to_owned();
                self.reads.push((level, concern.get_timestamp("afterClusterTime").ok()));
                self.before_last = self.written;
            }
            CommandEvent::Succeeded(event) if event.command_name == "update" => {
                self.written = event.reply.get_timestamp("operationTime").ok().or(self.written);
            }
            _ => {}
        }
    }
}

/// It reads with majority, after all that the session and the raise of the fence have seen: a primary that was elected in
/// between may not know yet what a majority has.
#[tokio::test]
async fn i1_an_unknown_commit_is_read_after_raising_the_fence() {
    let db = TestDb::new().await;
    let seen = Arc::<Mutex<Seen>>::default();
    let mut options = ClientOptions::parse(db.uri()).await.unwrap();
    options.app_name = Some(db.app_name().to_owned());
    let noting = seen.clone();
    options.command_event_handler = Some(EventHandler::callback(move |event| noting.lock().unwrap().note(event)));
    let database = Client::with_options(options).unwrap().database(db.name());

    // The client only learns that the commit has timed out. It was not executed.
    let unknown: Document = doc! {
        "failCommands": ["commitTransaction"], "errorCode": 50, "errorLabels": ["UnknownTransactionCommitResult"],
    };
    let _fault = FailPoint::times(1, &db, unknown).await;
    let report = migrator(&database, "module:settled").build().unwrap().up().await.unwrap();
    assert_eq!(report.applied().next().unwrap().attempts, 2, "{report}");
    assert_eq!(
        (steps(&db).await, history(&db, "module:settled:001_tx").await),
        (vec!["tx".to_owned()], vec!["completed".to_owned()])
    );

    let Seen { reads, before_last, .. } = seen.lock().unwrap().clone();
    println!("{reads:?}, the last one after the writes at {before_last:?}");
    // What is pending, the same under the lease, and then the one that settles.
    let [first, under_lease, settling] = &reads[..] else { panic!("{reads:?}") };
    assert_eq!((first.1, under_lease.1), (None, None));
    assert_eq!(settling.0, "majority");
    assert!(settling.1.is_some() && settling.1 >= before_last, "{reads:?}, {before_last:?}");
}
