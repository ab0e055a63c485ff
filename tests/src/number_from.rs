//! Numbers that whoever runs the tests gives by the environment.

/// The whole number that this variable holds; none where it isn't set.
///
/// # Panics
/// If it holds something else.
pub fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")))
}
