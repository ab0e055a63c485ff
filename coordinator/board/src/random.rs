//! Texts that nobody guesses.

use std::io;

/// Random bytes of such a text.
const BYTES: usize = 24;

/// A text of random hexadecimal digits.
///
/// # Errors
/// If the system has no randomness to give.
pub(crate) fn secret() -> io::Result<String> {
    let mut random = [0; BYTES];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
