//! Formatting of counts.

use std::fmt;

/// Displays a count with thousands separators: `4,812`.
#[derive(Clone, Copy, Debug)]
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (index, digit) in digits.char_indices() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// Formats a count with its noun: `1 document`, `4,812 documents`.
#[must_use]
pub fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{} {noun}s", Count(count)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let texts = [0, 12, 999, 1_000, 4_812, 123_456, 1_234_567].map(|count| Count(count).to_string());
        assert_eq!(texts, ["0", "12", "999", "1,000", "4,812", "123,456", "1,234,567"]);
        assert_eq!([plural(1, "document"), plural(1_000, "document")], ["1 document", "1,000 documents"]);
    }
}
