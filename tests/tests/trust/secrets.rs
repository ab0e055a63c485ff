//! Secrets are in no output, however much is logged, in no error, and in no list of processes.

use basin_tests::{Fits, eventually};

use super::SWEEP;
use super::site::{Site, with};

#[test]
fn no_log_at_any_level_has_a_token() {
    let mut site = Site::new();
    site.sandbox.write("trusted.toml", &SWEEP.text());
    let boss = site.token("admin", "boss");
    let farm = site.token("worker", "farm");
    let stranger = format!("{}{}", &boss[..boss.len() - 8], "00000000");
    site.sandbox.write("stranger.token", &stranger);
    site.sandbox.set("BASIN_LOG", "trace");
    for (number, secured) in [true, false].into_iter().enumerate() {
        let state = format!("state-{number}");
        let (coordinator, url) = if secured {
            site.serve("127.0.0.1:0", &["--state", &state])
        } else {
            site.sandbox.serve("127.0.0.1:0", &["--tokens", "tokens.toml", "--state", &state])
        };
        let name = format!("worker-{number}");
        let flags = with(&url, "farm.token");
        let worker = site
            .sandbox
            .start(&name, &[&["worker", "--threads", "1", "--idle-exit", "1"], &flags[..]].concat());
        let run = |arguments: &[&str], token: &str| {
            let output = site.sandbox.basin(&[arguments, &with(&url, token)[..]].concat());
            site.sandbox
                .write(&format!("output-{number}-{token}.log"), &format!("{}{}", output.out, output.err));
            output
        };
        run(&["launch", "trusted.toml"], "boss.token").succeeded();
        assert_eq!(run(&["list"], "stranger.token").code, Some(1));
        eventually("it is done", || run(&["list"], "boss.token").out.contains("done").then_some(()));
        assert_eq!(worker.wait(), Some(0));
        coordinator.kill();
    }
    let logs = std::fs::read_dir(site.sandbox.path()).unwrap().flatten();
    let logs: Vec<_> = logs.filter(|file| file.path().extension().is_some_and(|it| it == "log")).collect();
    assert!(logs.len() >= 7, "{logs:?}");
    let mut size = 0;
    for log in logs {
        let text = String::from_utf8_lossy(&std::fs::read(log.path()).unwrap()).into_owned();
        size += text.len();
        for token in [&boss, &farm, &stranger] {
            // The part after the public one; as text, and as a list of bytes.
            let secret = token.rsplit('_').next().unwrap();
            assert!(!text.contains(secret), "a token is in {}", log.path().display());
            let bytes: Vec<String> = secret.bytes().take(12).map(|byte| byte.to_string()).collect();
            assert!(!text.contains(&bytes.join(", ")), "a token's bytes are in {}", log.path().display());
        }
    }
    assert!(size > 100_000, "the logs were to be long: {size}");
    // The file of tokens has their hashes alone.
    let kept = site.sandbox.read("tokens.toml");
    assert!(!kept.contains(boss.rsplit('_').next().unwrap()));
    let listed = site.sandbox.basin(&["token", "list", "--tokens", "tokens.toml"]).succeeded().out;
    let hash =
        kept.lines().find_map(|line| line.strip_prefix("hash = ")).unwrap().trim_matches('"').to_owned();
    assert!(listed.contains("boss") && !listed.contains(&hash), "{listed}");
}

#[test]
fn a_local_run_answers_nobody_but_its_own_worker() {
    let site = Site::new();
    site.sandbox.write("trusted.toml", &Fits { epochs: 1_000_000, ..SWEEP }.text());
    let run = site.sandbox.start("run", &["-v", "run", "trusted.toml", "--workers", "1"]);
    let address = eventually("it has started", || {
        let log = site.sandbox.read("run.log");
        let line = log.lines().find(|line| line.contains("coordinator started"))?.to_owned();
        Some(line.split("address=").nth(1)?.split_whitespace().next()?.to_owned())
    });
    let output = site.sandbox.basin(&["list", "--coordinator", &format!("http://{address}")]);
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains("answers only those who show a token"), "{}", output.err);
    run.signal("TERM");
    assert_eq!(run.wait(), Some(1));
}

#[test]
fn no_log_at_any_level_has_the_databases_password() {
    const PASSWORD: &str = "hunter2-hush";
    let mut site = Site::new();
    site.sandbox.set("BASIN_LOG", "trace");
    site.sandbox.set("BASIN_JOURNAL", &format!("postgres://basin:{PASSWORD}@127.0.0.1:9/basin"));
    let output = site.sandbox.basin(&["serve", "--listen", "127.0.0.1:0"]);
    assert_ne!(output.code, Some(0));
    assert!(output.err.contains("127.0.0.1") && !output.err.contains(PASSWORD), "{}", output.err);
    let Ok(url) = std::env::var("BASIN_TEST_POSTGRES") else {
        eprintln!("NOT RUN: a journal in PostgreSQL, since BASIN_TEST_POSTGRES names no server");
        return;
    };
    let url = url.replace("://postgres@", &format!("://postgres:{PASSWORD}@"));
    assert!(url.contains(PASSWORD), "a server that takes any password from postgres");
    site.sandbox.set("BASIN_JOURNAL", &format!("{url}?schema=no_password_in_logs"));
    let (_coordinator, url) = site.sandbox.serve("127.0.0.1:0", &[]);
    site.sandbox.basin(&["list", "--coordinator", &url]).succeeded();
    let log = site.sandbox.read("serve.log");
    assert!(log.len() > 1_000 && !log.contains(PASSWORD), "{log}");
}
