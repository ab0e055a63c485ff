//! The coordinator that works on a folder of local state, as others on this machine find it: `STATE/coordinator.json`.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use basin_domain::id::SweepId;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

use super::clock::unix_ms;

/// How long a coordinator of this machine may take to answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// A coordinator that said where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LocalCoordinator {
    /// Where it listens, on this machine.
    pub(super) url: String,
    /// A token that lets one look, if it asks for tokens. Only the owner of the folder reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<String>,
    /// Its process.
    pub(super) process: u32,
    /// The command, as it would be typed.
    pub(super) command: String,
    /// The sweep that it was started for, if for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sweep: Option<SweepId>,
    /// When it started, in seconds of the Unix time.
    pub(super) started: u64,
}

/// Others find it as long as this lives.
#[derive(Debug)]
pub(super) struct Announcement {
    file: PathBuf,
    text: Vec<u8>,
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // The next one may have said where it is already.
        if std::fs::read(&self.file).is_ok_and(|found| found == self.text) {
            let _ = std::fs::remove_file(&self.file);
        }
    }
}

impl LocalCoordinator {
    /// The one that said so last in the folder `state`. It may have been killed since.
    pub(super) fn read(state: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(file_in(state)).ok()?).ok()
    }

    /// Whether somebody listens there.
    pub(super) async fn answers(&self) -> bool {
        answers(self.url.trim_start_matches("http://").trim_start_matches("https://")).await
    }
}

impl LocalCoordinator {
    /// This process, as a coordinator at `url` that `command` has started.
    pub(super) fn here(url: String, token: Option<String>, sweep: Option<SweepId>, command: String) -> Self {
        Self { url, token, process: std::process::id(), command, sweep, started: unix_ms() / 1_000 }
    }

    /// Says it to whoever looks into the folder `state`. Only who holds the folder's journal may.
    pub(super) fn announce(&self, state: &Path) -> io::Result<Announcement> {
        let file = file_in(state);
        let new = file.with_extension("json.new");
        let _ = std::fs::remove_file(&new);
        let mut opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        let text = serde_json::to_vec_pretty(self)?;
        opened.write_all(&text)?;
        std::fs::rename(&new, &file)?;
        Ok(Announcement { file, text })
    }

    /// That it has this folder, for people: its command with process and age.
    pub(super) fn in_use(&self, state: &Path) -> anyhow::Error {
        let age = (unix_ms() / 1_000).saturating_sub(self.started);
        let (age, Self { command, process, .. }) = (super::output::span(age as f64), self);
        anyhow::anyhow!("{} is in use by `{command}` (process {process}, for {age})", state.display())
    }
}

/// The command that started this process, as it was typed.
#[cfg(feature = "worker")]
pub(super) fn typed_command() -> String {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    ["basin".to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// Whether somebody listens at an address of this machine.
pub(super) async fn answers(address: &str) -> bool {
    matches!(tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await, Ok(Ok(_)))
}

fn file_in(state: &Path) -> PathBuf {
    state.join("coordinator.json")
}

#[cfg(all(test, feature = "worker"))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn who_works_on_a_folder_is_found_there_while_it_does_and_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(LocalCoordinator::read(folder.path()), None);
        let here = LocalCoordinator::here(
            "http://127.0.0.1:1".to_owned(),
            Some("secret".to_owned()),
            None,
            "basin run a.toml".to_owned(),
        );
        let announced = here.announce(folder.path()).unwrap();
        assert_eq!(LocalCoordinator::read(folder.path()), Some(here));
        let mode = std::fs::metadata(file_in(folder.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(announced);
        assert_eq!(LocalCoordinator::read(folder.path()), None);
    }

    #[test]
    fn a_file_of_something_else_is_nobody() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(file_in(folder.path()), "{\"url\": 7}").unwrap();
        assert_eq!(LocalCoordinator::read(folder.path()), None);
    }
}
