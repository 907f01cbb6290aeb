//! Where things are said: what was asked for on stdout, everything else on stderr.

use std::fmt::Display;
use std::io::{self, Write};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use console::Term;
use serde::Serialize;
use serde_json::{Value, json};

use super::exit::Exit;
use super::failure::Failure;
use super::ink::{BOLD_BLUE, BOLD_GREEN, BOLD_RED, BOLD_YELLOW, rendered, rendered_json};
use super::options::{Color, Options};
use super::outcome;
use super::redacted::Secrets;
use mongrate::json;

/// How the result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// For people.
    Table,
    /// One JSON document on stdout, also when it fails.
    Json,
    /// The following are those of a drawn graph.
    Text,
    Dot,
    Mermaid,
    Svg,
}

impl Format {
    /// Those that one command has to offer. That of `graph` takes the place of the one that all commands have.
    pub(super) fn among(names: &'static [&'static str]) -> impl TypedValueParser<Value = Self> {
        PossibleValuesParser::new(names).map(|name| match name.as_str() {
            "json" => Self::Json,
            "text" => Self::Text,
            "dot" => Self::Dot,
            "mermaid" => Self::Mermaid,
            "svg" => Self::Svg,
            _ => Self::Table,
        })
    }
}

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

    /// The end of a command: an error with all that helps, and the exit code.
    pub(super) fn conclude(self, result: Result<Exit, Failure>) -> Exit {
        let failure = match result {
            Ok(exit) => return exit,
            Err(failure) => failure,
        };
        if self.is_json() {
            let report = || failure.report.as_ref().map(|report| json!(json::Report::of(report)));
            let mut document = failure.document.as_deref().cloned().or_else(report).unwrap_or_else(|| json!({}));
            document["error"] = error(&failure);
            if let Err(unwritten) = self.json(&document) {
                say(unwritten.message);
            }
        }
        self.tell(&failure);
        failure.exit
    }

    fn tell(self, failure: &Failure) {
        if let (Some(report), false) = (&failure.report, self.is_json())
            && let Err(unwritten) = outcome::tell_rest(self, report)
        {
            say(unwritten.message);
        }
        say(format_args!("{}: {}", BOLD_RED.paint("error"), failure.message));
        if let Some((file, line)) = failure.at {
            say(format_args!("  {} {file}:{line}", BOLD_BLUE.paint("-->")));
        }
        if self.verbose > 0 {
            for cause in &failure.causes {
                say(format_args!("  {} {cause}", BOLD_BLUE.paint("because")));
            }
        }
        for help in failure.help.iter().flat_map(|help| help.lines()) {
            say(format_args!("{}: {help}", BOLD_GREEN.paint("help")));
        }
    }
}

fn error(failure: &Failure) -> Value {
    json!(json::Error {
        code: failure.code,
        exit: failure.exit.code(),
        message: &failure.message,
        causes: &failure.causes,
        help: failure.help.as_deref(),
    })
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
