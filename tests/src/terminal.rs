//! Runs the application in a terminal, with what a person sees and types.

use std::fmt;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use tokio::sync::watch;
use tokio::time::timeout;
pub use vt100::Color;
use vt100::{Parser, Screen};

use crate::{MyApp, eventually};

/// The limit for an expected output.
const LIMIT: Duration = Duration::from_secs(30);

/// High enough that nothing scrolls off the screen.
const ROWS: u16 = 200;

/// Keys, as terminals send them.
pub mod key {
    #![allow(missing_docs, reason = "their names say it")]
    pub const DOWN: &str = "\x1b[B";
    pub const ENTER: &str = "\r";
    pub const ESCAPE: &str = "\x1b";
    pub const CTRL_C: &str = "\x03";
}

/// A program in a pseudo-terminal. Killed when this value is dropped.
///
/// ```no_run
/// # async fn example() {
/// use mongrate_tests::{MyApp, Terminal, TestDb};
///
/// let db = TestDb::new().await;
/// let mut terminal = Terminal::of(&MyApp::on(&db), 80, &["down"]);
/// terminal.shows("Revert 1 migration?").await;
/// terminal.answer("n").await;
/// assert_eq!(terminal.finish().await, 1, "{terminal}");
/// # }
/// ```
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    master: Box<dyn MasterPty + Send>,
    /// Kept open, because unread output is lost when the last handle closes.
    slave: Option<Box<dyn SlavePty + Send>>,
    parser: Arc<Mutex<Parser>>,
    /// Notified on every write.
    written: watch::Sender<()>,
    reader: Option<JoinHandle<()>>,
    /// The settings of the terminal before.
    settings: String,
}

impl Terminal {
    /// Runs the application in a terminal with this number of columns, and with colors.
    #[must_use]
    pub fn of(app: &MyApp, columns: u16, words: &[&str]) -> Self {
        let size = PtySize { rows: ROWS, cols: columns, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(app.path());
        command.args(app.arguments(words.iter().copied()));
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for (name, value) in app.variables() {
            command.env(name, value);
        }
        let settings = settings(&*pair.master);
        let child = pair.slave.spawn_command(command).unwrap();
        let (rows, columns) = (NonZeroU16::new(ROWS).unwrap(), NonZeroU16::new(columns).unwrap());
        let parser = Arc::new(Mutex::new(Parser::new(rows, columns, 0)));
        let written = watch::Sender::new(());
        let reader = thread::spawn({
            let (parser, written) = (Arc::clone(&parser), written.clone());
            let mut output = pair.master.try_clone_reader().unwrap();
            move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = output.read(&mut buffer) {
                    parser.lock().unwrap_or_else(PoisonError::into_inner).process(&buffer[..count]);
                    written.send_replace(());
                }
            }
        });
        let keyboard = pair.master.take_writer().unwrap();
        let (slave, reader) = (Some(pair.slave), Some(reader));
        Self { child, keyboard, master: pair.master, slave, parser, written, reader, settings }
    }

    /// Waits until the program reads single keys, as in a menu or at a question, and presses some.
    pub async fn answer(&mut self, keys: &str) {
        eventually("a question", async || (settings(&*self.master) != self.settings).then_some(())).await;
        self.press(keys);
    }

    /// Types a line as the answer to a question.
    pub async fn line(&mut self, text: &str) {
        for key in text.chars() {
            self.answer(&key.to_string()).await;
        }
        self.answer(key::ENTER).await;
    }

    /// Presses keys without waiting.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(Command::new("sh").args(["-c", "kill -s TERM \"$1\"", "sh", &pid]).status().unwrap().success());
    }

    /// Waits until the screen contains the text.
    pub async fn shows(&self, text: &str) {
        self.shows_what(text, |screen| screen.contains(text)).await;
    }

    /// Waits until the screen matches the condition.
    pub async fn shows_what(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let mut written = self.written.subscribe();
        let shown = timeout(LIMIT, written.wait_for(|()| is_so(&self.text()))).await;
        assert!(shown.is_ok(), "timed out waiting for '{what}'; the screen has\n{self}");
    }

    /// Returns the screen, line by line.
    #[must_use]
    pub fn text(&self) -> String {
        self.screen(Screen::contents)
    }

    /// Returns the color of the first occurrence of the text.
    #[must_use]
    pub fn color_of(&self, text: &str) -> Color {
        self.screen(|screen| {
            let (_, columns) = screen.size();
            let rows = screen.rows(0, columns.get());
            let place = rows.zip(0_u16..).find_map(|(row, number)| row.find(text).map(|at| (row, at, number)));
            let (row, at, number) = place.unwrap_or_else(|| panic!("'{text}' is not on\n{}", screen.contents()));
            let column = u16::try_from(row[..at].chars().count()).unwrap();
            screen.cell(number, column).unwrap().fgcolor()
        })
    }

    /// Returns whether the screen contains colors.
    #[must_use]
    pub fn has_colours(&self) -> bool {
        self.screen(|screen| {
            let (rows, columns) = screen.size();
            let cells = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
            cells.filter_map(|(row, column)| screen.cell(row, column)).any(|cell| cell.fgcolor() != Color::Default)
        })
    }

    /// Returns the lines that were wrapped.
    #[must_use]
    pub fn too_long(&self) -> Vec<String> {
        self.screen(|screen| {
            let rows = screen.rows(0, screen.size().1.get()).zip(0_u16..);
            rows.filter(|(_, number)| screen.row_wrapped(*number)).map(|(row, _)| row).collect()
        })
    }

    /// Waits until the program has exited and all its output is read, and returns the exit code. Asserts that the
    /// cursor, echo and line editing of the terminal are restored.
    pub async fn finish(&mut self) -> u32 {
        let status = eventually("the program to end", async || self.child.try_wait().unwrap()).await;
        let settings = settings(&*self.master);
        drop(self.slave.take());
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        assert_eq!(status.signal(), None, "killed by a signal\n{self}");
        assert_eq!(settings, self.settings, "the settings of the terminal were not restored\n{self}");
        assert!(!self.screen(Screen::hide_cursor), "the cursor is hidden\n{self}");
        status.exit_code()
    }

    fn screen<T>(&self, read: impl FnOnce(&Screen) -> T) -> T {
        let parser: MutexGuard<'_, Parser> = self.parser.lock().unwrap_or_else(PoisonError::into_inner);
        read(parser.screen())
    }
}

impl fmt::Display for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "-- terminal --\n{}", self.text())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The id of an ended process may have been reused.
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
        }
    }
}

/// Returns the settings of a terminal, for comparison.
fn settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios())
}
