//! A site with certificates and tokens of its own: what somebody who runs Basin on a cluster sets up.

use std::path::Path;

use basin_tests::{RunningProcess, Sandbox};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// A place with an authority, certificates that it signed, and a file of tokens.
pub(crate) struct Site {
    pub(crate) sandbox: Sandbox,
    authority: Issuer<'static, KeyPair>,
}

/// An authority, whose certificate is in `<name>.pem`.
fn authority(folder: &Path, name: &str) -> Issuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    std::fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
    Issuer::new(parameters, key)
}

impl Site {
    /// A new site. The coordinator's certificate is for this machine by all of its names, and for `basin.test`.
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
        let authority = authority(sandbox.path(), "ca");
        let site = Self { sandbox, authority };
        site.certify("server", &["localhost", "127.0.0.1", "::1", "basin.test"], (2020, 2100));
        site.certify("client", &["somebody"], (2020, 2100));
        site
    }

    /// A certificate and its key, in `<name>.pem` and `<name>.key`, valid from one year to another.
    pub(crate) fn certify(&self, name: &str, names: &[&str], (from, until): (i32, i32)) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut parameters = CertificateParams::new(names).unwrap();
        parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.authority).unwrap();
        self.sandbox.write(&format!("{name}.key"), &key.serialize_pem());
        self.sandbox.write(&format!("{name}.pem"), &certificate.pem());
    }

    /// An authority that nobody trusts, in `<name>.pem`.
    pub(crate) fn strange_authority(&self, name: &str) {
        authority(self.sandbox.path(), name);
    }

    /// A token of a role, kept in `<name>.token` too.
    pub(crate) fn token(&self, role: &str, name: &str) -> String {
        let create = ["token", "create", "--role", role, "--name", name, "--tokens", "tokens.toml"];
        let token = self.sandbox.basin(&create).succeeded().out.trim().to_owned();
        self.sandbox.write(&format!("{name}.token"), &token);
        token
    }

    /// Takes a token back.
    pub(crate) fn revoke(&self, name: &str) {
        self.sandbox.basin(&["token", "revoke", name, "--tokens", "tokens.toml"]).succeeded();
    }

    /// A coordinator with TLS and tokens.
    pub(crate) fn serve(&self, address: &str, more: &[&str]) -> (RunningProcess, String) {
        let secured = ["--tls-cert", "server.pem", "--tls-key", "server.key", "--tokens", "tokens.toml"];
        self.sandbox.serve(address, &[&secured, more].concat())
    }
}

/// Flags that trust the site's authority and show a token.
pub(crate) fn with<'a>(url: &'a str, token_file: &'a str) -> Vec<&'a str> {
    vec!["--coordinator", url, "--tls-ca", "ca.pem", "--token-file", token_file]
}
