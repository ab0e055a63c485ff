//! A coordinator, as this machine with these credentials sees it: the way, the certificate, the token, the versions, the clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use basin_domain::error_chain;
use basin_domain::utc::Utc;
use basin_proto::codes::Coded;
use basin_proto::dial::{Address, Dial, Handshake};
use basin_proto::{PROTOCOL, v1};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::finding::Finding;
use crate::hints;
use basin_coordinator::client::{CallError, Client};

/// How long a coordinator may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A certificate that ends sooner should be renewed now.
const SOON: u64 = 7 * 86_400;
/// Clocks that differ by more are worth mending: certificates and tokens end by them.
const CLOCKS_APART: Duration = Duration::from_secs(120);
/// The most names of a certificate that are shown.
const NAMES: usize = 6;

/// Looks at each address of a coordinator.
pub(super) async fn look(dial: &Dial) -> Vec<Finding> {
    let mut findings = Vec::new();
    for address in &dial.addresses {
        match dial.look(address).await {
            Ok(handshake) => {
                findings.push(reached(address, &handshake));
                findings.push(certificate(address, &handshake));
                let alone = Dial { addresses: vec![address.clone()], ..dial.clone() };
                findings.extend(about(address, &alone).await);
            }
            Err(error) => {
                let mend = hints::dial(&error).unwrap_or_else(|| {
                    "start one there with `basin serve`, open its port, or correct the address".to_owned()
                });
                let why = error_chain::root_cause(&error);
                findings.push(Finding::bad("coordinator", format!("{address} is not reached: {why}"), mend));
            }
        }
    }
    findings
}

