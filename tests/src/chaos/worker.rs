//! The process that migrates, and that faults kill and pause.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::io::{Read, stdin};
use std::iter::successors;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{process, thread};

use mongodb::Client;
use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use mongodb::options::ClientOptions;
use mongrate::{Error, Migrator};

use super::migrations;

/// The error codes that faults cause: the injected ones (91, 112, 189, 251), and those of a member that changes its
/// state, is shut down, or whose operation was killed with its session (11601).
const CODES: [i32; 12] = [91, 112, 189, 251, 10107, 10058, 11600, 11601, 11602, 13435, 13436, 276];

/// Migrates up, or down to a migration. Prints `took <how>` whenever it has taken the lease, and at the end `ended ok`,
/// `ended passing` with an error that a fault has caused, or `ended unexpected`.
pub(super) async fn run(
    uri: &str,
    database: &str,
    lease_ms: &str,
    back_to: Option<&str>,
) -> Result<(), Box<dyn StdError>> {
    thread::spawn(|| {
        // The driver has exited.
        let _ = stdin().read_to_end(&mut Vec::new());
        process::exit(3);
    });
    let mut options = ClientOptions::parse(uri).await?;
    options.app_name = Some(database.to_owned());
    options.command_event_handler = Some(tell_takings());
    let client = Client::with_options(options)?;
    let migrator = Migrator::builder(client.database(database))
        .registry(migrations::registry())
        .lease(Duration::from_millis(lease_ms.parse()?))
        .lock_wait(Duration::from_secs(10 * 60))
        .build()
        .unwrap();
    let result = match back_to {
        Some(id) => migrator.down().to(id).await,
        None => migrator.up().await,
    };
    match result {
        Ok(_) => println!("ended ok"),
        Err(error) if comes_of_a_fault(&error) => println!("ended passing {}: {error}", variant(&error)),
        Err(error) => println!("ended unexpected {}: {error}\n{error:?}", variant(&error)),
    }
    client.shutdown().immediate(true).await;
    Ok(())
}

/// Reports when the lease is taken. A take-over has the condition that token and heartbeat are unchanged. A heartbeat is the other
/// use of findAndModify, on condition that nonce and token are our own.
fn tell_takings() -> EventHandler<CommandEvent> {
    let taking = Mutex::new(HashMap::new());
    EventHandler::callback(move |event| {
        let mut taking = taking.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            CommandEvent::Started(event) if event.command_name == "findAndModify" => {
                let has = |field| event.command.get_document("query").is_ok_and(|query| query.contains_key(field));
                if !(has("holder.nonce") && has("token")) {
                    taking.insert(event.request_id, has("beat"));
                }
            }
            CommandEvent::Succeeded(event) => {
                let was_held = taking.remove(&event.request_id);
                if let (Some(was_held), Ok(_)) = (was_held, event.reply.get_document("value")) {
                    println!("took {}", if was_held { "over" } else { "free" });
                }
            }
            _ => {}
        }
    })
}

/// Returns whether a fault may cause this error: a failed server or connection, a paused process, or an operator.
fn comes_of_a_fault(error: &Error) -> bool {
    match error {
        Error::LeaseLost { .. }
        | Error::Interrupted { .. }
        | Error::Unreachable { .. }
        | Error::CommitUnknown { .. }
        | Error::Unacknowledged { .. }
        | Error::LockTimeout { .. } => true,
        Error::Server { source, .. } => is_injected(source) || tells_of_a_fault(&error.to_string()),
        Error::Several { errors } => errors.iter().all(comes_of_a_fault),
        // What failed in another process while this one waited was judged there.
        Error::Failed { source, message, report, .. } => {
            let elsewhere = report.warnings().iter().any(|warning| warning.contains("while this one waited"));
            elsewhere || is_injected(&**source) || tells_of_a_fault(message)
        }
        _ => false,
    }
}

fn is_injected(error: &(dyn StdError + 'static)) -> bool {
    let drivers = successors(Some(error), |error| (*error).source()).filter_map(|link| link.downcast_ref());
    drivers.take(1).any(|error: &DriverError| match &*error.kind {
        ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } | ErrorKind::ServerSelection { .. } => true,
        ErrorKind::Command(command) => CODES.contains(&command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => CODES.contains(&write.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => CODES.contains(&concern.code),
        // From a `Schema` migration.
        ErrorKind::Custom(_) => error.get_custom::<String>().is_some_and(|error| tells_of_a_fault(error)),
        _ => false,
    })
}

fn tells_of_a_fault(message: &str) -> bool {
    message.contains("reached a majority") || CODES.iter().any(|code| message.contains(&format!("code {code})")))
}

fn variant(error: &Error) -> String {
    format!("{error:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}
