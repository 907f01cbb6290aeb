//! Numbers for people.

use std::fmt;

/// A count with its thousands apart: `4,812`.
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (place, digit) in digits.char_indices() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// A count of something: `1 document`, `4,812 documents`.
pub fn plural(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{} {what}s", Count(count)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        let texts = [0, 12, 999, 1_000, 4_812, 123_456, 1_234_567].map(|count| Count(count).to_string());
        assert_eq!(texts, ["0", "12", "999", "1,000", "4,812", "123,456", "1,234,567"]);
        assert_eq!([plural(1, "document"), plural(1_000, "document")], ["1 document", "1,000 documents"]);
    }
}
