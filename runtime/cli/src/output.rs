//! Where things are said: what was asked for on stdout, everything else on stderr.

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

/// Whom to tell what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    pub(super) format: Format,
    quiet: bool,
    pub(super) verbose: u8,
}

impl Output {
    pub(super) fn new(options: &Options) -> Self {
        console::set_colors_enabled(wants_colours(options.color, &Term::stdout()));
        console::set_colors_enabled_stderr(wants_colours(options.color, &Term::stderr()));
        Self { format: options.format, quiet: options.quiet, verbose: options.verbose }
    }

    pub(super) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// What was asked for.
    #[expect(clippy::unused_self, reason = "like its siblings, so that nothing is printed without one")]
    pub(super) fn print(self, text: impl Display) -> Result<(), Failure> {
        let text = printed(&text.to_string(), console::colors_enabled());
        write(&mut io::stdout().lock(), &text)
    }

    /// What was asked for, as JSON.
    #[expect(clippy::unused_self, reason = "like its siblings, so that nothing is printed without one")]
    pub(super) fn json(self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::new(Exit::Failed, "json", format!("could not write JSON: {error}")))?;
        write(&mut io::stdout().lock(), &rendered_json(&Secrets::of_this_process().hidden(&text)))
    }

    /// How a command that changes something has gone. Quiet when it went well and nobody wants to know.
    pub(super) fn outcome(self, text: impl Display) -> Result<(), Failure> {
        if self.quiet { Ok(()) } else { self.print(text) }
    }

    /// What helps a person besides.
    pub(super) fn remark(self, text: impl Display) {
        if !self.quiet {
            say(text);
        }
    }

    /// What has to be known, quiet or not.
    #[expect(clippy::unused_self, reason = "everything that is said goes through here")]
    pub(super) fn insist(self, text: impl Display) {
        say(text);
    }

    pub(super) fn warning(self, text: impl Display) {
        self.remark(format_args!("{}: {text}", BOLD_YELLOW.paint("warning")));
    }

    /// Whether progress may move: somebody looks at a terminal that can do it, and the log does not write there as well.
    pub(super) fn may_move(self) -> bool {
        !self.quiet && self.verbose == 0 && Term::stderr().is_term() && !console::is_dumb()
    }

    pub(super) fn is_quiet(self) -> bool {
        self.quiet
    }
}

fn wants_colours(color: Color, terminal: &Term) -> bool {
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

/// Everything that is printed comes through here: the text without credentials, and without what a terminal would obey.
pub(super) fn printed(text: &str, colors: bool) -> String {
    rendered(&Secrets::of_this_process().hidden(text), colors)
}

/// Whoever has closed the other end does not want to read on; that is no error of ours.
fn write(out: &mut impl Write, line: &str) -> Result<(), Failure> {
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::io("write to stdout", &error)),
        _ => Ok(()),
    }
}

/// A line on stderr. If even that cannot be written, there is nobody left to tell.
fn say(text: impl Display) {
    drop(writeln!(io::stderr().lock(), "{}", printed(&text.to_string(), console::colors_enabled_stderr())));
}
