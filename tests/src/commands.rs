//! Counts commands, as sent by the driver and as counted by the server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use mongodb::Client;
use mongodb::bson::{Bson, doc};
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;

/// The names of the commands that a client has sent, in order, without the driver's handshake and monitoring.
#[derive(Clone, Debug, Default)]
pub struct Commands(Arc<Mutex<Vec<String>>>);

impl Commands {
    /// Returns the handler for the options of a client.
    pub(crate) fn handler(&self) -> EventHandler<CommandEvent> {
        let sent = self.clone();
        EventHandler::callback(move |event| {
            if let CommandEvent::Started(event) = event {
                sent.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.command_name);
            }
        })
    }

    /// Takes the commands since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts each command since the last [`take`](Self::take).
    #[must_use]
    pub fn count(&self) -> BTreeMap<String, usize> {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.iter().fold(BTreeMap::new(), |mut count, name| {
            *count.entry(name.clone()).or_default() += 1;
            count
        })
    }
}

/// Returns how often each command ran on this member since its start, from the server's own counters, without those
/// that never ran. The counters include all clients, so use it only on a server that the test has started itself.
pub async fn server_commands(client: &Client) -> BTreeMap<String, i64> {
    let status = client.database("admin").run_command(doc! { "serverStatus": 1 }).await.unwrap();
    let commands = status.get_document("metrics").unwrap().get_document("commands").unwrap();
    let total = |counts: &Bson| counts.as_document()?.get_i64("total").ok().filter(|total| *total > 0);
    commands.iter().filter_map(|(name, counts)| Some((name.clone(), total(counts)?))).collect()
}
