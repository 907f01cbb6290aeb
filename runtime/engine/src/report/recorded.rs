//! An error of another process, as it is on record.

use std::error::Error;
use std::fmt;

/// An error that another process has recorded; its sources are the causes on record.
#[derive(Debug)]
pub(crate) struct RecordedError {
    message: String,
    source: Option<Box<Self>>,
}

impl RecordedError {
    /// From a chain of sources, outermost first.
    pub(crate) fn new(chain: &[String]) -> Self {
        let (message, causes) = match chain {
            [message, causes @ ..] => (message.clone(), causes),
            [] => ("it did not say why".to_owned(), chain),
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
