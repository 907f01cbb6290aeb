//! Where and how the process halts.

use std::collections::HashMap;
use std::process::{self, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;

/// Where and how to halt. A place is `body <id>`, in the middle of a body, or just before the process sends a command:
/// `command <n>`, its n-th; `<command> <n>`, the n-th of that name; `tx <command> <collection> <n>`, the n-th of these
/// in transactions, regardless of heartbeats. `after <command> <n>` is after the reply to the n-th command of that
/// name.
#[derive(Debug)]
pub struct Halt {
    how: How,
    place: String,
}

#[derive(Clone, Copy, Debug)]
enum How {
    /// Sends SIGKILL.
    Die,
    /// Sends SIGSTOP.
    Pause,
    /// A pause of four seconds, in a body.
    Nap,
    /// SIGTERM, and continues.
    Tell,
}

static HALT: OnceLock<Halt> = OnceLock::new();

/// It halts only once, although a body may reach the place again.
static HALTED: AtomicBool = AtomicBool::new(false);

impl Halt {
    /// Parses `die <place>`, `pause <place>`, `nap <place>` or `tell <place>`. No argument means no halt.
    #[must_use]
    pub fn parse(words: &[&str]) -> Option<Self> {
        let [how, place] = words else { return None };
        let how = match *how {
            "die" => How::Die,
            "pause" => How::Pause,
            "nap" => How::Nap,
            "tell" => How::Tell,
            _ => return None,
        };
        Some(Self { how, place: (*place).to_owned() })
    }
}

/// Sets the halt of this process, and returns the handler that counts its commands.
pub(super) fn install(halt: Option<Halt>) -> EventHandler<CommandEvent> {
    if let Some(halt) = halt {
        let _ = HALT.set(halt);
    }
    let sent = Mutex::new(HashMap::<String, u32>::new());
    EventHandler::callback(move |event| {
        let names = match event {
            CommandEvent::Started(event) => {
                let mut names = vec!["command".to_owned(), event.command_name.clone()];
                if let (true, Ok(collection)) =
                    (event.command.contains_key("autocommit"), event.command.get_str(&event.command_name))
                {
                    names.push(format!("tx {} {collection}", event.command_name));
                }
                names
            }
            CommandEvent::Succeeded(event) => vec![format!("after {}", event.command_name)],
            _ => return,
        };
        let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
        let places = names.into_iter().map(|name| {
            let count = sent.entry(name.clone()).or_default();
            *count += 1;
            format!("{name} {count}")
        });
        let here = places.fold(false, |here, place| here | HALT.get().is_some_and(|halt| halt.place == place));
        drop(sent);
        // The driver continues when this returns.
        if let (true, Some(halt)) = (here, HALT.get()) {
            halt.strike();
        }
    })
}

/// Halts if this is the place. Does nothing outside the worker process.
pub(super) async fn reached(place: &str) {
    let Some(halt) = HALT.get().filter(|halt| halt.place == place) else { return };
    halt.strike();
    if let How::Nap = halt.how {
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    }
}

/// Disables the halt: after the run, the driver still sends commands to disconnect.
pub(crate) fn over() {
    HALTED.store(true, Ordering::Relaxed);
}

impl Halt {
    fn strike(&self) {
        if HALTED.swap(true, Ordering::Relaxed) {
            return;
        }
        if let How::Pause = self.how {
            return pause(&self.place);
        }
        println!("halted at {}", self.place);
        match self.how {
            How::Die => signal("KILL"),
            How::Tell => signal("TERM"),
            How::Nap | How::Pause => {}
        }
    }
}

/// Stops this process, and returns after SIGCONT. Other threads may run for a moment after the signal, and this thread
/// could return before the process stops. Therefore the sender waits until it has stopped before reporting the halt.
fn pause(place: &str) {
    const SCRIPT: &str = r#"kill -s STOP "$1"; until grep -q ') T ' "/proc/$1/stat"; do :; done; echo "halted at $2""#;
    let mut stop = Command::new("sh");
    let _ = stop.args(["-c", SCRIPT, "sh"]).arg(process::id().to_string()).arg(place).status();
}

/// Sends a signal to this process.
fn signal(name: &str) {
    let mut kill = Command::new("sh");
    kill.args(["-c", "kill -s \"$1\" \"$2\"", "sh", name]).arg(process::id().to_string());
    let _ = kill.status();
}
