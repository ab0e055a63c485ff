//! A sweep over TLS with tokens, and the words for each way in which the two ends don't trust each other.

use basin_tests::{RunningProcess, assert_same_tables};

use super::SWEEP;
use super::site::{Site, with};

const MUTUAL: [&str; 4] = ["--tls-cert", "client.pem", "--tls-key", "client.key"];

fn worker(site: &Site, name: &str, flags: &[&str]) -> RunningProcess {
    site.sandbox.start(name, &[&["worker", "--threads", "1", "--cache", "cache"], flags].concat())
}

#[test]
fn a_sweep_over_mutual_tls_with_tokens_and_ipv6_gives_the_bytes_of_one_machine() {
    let site = Site::new();
    let sandbox = &site.sandbox;
    sandbox.write("trusted.toml", &SWEEP.text());
    for (role, name) in [("admin", "boss"), ("worker", "farm"), ("viewer", "guest")] {
        site.token(role, name);
    }
    let (coordinator, url) = site.serve("[::1]:0", &["--tls-client-ca", "ca.pem"]);
    assert!(url.starts_with("https://[::1]:"), "{url}");
    let flags = |token| [with(&url, token), MUTUAL.to_vec()].concat();
    let farm = worker(&site, "farm", &flags("farm.token"));
    let run = |arguments: &[&str], token| sandbox.basin(&[arguments, &flags(token)].concat());
    let launched = run(&["--json", "launch", "trusted.toml"], "boss.token").succeeded().json();
    let sweep = launched["sweep"].as_str().unwrap().to_owned();
    run(&["watch", &sweep], "guest.token").succeeded();
    let workers = run(&["--json", "workers"], "guest.token").succeeded().json();
    let id = workers[0]["worker"].as_str().unwrap();
    // A viewer's refusal names the role that the call takes.
    let refused = run(&["drain", id], "guest.token");
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.contains("the token `guest` is a viewer's, and DrainWorker takes an admin's"),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("hint: show a token that was made with"), "{}", refused.err);
    assert_eq!(run(&["cancel", &sweep], "farm.token").code, Some(1));
    let doctor = run(&["--json", "doctor"], "farm.token").succeeded().json();
    let says = |what: &str| {
        let found = doctor.as_array().unwrap().iter().find(|it| it["what"] == what);
        found.unwrap_or_else(|| panic!("{doctor}"))["says"].as_str().unwrap().to_owned()
    };
    assert!(says("token").contains("`farm`, of the role worker"), "{}", says("token"));
    assert!(
        says("certificate").contains("for localhost, 127.0.0.1, ::1, basin.test, by CN=ca, until 2100-01-01"),
        "{}",
        says("certificate")
    );
    assert!(says("clock").contains("give or take"), "{}", says("clock"));
    run(&["drain", id], "boss.token").succeeded();
    assert_eq!(farm.wait(), Some(0), "{}", sandbox.read("farm.log"));
    coordinator.kill();
    sandbox.basin(&["collect", &sweep, "--out", "collected"]).succeeded();
    assert_same_tables(&sandbox.undisturbed_tables("trusted.toml"), &sandbox.collected_tables("collected"));
}