fn reached(address: &Address, handshake: &Handshake) -> Finding {
    let peer = handshake.peer.map_or_else(String::new, |peer| format!(", at {peer}"));
    let way = handshake.proxy.as_ref().map_or_else(|| peer, |proxy| format!(", through the proxy {proxy}"));
    Finding::good("coordinator", format!("{address} is reached{way}"))
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn certificate(address: &Address, handshake: &Handshake) -> Finding {
    const WHAT: &str = "certificate";
    let Some(der) = handshake.certificates.first() else {
        if address.is_loopback() {
            return Finding::good(WHAT, "none; calls stay on this machine");
        }
        return Finding::fair(
            WHAT,
            "none: calls and their token travel for everybody to read",
            "`basin serve --tls-cert FILE --tls-key FILE`, or a proxy before it that does TLS; then dial https://",
        );
    };
    let Ok(certificate) = Certificate::from_der(der) else {
        return Finding::good(WHAT, "trusted, and of a form that can't be shown");
    };
    let shown = &certificate.tbs_certificate;
    let until = Utc::from_unix(shown.validity.not_after.to_unix_duration().as_secs());
    let says = format!("for {}, by {}, until {until}", names(&certificate), shown.issuer);
    if until.unix().saturating_sub(now().as_secs()) < SOON {
        return Finding::bad(
            WHAT,
            says,
            "it ends within a week: put a new one in place of the old; the coordinator reads it by itself",
        );
    }
    Finding::good(WHAT, says)
}

fn names(certificate: &Certificate) -> String {
    let shown = &certificate.tbs_certificate;
    let alternatives =
        shown.get::<SubjectAltName>().ok().flatten().map(|(_, names)| names.0).unwrap_or_default();
    let names: Vec<String> = alternatives.iter().filter_map(name).take(NAMES).collect();
    if names.is_empty() { shown.subject.to_string() } else { names.join(", ") }
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let four = <[u8; 4]>::try_from(bytes).map(std::net::IpAddr::from);
            let sixteen = <[u8; 16]>::try_from(bytes).map(std::net::IpAddr::from);
            four.or(sixteen).ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
}

async fn about(address: &Address, dial: &Dial) -> Vec<Finding> {
    let sent = (Instant::now(), now());
    let about = async { Client::new(dial)?.about_without_failover().await };
    match tokio::time::timeout(TIMEOUT, about).await {
        Ok(Ok(about)) => {
            let took = sent.0.elapsed();
            vec![token(&about), protocol(address, &about), clock(&about, sent.1 + took / 2, took)]
        }
        // That is what it is there for.
        Ok(Err(error @ CallError::Standby { leader: Some(_), .. })) => {
            vec![Finding::good("coordinator", error.to_string())]
        }
        Ok(Err(error)) => {
            let mend = hints::call(&error).unwrap_or_else(|| "look into the coordinator's log".to_owned());
            vec![Finding::bad("token", error_chain::with_causes(&error), mend)]
        }
        Err(_) => vec![Finding::bad(
            "coordinator",
            format!("{address} did not answer within {} s", TIMEOUT.as_secs()),
            "look into the coordinator's log; something between may let no HTTP/2 through",
        )],
    }
}

fn token(about: &v1::AboutReply) -> Finding {
    let may = match v1::Role::read(about.role_code, &about.role) {
        Some(v1::Role::Viewer) => "may look",
        Some(v1::Role::Worker) => "may look, and train",
        Some(v1::Role::Admin) => "may look, train, launch and steer",
        Some(v1::Role::Unspecified) | None => "is of an unknown role",
    };
    let role = v1::Role::in_words(about.role_code, &about.role);
    match about.caller.as_str() {
        "" => Finding::good("token", "none is needed: whoever reaches the port may do everything"),
        name => Finding::good("token", format!("`{name}`, of the role {role}: {may}")),
    }
}

fn protocol(address: &Address, about: &v1::AboutReply) -> Finding {
    let oldest = if about.oldest_protocol == 0 { about.protocol } else { about.oldest_protocol };
    let says = format!(
        "basin {} at {address} over {}, protocol versions {oldest} to {}; this program speaks {PROTOCOL}",
        about.version, about.store_url, about.protocol
    );
    if (oldest..=about.protocol).contains(&PROTOCOL) {
        return Finding::good("version", says);
    }
    let mend = if PROTOCOL > about.protocol {
        "replace the coordinator first, then its workers"
    } else {
        "replace this program by one of the coordinator's version"
    };
    Finding::bad("version", says, mend)
}

/// The coordinator's clock beside this machine's at the middle of a call that `took` so long.
fn clock(about: &v1::AboutReply, ours: Duration, took: Duration) -> Finding {
    let theirs = Duration::from_millis(about.clock_unix_ms);
    let apart = theirs.abs_diff(ours);
    let direction = if theirs > ours { "ahead" } else { "behind" };
    let says = format!(
        "the coordinator's is {:.1} s {direction} (give or take {:.1} s)",
        apart.as_secs_f64(),
        took.as_secs_f64() / 2.0
    );
    if apart > CLOCKS_APART + took {
        return Finding::bad(
            "clock",
            format!("{says}; leases don't mind, but certificates and tokens end by these clocks"),
            "set both clocks by NTP: `timedatectl set-ntp true`",
        );
    }
    Finding::good("clock", says)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(protocol: u32, oldest_protocol: u32, clock_unix_ms: u64) -> v1::AboutReply {
        v1::AboutReply { protocol, oldest_protocol, clock_unix_ms, ..v1::AboutReply::default() }
    }

    #[test]
    fn versions_that_do_not_meet_say_which_side_to_replace() {
        let address = "http://a:1".parse().unwrap();
        assert!(protocol(&address, &about(PROTOCOL, 1, 0)).good);
        assert!(protocol(&address, &about(PROTOCOL + 1, PROTOCOL, 0)).good);
        let older = protocol(&address, &about(PROTOCOL - 1, 0, 0));
        assert!(!older.good && older.mend.unwrap().contains("coordinator first"));
        let newer = protocol(&address, &about(PROTOCOL + 2, PROTOCOL + 1, 0));
        assert!(!newer.good && newer.mend.unwrap().contains("this program"));
    }

    #[test]
    fn clocks_far_apart_are_told_with_the_direction() {
        let ours = Duration::from_secs(1_000_000);
        let took = Duration::from_millis(20);
        let near = clock(&about(2, 1, 1_000_001_500), ours, took);
        assert!(near.good && near.says.contains("1.5 s ahead"), "{}", near.says);
        let far = clock(&about(2, 1, 999_000_000), ours, took);
        assert!(!far.good && far.says.contains("1000.0 s behind"), "{}", far.says);
    }

    #[test]
    fn a_certificate_is_shown_by_its_names_and_its_end() {
        let names = vec!["basin.example".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let mut parameters = rcgen::CertificateParams::new(names).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2100, 1, 2);
        let key = rcgen::KeyPair::generate().unwrap();
        let der = parameters.self_signed(&key).unwrap().der().clone();
        let handshake = Handshake { peer: None, proxy: None, certificates: vec![der] };
        let found = certificate(&"https://basin.example".parse().unwrap(), &handshake);
        assert!(found.good, "{}", found.says);
        assert!(found.says.contains("for basin.example, 127.0.0.1, ::1,"), "{}", found.says);
        assert!(found.says.contains("until 2100-01-02T00:00:00Z"), "{}", found.says);
    }
}
