//! A real S3 server of a test's own, that can be killed: Ceph's radosgw, started by `.ci/radosgw`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::Sandbox;

/// A running server; stopped when it is dropped.
#[derive(Debug)]
pub struct Radosgw {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Radosgw {
    /// Starts one. None, and a line that says so, where `BASIN_TEST_RADOSGW` isn't set: it is not installed there.
    #[allow(clippy::print_stderr, reason = "a person who runs the tests should see that this one did not")]
    pub fn start() -> Option<Self> {
        if std::env::var_os("BASIN_TEST_RADOSGW").is_none() {
            eprintln!(
                "NOT RUN: BASIN_TEST_RADOSGW is not set; `.ci/radosgw install` and `.ci/radosgw up` say how"
            );
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let output = script(&["up", &folder.path().join("s3").to_string_lossy(), &free_ports().to_string()]);
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        let variables = output.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Self { folder, variables })
    }

    /// The place with what it takes to reach this server.
    #[must_use]
    pub fn serve(&self, sandbox: Sandbox) -> Sandbox {
        let aws = self.variables.iter().filter(|(name, _)| name.starts_with("AWS_"));
        aws.fold(sandbox, |sandbox, (name, value)| sandbox.with(name, value))
    }

    /// The URL of its bucket.
    #[track_caller]
    pub fn bucket(&self) -> &str {
        let found = self.variables.iter().find(|(name, _)| name == "BASIN_TEST_S3");
        &found.expect("the script names a bucket").1
    }

    /// The address at which it is served.
    #[track_caller]
    pub fn address(&self) -> std::net::SocketAddr {
        let found = self.variables.iter().find(|(name, _)| name == "AWS_ENDPOINT_URL");
        let url = &found.expect("the script names the address").1;
        url.trim_start_matches("http://")
            .trim_end_matches('/')
            .parse()
            .expect("it is an address of the loopback")
    }

    /// Kills the S3 server as a crash would; its objects stay.
    #[track_caller]
    pub fn kill(&self) {
        let id = std::fs::read_to_string(self.path().join("client.admin.pid")).expect("it runs");
        let killed = Command::new("kill").args(["-KILL", id.trim()]).status().expect("kill is there");
        assert!(killed.success(), "the server had ended by itself");
    }

    /// Starts the S3 server again.
    pub fn restart(&self) {
        script(&["gateway", &self.path().to_string_lossy()]);
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("s3")
    }
}

impl Drop for Radosgw {
    fn drop(&mut self) {
        script(&["down", &self.path().to_string_lossy()]);
    }
}

#[track_caller]
fn script(arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/radosgw");
    let output = Command::new(script).args(arguments).output().expect("the script is there");
    assert!(
        output.status.success(),
        "{arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// The first of three ports in a row that nobody uses.
fn free_ports() -> u16 {
    let is_free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    // Below the range from which the system hands out ports of its own.
    let first = 20_000 + u16::try_from(std::process::id() % 9_000).expect("it is below 9,000");
    (first..32_000).step_by(3).find(|port| (*port..port + 3).all(is_free)).expect("three ports are free")
}
