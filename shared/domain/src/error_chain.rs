//! Errors in words, with what caused them.

use std::error::Error;

/// An error and its causes in one line, outermost first: `cannot read x: no permission`.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The cause at the bottom of an error, for those whose layers all say the same.
pub fn root_cause(error: &dyn Error) -> String {
    let mut deepest = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{says}")]
    struct Wrapper {
        says: &'static str,
        #[source]
        cause: Option<Box<Wrapper>>,
    }

    #[test]
    fn causes_follow_the_error_and_the_last_one_stands_alone() {
        let inner = Wrapper { says: "connection refused", cause: None };
        let outer = Wrapper { says: "no answer", cause: Some(Box::new(inner)) };
        assert_eq!(with_causes(&outer), "no answer: connection refused");
        assert_eq!(root_cause(&outer), "connection refused");
    }
}
