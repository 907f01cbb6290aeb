//! Message and help in one text.

use std::fmt;

use super::Error;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Several { errors } = self {
            write!(f, "{} problems:", errors.len())?;
            return errors.iter().try_for_each(|error| write!(f, "\n- {error}"));
        }
        f.write_str(&self.message())?;
        self.help().map_or(Ok(()), |help| write!(f, ". {}", sentence(&help)))
    }
}

fn sentence(help: &str) -> String {
    let mut characters = help.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