#[test]
fn each_way_of_not_trusting_each_other_is_said_with_a_way_out() {
    let site = Site::new();
    let sandbox = &site.sandbox;
    site.token("viewer", "guest");
    site.strange_authority("strange");
    site.certify("old", &["localhost", "127.0.0.1"], (2020, 2021));
    site.certify("other", &["elsewhere.example"], (2020, 2100));
    let tokens = ["--tokens", "tokens.toml"];
    let (_secured, secured) = site.serve("127.0.0.1:0", &[]);
    let (_mutual, mutual) = site.serve("127.0.0.1:0", &["--tls-client-ca", "ca.pem", "--state", "mutual"]);
    let (_plain, plain) = sandbox.serve("127.0.0.1:0", &[&tokens[..], &["--state", "plain"]].concat());
    let with_certificate = |name: &str| {
        let (pem, key, state) = (format!("{name}.pem"), format!("{name}.key"), format!("{name}-state"));
        let flags = ["--tls-cert", &pem, "--tls-key", &key, "--state", &state];
        sandbox.serve("127.0.0.1:0", &[&tokens[..], &flags].concat())
    };
    let (_old, old) = with_certificate("old");
    let (_other, other) = with_certificate("other");
    let list = |url: &str, flags: &[&str]| {
        let output =
            sandbox.basin(&[&["list", "--coordinator", url, "--token-file", "guest.token"], flags].concat());
        assert!(output.out.is_empty() || output.code == Some(0), "{}", output.out);
        (output.code, output.err)
    };
    let trusting = ["--tls-ca", "ca.pem"];
    assert_eq!(list(&secured, &trusting).0, Some(0));
    assert_eq!(list(&mutual, &[&trusting[..], &MUTUAL].concat()).0, Some(0));
    let http = secured.replace("https://", "http://");
    let https = plain.replace("http://", "https://");
    let strangers: &[&str] = &["--tls-ca", "strange.pem"];
    for (url, flags, says, hint) in [
        (&secured, strangers, "signed by nobody who is trusted here", "--tls-ca FILE"),
        (&old, &trusting[..], "expired on 2021-01-01T00:00:00Z", "renew the certificate"),
        (&other, &trusting[..], "is for elsewhere.example, not for 127.0.0.1", "subjectAltName"),
        (&mutual, &trusting[..], "wants a client certificate", "--tls-cert FILE --tls-key FILE"),
        (&http, &[][..], "speaks TLS, and was called without", "begins with https://"),
        (&https, &trusting[..], "does not speak TLS", "begins with http://"),
        (&secured, &["--tls-ca", "absent.pem"][..], "cannot read absent.pem", ""),
        (&secured, &["--tls-ca", "client.key"][..], "holds no certificate", "-----BEGIN CERTIFICATE-----"),
        (
            &secured,
            &["--tls-ca", "ca.pem", "--tls-cert", "client.pem"][..],
            "given together",
            "--tls-key FILE",
        ),
        (
            &mutual,
            &["--tls-ca", "ca.pem", "--tls-cert", "client.pem", "--tls-key", "server.key"][..],
            "do not belong together",
            "one request",
        ),
    ] {
        let (code, err) = list(url, flags);
        assert_eq!(code, Some(1), "{says}: {err}");
        assert!(err.contains(says), "{says}: {err}");
        assert!(
            hint.is_empty() || err.lines().any(|line| line.starts_with("hint: ") && line.contains(hint)),
            "{err}"
        );
    }
    // A worker says the same, and ends at once.
    let output = sandbox
        .basin(&[&["worker", "--coordinator", &secured, "--token-file", "guest.token"], strangers].concat());
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains("signed by nobody who is trusted here"), "{}", output.err);
    // And so does the doctor.
    let output = sandbox.basin(&[&["doctor", "--coordinator", &secured], strangers].concat());
    assert!(output.out.contains("BAD   coordinator"), "{}", output.out);
    assert!(output.out.contains("mend: name the authority"), "{}", output.out);
}

#[test]
fn a_coordinator_with_a_wrong_certificate_does_not_start_and_says_why() {
    let site = Site::new();
    site.token("admin", "boss");
    let serve = |flags: &[&str]| {
        let output = site
            .sandbox
            .basin(&[&["serve", "--listen", "127.0.0.1:0", "--tokens", "tokens.toml"], flags].concat());
        assert_eq!(output.code, Some(1), "{}", output.err);
        output.err
    };
    let mixed = serve(&["--tls-cert", "server.pem", "--tls-key", "client.key"]);
    assert!(mixed.contains("do not belong together"), "{mixed}");
    let swapped = serve(&["--tls-cert", "server.key", "--tls-key", "server.pem"]);
    assert!(swapped.contains("server.key holds no certificate in PEM"), "{swapped}");
    let half = serve(&["--tls-cert", "server.pem"]);
    assert!(half.contains("TLS takes a certificate and its key"), "{half}");
    let absent = serve(&["--tls-cert", "absent.pem", "--tls-key", "server.key"]);
    assert!(absent.contains("cannot read absent.pem"), "{absent}");
    let nobody =
        serve(&["--tls-cert", "server.pem", "--tls-key", "server.key", "--tls-client-ca", "server.key"]);
    assert!(nobody.contains("server.key holds no certificate in PEM"), "{nobody}");
}
