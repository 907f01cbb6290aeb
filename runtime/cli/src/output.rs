//! Output: the result on stdout, everything else on stderr.

use std::fmt::Display;
use std::io::{self, Write};

use console::Term;
use serde::Serialize;

use super::exit::Exit;
use super::failure::Failure;
use super::format::Format;
use super::ink::{BOLD_YELLOW, rendered, rendered_json};
use super::options::{Color, Options};
use super::redacted::Secrets;

/// Prints as configured by the options.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    pub(super) format: Format,
    quiet: bool,
    pub(super) verbose: u8,
}

impl Output {
    pub(super) fn new(options: &Options) -> Self {
        console::set_colors_enabled(wants_colors(options.color, &Term::stdout()));
        console::set_colors_enabled_stderr(wants_colors(options.color, &Term::stderr()));
        Self { format: options.format, quiet: options.quiet, verbose: options.verbose }
    }

    pub(super) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Prints the result.
    #[expect(clippy::unused_self, reason = "like its siblings: nothing is printed without an Output")]
    pub(super) fn print(self, text: impl Display) -> Result<(), Failure> {
        let text = printed(&text.to_string(), console::colors_enabled());
        write(&mut io::stdout().lock(), &text)
    }

    /// Prints the result as JSON.
    #[expect(clippy::unused_self, reason = "like its siblings: nothing is printed without an Output")]
    pub(super) fn json(self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::new(Exit::Failed, "json", format!("could not write JSON: {error}")))?;
        write(&mut io::stdout().lock(), &rendered_json(&Secrets::of_this_process().hidden(&text)))
    }

    /// Prints the result of a command that changes something, unless `--quiet`.
    pub(super) fn outcome(self, text: impl Display) -> Result<(), Failure> {
        if self.quiet { Ok(()) } else { self.print(text) }
    }

    /// Prints additional information for people, unless `--quiet`.
    pub(super) fn remark(self, text: impl Display) {
        if !self.quiet {
            write_stderr(text);
        }
    }

    /// Prints to stderr, even with `--quiet`.
    #[expect(clippy::unused_self, reason = "like its siblings: nothing is printed without an Output")]
    pub(super) fn insist(self, text: impl Display) {
        write_stderr(text);
    }

    pub(super) fn warning(self, text: impl Display) {
        self.remark(format_args!("{}: {text}", BOLD_YELLOW.paint("warning")));
    }

    /// Whether progress may be animated: on a capable terminal to which no log is written.
    pub(super) fn may_animate(self) -> bool {
        !self.quiet && self.verbose == 0 && Term::stderr().is_term() && !console::is_dumb()
    }

    pub(super) fn is_quiet(self) -> bool {
        self.quiet
    }
}

fn wants_colors(color: Color, terminal: &Term) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            // An empty NO_COLOR counts as not set: https://no-color.org
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            !refused && terminal.is_term() && !console::is_dumb()
        }
    }
}

/// Prepares a text for printing: hides credentials and escapes control characters.
pub(super) fn printed(text: &str, colors: bool) -> String {
    rendered(&Secrets::of_this_process().hidden(text), colors)
}

/// Writes a line. A closed pipe is not an error: the reader has seen enough.
fn write(out: &mut impl Write, line: &str) -> Result<(), Failure> {
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::io("write to stdout", &error)),
        _ => Ok(()),
    }
}

/// Writes a line to stderr. If that fails, there is nowhere left to report it.
fn write_stderr(text: impl Display) {
    drop(writeln!(io::stderr().lock(), "{}", printed(&text.to_string(), console::colors_enabled_stderr())));
}
