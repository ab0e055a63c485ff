//! Tokens and certificates that change while a coordinator and its workers run.

use basin_tests::eventually;

use super::SWEEP;
use super::site::{Site, with};

#[test]
fn a_worker_whose_token_is_revoked_leaves_and_says_why() {
    let mut site = Site::new();
    site.token("admin", "boss");
    let farm = site.token("worker", "farm");
    let (_coordinator, url) = site.serve("127.0.0.1:0", &["--lease", "2"]);
    let workers = with(&url, "boss.token");
    let workers = |site: &Site| site.sandbox.basin(&[&["--json", "workers"], &workers[..]].concat()).json();
    // In a variable, where it can't change.
    site.sandbox.set("BASIN_TOKEN", &farm);
    let worker = site.sandbox.start("farm", &["worker", "--coordinator", &url, "--tls-ca", "ca.pem"]);
    eventually("the worker is there", || (workers(&site).as_array().map(Vec::len) == Some(1)).then_some(()));
    site.revoke("farm");
    assert_eq!(worker.wait(), Some(1), "{}", site.sandbox.read("farm.log"));
    let log = site.sandbox.read("farm.log");
    assert!(log.contains("refused this worker: the token `farm` ("), "{log}");
    assert!(log.contains(") was revoked on 20"), "{log}");
    assert!(log.contains("hint: ask for another one"), "{log}");
}

#[test]
fn a_worker_goes_on_with_the_token_that_takes_the_place_of_a_revoked_one() {
    let site = Site::new();
    let sandbox = &site.sandbox;
    sandbox.write("trusted.toml", &SWEEP.text());
    site.token("admin", "boss");
    site.token("worker", "farm");
    let (_coordinator, url) = site.serve("127.0.0.1:0", &["--lease", "2"]);
    let boss = with(&url, "boss.token");
    let run = |arguments: &[&str]| sandbox.basin(&[arguments, &boss].concat());
    let _worker =
        sandbox.start("farm", &[&["-v", "worker", "--threads", "1"], &with(&url, "farm.token")[..]].concat());
    eventually("the worker is there", || {
        (run(&["--json", "workers"]).json().as_array().map(Vec::len) == Some(1)).then_some(())
    });
    site.revoke("farm");
    eventually("its calls are refused", || sandbox.read("farm.log").contains("was revoked").then_some(()));
    let launched = run(&["--json", "launch", "trusted.toml"]).succeeded().json();
    // The new token has another name, and goes into the file that the worker was given.
    let next = site.token("worker", "next");
    sandbox.write("farm.token", &next);
    run(&["watch", launched["sweep"].as_str().unwrap()]).succeeded();
}

#[test]
fn a_broken_file_of_tokens_leaves_the_tokens_that_there_were() {
    let site = Site::new();
    site.token("viewer", "guest");
    let (_coordinator, url) = site.serve("127.0.0.1:0", &[]);
    let list = |token: &str| site.sandbox.basin(&[&["list"], &with(&url, token)[..]].concat());
    list("guest.token").succeeded();
    let good = site.sandbox.read("tokens.toml");
    site.sandbox.write("tokens.toml", "[[token]\n");
    eventually("the coordinator warns", || {
        site.sandbox.read("serve.log").contains("make no sense").then_some(())
    });
    list("guest.token").succeeded();
    site.sandbox.write("tokens.toml", &good);
    site.token("viewer", "late");
    eventually("a new token is known", || (list("late.token").code == Some(0)).then_some(()));
}

#[test]
fn a_renewed_certificate_is_shown_to_who_connects_from_then_on() {
    let site = Site::new();
    site.token("viewer", "guest");
    let (_coordinator, url) = site.serve("127.0.0.1:0", &[]);
    let until = || {
        let output =
            site.sandbox.basin(&[&["--json", "doctor"], &with(&url, "guest.token")[..]].concat()).json();
        let found = output.as_array().unwrap().iter().find(|it| it["what"] == "certificate").cloned();
        found.unwrap()["says"].as_str().unwrap().to_owned()
    };
    assert!(until().contains("until 2100-"), "{}", until());
    site.certify("server", &["127.0.0.1"], (2020, 2099));
    eventually("the new one is shown", || until().contains("until 2099-").then_some(()));
}
