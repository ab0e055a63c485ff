//! The commands of `docs/security.md`, as they stand there.

use std::os::unix::fs::symlink;

use basin_tests::eventually;

use super::SWEEP;
use super::site::Site;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/security.md");

/// The commands of a page's `sh` blocks, in their order.
fn commands(page: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            command if inside => commands.push(command.to_owned()),
            _ => {}
        }
    }
    commands
}

fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

#[test]
fn the_commands_of_the_page_on_security_do_what_they_say() {
    let site = Site::new();
    let sandbox = &site.sandbox;
    sandbox.write("sweep.toml", &SWEEP.text());
    let here = sandbox.path().to_string_lossy().into_owned();
    std::fs::create_dir(sandbox.path().join("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_basin-under-test"), sandbox.path().join("bin/basin")).unwrap();
    let path = format!("{here}/bin:{}", std::env::var("PATH").unwrap());
    let page = std::fs::read_to_string(PAGE).unwrap();
    // This machine takes the part of the one on the page.
    let (first, second) = (free_port(), free_port());
    let mut running = Vec::new();
    let mut done = 0;
    for command in commands(&page) {
        let command = command
            .replace("basin.example", "localhost")
            .replace(":7470", &format!(":{first}"))
            .replace(":7471", &format!(":{second}"))
            .replace("/shared/basin", &format!("{here}/store"));
        let run = || {
            let mut shell = std::process::Command::new("bash");
            shell.args(["-euc", &command]).env("PATH", &path).current_dir(sandbox.path());
            let output = shell.output().unwrap();
            (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        if let Some(stays) =
            command.strip_prefix("basin ").filter(|it| it.starts_with("serve") || it.starts_with("worker"))
        {
            let arguments: Vec<&str> = stays.split_whitespace().collect();
            running.push(sandbox.start(&format!("running-{}", running.len()), &arguments));
        } else if command.starts_with("basin doctor") {
            // The coordinator has just been started.
            eventually(&command, || run().0.then_some(()));
        } else {
            let (succeeded, output) = run();
            assert!(succeeded, "{command}\n{output}");
        }
        done += 1;
    }
    assert!((12..40).contains(&done) && running.len() == 3, "{done} commands, {} that stay", running.len());
    let url = format!("https://localhost:{first}");
    let flags = ["--coordinator", &url, "--tls-ca", "ca.pem", "--token-file", "admin.token"];
    sandbox.basin(&[&["watch", "trusted"], &flags[..]].concat()).succeeded();
}
