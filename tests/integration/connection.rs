//! The clients and options of migrations, regardless of the connection string.

mod clients;
mod concerns;
mod names;
mod pool;
mod strings;

use std::sync::{Arc, Mutex, PoisonError};

use mongodb::bson::Document;
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use mongodb::options::ClientOptions;
use mongrate_tests::TestDb;

/// The commands that were sent with some options, as they were.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<Document>>>);

impl Sent {
    fn take(&self) -> Vec<Document> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn names(&self) -> Vec<String> {
        let names = self.take();
        names.iter().map(|command| command.keys().next().unwrap().clone()).collect()
    }
}

/// Options for the server of a test, with the test's application name, and what is sent with them.
async fn options(db: &TestDb, extra: &str) -> (ClientOptions, Sent) {
    let sent = Sent::default();
    let mut options = ClientOptions::parse(format!("{}&appName={}{extra}", db.uri(), db.app_name())).await.unwrap();
    let seen = sent.clone();
    options.command_event_handler = Some(EventHandler::callback(move |event| {
        if let CommandEvent::Started(event) = event {
            seen.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.command);
        }
    }));
    (options, sent)
}
