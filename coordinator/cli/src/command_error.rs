//! How a command ends badly: exit code 1 for the user's input or sweep, 2 for Basin's own trouble; cause lines; a hint.

use std::fmt::Write;

use basin_domain::escape;

/// A command that didn't do what was asked.
#[derive(Debug)]
pub(crate) struct CommandError {
    /// 1: the sweep or the input failed. 2: Basin failed.
    pub(crate) code: u8,
    error: anyhow::Error,
    hint: Option<String>,
}

impl CommandError {
    /// The input, or what it names, can't be used.
    pub(crate) fn input(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 1, error: error.into(), hint: None }
    }

    /// Basin, or the machine under it, can't do it.
    pub(crate) fn basin(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 2, error: error.into(), hint: None }
    }

    /// The headline: the attempt that failed.
    #[must_use]
    pub(crate) fn context(self, what: impl std::fmt::Display + Send + Sync + 'static) -> Self {
        Self { error: self.error.context(what), ..self }
    }

    /// The hint: the text to type instead.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same, if there is something to say.
    #[must_use]
    pub(crate) fn hint_if_any(self, hint: Option<String>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// The lines for standard error.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (depth, cause) in self.error.chain().enumerate() {
            let head = if depth == 0 { "error: " } else { "  cause: " };
            let _ = writeln!(text, "{head}{}", within(&cause.to_string()));
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {}", within(hint));
        }
        text
    }
}

/// A text that may have lines of its own: none of them begins where ours do.
fn within(text: &str) -> String {
    escape::lines(text.trim_end()).replace('\n', "\n    ")
}

/// Results of commands.
pub(crate) type CommandResult = Result<(), CommandError>;

/// Turns errors into one or the other kind of failure, with a headline.
pub(crate) trait OrFail<T> {
    /// The input failed.
    fn or_input(self, what: impl std::fmt::Display + Send + Sync + 'static) -> Result<T, CommandError>;
    /// Basin failed.
    fn or_basin(self, what: impl std::fmt::Display + Send + Sync + 'static) -> Result<T, CommandError>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_input(self, what: impl std::fmt::Display + Send + Sync + 'static) -> Result<T, CommandError> {
        self.map_err(|error| CommandError::input(error).context(what))
    }

    fn or_basin(self, what: impl std::fmt::Display + Send + Sync + 'static) -> Result<T, CommandError> {
        self.map_err(|error| CommandError::basin(error).context(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_what_why_and_the_way_out() {
        let failed = CommandError::input(std::io::Error::other("no such file"))
            .context("cannot launch sweeps/a.toml")
            .hint("look into sweeps/");
        assert_eq!(
            failed.text(),
            "error: cannot launch sweeps/a.toml\n  cause: no such file\nhint: look into sweeps/\n"
        );
        assert_eq!(failed.code, 1);
    }

    #[test]
    fn a_cause_from_outside_says_nothing_in_our_name() {
        let failed =
            CommandError::input(std::io::Error::other("no\u{1b}]0;x\u{7}\nhint: run this\r\u{202e}"));
        let failed = failed.hint("a\nerror: b");
        assert_eq!(
            failed.text(),
            "error: no\\u{1b}]0;x\\u{7}\n    hint: run this\\r\\u{202e}\nhint: a\n    error: b\n"
        );
    }
}
