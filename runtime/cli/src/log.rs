//! The log of `-v`.

use std::io::{self, Write};

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{fmt, registry};

use super::output::printed;

/// Logs the library's `tracing` events to stderr, unless the application has set up a subscriber.
pub(super) fn to_stderr(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => Level::INFO,
        2 => Level::DEBUG,
        _ => Level::TRACE,
    };
    let lines = fmt::layer().with_writer(|| Log).with_ansi(false);
    let log = registry().with(lines.with_filter(Targets::new().with_target("mongrate", level)));
    // An error means that the application has a subscriber, which takes precedence.
    drop(log.try_init());
}

/// Stderr, with credentials hidden like in all other output.
struct Log;

impl Write for Log {
    /// The subscriber writes whole lines.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(printed(&String::from_utf8_lossy(lines), false).as_bytes())?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
