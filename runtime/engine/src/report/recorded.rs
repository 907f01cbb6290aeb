//! Errors that another process recorded.

use std::error::Error;
use std::fmt;

/// An error that another process recorded. Its sources are the recorded causes.
#[derive(Debug)]
pub(crate) struct RecordedError {
    message: String,
    source: Option<Box<Self>>,
}

impl RecordedError {
    /// Creates an error from a chain of sources, outermost first.
    pub(crate) fn new(chain: &[String]) -> Self {
        let (message, causes) = match chain {
            [message, causes @ ..] => (message.clone(), causes),
            [] => ("no error was recorded".to_owned(), chain),
        };
        let source = (!causes.is_empty()).then(|| Box::new(Self::new(causes)));
        Self { message, source }
    }
}

impl fmt::Display for RecordedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for RecordedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
