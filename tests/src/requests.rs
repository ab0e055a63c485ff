//! Requests to a coordinator, through the program's `--json`.

use serde_json::Value;

use crate::Sandbox;

impl Sandbox {
    /// A command's JSON, of the coordinator at `url`.
    #[track_caller]
    pub fn ask(&self, url: &str, arguments: &[&str]) -> Value {
        self.basin(&[&["--json"], arguments, &["--coordinator", url]].concat()).succeeded().json()
    }

    /// The same, or none if the command failed.
    pub fn try_ask(&self, url: &str, arguments: &[&str]) -> Option<Value> {
        let output = self.basin(&[&["--json"], arguments, &["--coordinator", url]].concat());
        (output.code == Some(0)).then(|| output.json())
    }

    /// Launches a sweep file, with further arguments, and returns the sweep's id.
    #[track_caller]
    pub fn launch(&self, url: &str, file: &str, more: &[&str]) -> String {
        let launched = self.ask(url, &[&["launch", file], more].concat());
        launched["sweep"].as_str().expect("a sweep has an id").to_owned()
    }
}
