//! Counting commands, as the driver sends them and as the server counts them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use mongodb::Client;
use mongodb::bson::{Bson, doc};
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;

/// The names of the commands that a client has sent, in their order. The driver's own handshake and monitoring are not among them.
#[derive(Clone, Debug, Default)]
pub struct Commands(Arc<Mutex<Vec<String>>>);

impl Commands {
    /// The handler to give to a client's options.
    pub(crate) fn handler(&self) -> EventHandler<CommandEvent> {
        let sent = self.clone();
        EventHandler::callback(move |event| {
            if let CommandEvent::Started(event) = event {
                sent.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.command_name);
            }
        })
    }

    /// Takes what was sent since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How often each command was sent since the last [`take`](Self::take).
    #[must_use]
    pub fn count(&self) -> BTreeMap<String, usize> {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.iter().fold(BTreeMap::new(), |mut count, name| {
            *count.entry(name.clone()).or_default() += 1;
            count
        })
    }
}

/// How often each command ran on this member since it started, by the server's own count; those that never ran are left out. It
/// counts everybody's, so it says something only about a server that the test has for itself.
pub async fn server_commands(client: &Client) -> BTreeMap<String, i64> {
    let status = client.database("admin").run_command(doc! { "serverStatus": 1 }).await.unwrap();
    let commands = status.get_document("metrics").unwrap().get_document("commands").unwrap();
    let total = |counts: &Bson| counts.as_document()?.get_i64("total").ok().filter(|total| *total > 0);
    commands.iter().filter_map(|(name, counts)| Some((name.clone(), total(counts)?))).collect()
}
