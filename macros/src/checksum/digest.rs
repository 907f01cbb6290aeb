//! SHA-256 as text.

use sha2::{Digest, Sha256};

/// Returns 64 hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    let mut digits = String::new();
    for byte in Sha256::digest(bytes) {
        for digit in [byte >> 4, byte & 15] {
            digits.extend(char::from_digit(digit.into(), 16));
        }
    }
    digits
}
