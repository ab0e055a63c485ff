//! The output of a command.

use std::path::Path;
use std::process::Output;

/// A command's exit code and output.
#[derive(Debug)]
pub struct CommandOutput {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl CommandOutput {
    /// The output of a process that has ended.
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// This, if it ended well.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "standard error:\n{}\nstandard output:\n{}", self.err, self.out);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// All of it, as a snapshot shows it; the sandbox's own folder is left out.
    pub fn all(&self, sandbox: impl AsRef<Path>) -> String {
        let folder = sandbox.as_ref().to_string_lossy().into_owned();
        let hide = |text: &str| text.replace(&folder, "PLACE");
        format!(
            "exit code: {}\n-- out --\n{}-- err --\n{}",
            self.code.unwrap_or(-1),
            hide(&self.out),
            hide(&self.err)
        )
    }
}
