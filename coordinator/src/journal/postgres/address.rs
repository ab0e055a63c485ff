//! Where the database is and how it is reached: a URL as libpq reads it, with the password kept out of sight.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::password::{self, Environment};
use super::tls::{Connector, TlsError, Verification};

/// The schema of a journal whose URL names none.
const SCHEMA: &str = "basin";
/// The longest name of PostgreSQL's.
const LONGEST_NAME: usize = 63;
/// How long connecting to one address may take, unless the URL says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection without a word from the other machine is tested after this long, …
const KEEPALIVE_AFTER: Duration = Duration::from_secs(5);
/// … then this often, …
const KEEPALIVE_EVERY: Duration = Duration::from_secs(2);
/// … and given up after so many tests.
const KEEPALIVES: u32 = 3;

/// A database, and the schema in it that holds one journal. Neither `Debug` nor `Display` shows a password.
#[derive(Debug, Clone)]
pub struct Address {
    pub(super) config: Config,
    pub(super) schema: String,
    verification: Verification,
    root_certificates: Option<PathBuf>,
}

/// Why a text is no address of a journal. Never quotes the text: it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It names another kind of place.
    #[error("it does not begin with postgres://")]
    Scheme,
    /// It names no server.
    #[error("it names no host")]
    NoHost,
    /// The part before the last `@` isn't a user and a password.
    #[error("its host holds an `@`")]
    AtInHost,
    /// The schema's name would have to be quoted.
    #[error(
        "`{0}` is no name for a schema: letters of English in lower case, digits and underscores, no digit first, at \
         most {LONGEST_NAME}"
    )]
    Schema(String),
    /// That mode is unknown.
    #[error("`{0}` is no sslmode: disable, prefer, require, verify-ca and verify-full are")]
    SslMode(String),
    /// The driver can't read it.
    #[error("it can't be read as an address of PostgreSQL")]
    Unreadable(#[source] tokio_postgres::Error),
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?…`, with what libpq takes from the environment too. Beside the
    /// driver's own parameters there are `schema`, `sslmode` with all of libpq's modes, and `sslrootcert`.
    ///
    /// # Errors
    /// If it is no such address.
    pub fn parse(url: &str, environment: &Environment) -> Result<Self, AddressError> {
        let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        let rest = rest.ok_or(AddressError::Scheme)?;
        // A password may hold a question mark; what follows the credentials can't.
        let (credentials, place) = match rest.split_once('@') {
            Some((credentials, place)) => (format!("{credentials}@"), place),
            None => (String::new(), rest),
        };
        let (place, query) = place.split_once('?').unwrap_or((place, ""));
        if place.contains('@') {
            return Err(AddressError::AtInHost);
        }
        let mut own = Parameters::default();
        let others: Vec<&str> = query.split('&').filter(|part| !part.is_empty() && !own.take(part)).collect();
        let text = format!("postgres://{credentials}{place}?{}", others.join("&"));
        let mut config: Config = text.parse().map_err(AddressError::Unreadable)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(AddressError::NoHost);
        }
        let root_certificates =
            own.sslrootcert.or_else(|| environment.sslrootcert.clone()).map(PathBuf::from);
        let mode = own.sslmode.or_else(|| environment.sslmode.clone()).unwrap_or_else(|| "prefer".to_owned());
        let (mode, verification) = match (mode.as_str(), root_certificates.is_some()) {
            ("disable", _) => (SslMode::Disable, Verification::Nothing),
            ("prefer", false) => (SslMode::Prefer, Verification::Nothing),
            ("require", false) => (SslMode::Require, Verification::Nothing),
            // As libpq: who names certificates wants them to count.
            ("prefer", true) => (SslMode::Prefer, Verification::Chain),
            ("require", true) | ("verify-ca", _) => (SslMode::Require, Verification::Chain),
            ("verify-full", _) => (SslMode::Require, Verification::ChainAndName),
            _ => return Err(AddressError::SslMode(mode)),
        };
        config.ssl_mode(mode);
        fill_in(&mut config, &others);
        if config.get_password().is_none()
            && let Some(password) = password::of(&config, environment)
        {
            config.password(password);
        }
        let schema = own.schema.unwrap_or_else(|| SCHEMA.to_owned());
        if !is_plain_name(&schema) {
            return Err(AddressError::Schema(schema));
        }
        Ok(Self { config, schema, verification, root_certificates })
    }

    /// The protection of connections.
    pub(super) fn connector(&self) -> Result<Connector, TlsError> {
        Connector::new(self.verification, self.root_certificates.as_deref())
    }

    /// Whether passwords and journal may go to whoever answers at the name: a remote server that isn't verified.
    pub fn trusts_whoever_answers(&self) -> bool {
        let is_remote = self.config.get_hosts().iter().any(|host| match host {
            Host::Tcp(name) => {
                name != "localhost"
                    && name.parse::<std::net::IpAddr>().map_or(true, |address| !address.is_loopback())
            }
            Host::Unix(_) => false,
        });
        is_remote && self.verification == Verification::Nothing
    }
}

/// Ours among a URL's parameters.
#[derive(Default)]
struct Parameters {
    schema: Option<String>,
    sslmode: Option<String>,
    sslrootcert: Option<String>,
}

impl Parameters {
    /// Takes a parameter, if it is one of ours.
    fn take(&mut self, part: &str) -> bool {
        let Some((key, value)) = part.split_once('=') else { return false };
        let place = match key {
            "schema" => &mut self.schema,
            "sslmode" => &mut self.sslmode,
            "sslrootcert" => &mut self.sslrootcert,
            _ => return false,
        };
        *place = Some(percent_decode_str(value).decode_utf8_lossy().into_owned());
        true
    }
}

/// Defaults beside the URL: a machine that vanishes is noticed within seconds, not hours.
fn fill_in(config: &mut Config, given: &[&str]) {
    let is_given = |key: &str| given.iter().any(|part| part.split('=').next() == Some(key));
    if !is_given("connect_timeout") {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if !is_given("keepalives_idle") {
        config.keepalives_idle(KEEPALIVE_AFTER);
    }
    if !is_given("keepalives_interval") {
        config.keepalives_interval(KEEPALIVE_EVERY);
    }
    if !is_given("keepalives_retries") {
        config.keepalives_retries(KEEPALIVES);
    }
    if !is_given("tcp_user_timeout") {
        config.tcp_user_timeout(KEEPALIVE_AFTER + KEEPALIVES * KEEPALIVE_EVERY);
    }
    if config.get_application_name().is_none() {
        config.application_name("basin");
    }
}

fn is_plain_name(name: &str) -> bool {
    let fits = |(place, byte): (usize, u8)| {
        byte.is_ascii_lowercase() || byte == b'_' || (place > 0 && byte.is_ascii_digit())
    };
    !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().enumerate().all(fits)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://")?;
        if let Some(user) = self.config.get_user() {
            write!(f, "{user}@")?;
        }
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) if name.contains(':') => format!("[{name}]"),
            Host::Tcp(name) => name.clone(),
            Host::Unix(folder) => folder.display().to_string(),
        });
        let addresses = self.config.get_hostaddrs().iter().map(ToString::to_string);
        let named: Vec<String> = hosts.collect();
        let named = if named.is_empty() { addresses.collect() } else { named };
        for (place, host) in named.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            match ports.get(place).or_else(|| ports.first()) {
                Some(port) => write!(f, "{comma}{host}:{port}")?,
                None => write!(f, "{comma}{host}")?,
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())?;
        if self.schema == SCHEMA { Ok(()) } else { write!(f, "?schema={}", self.schema) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, AddressError> {
        Address::parse(url, &Environment::default())
    }

    #[test]
    fn an_address_shows_all_but_its_password() {
        let address =
            parse("postgres://ann:s3cr3t%40@db.lab:6000/sweeps?schema=lab_2&sslmode=disable").unwrap();
        assert_eq!(address.config.get_password(), Some(&b"s3cr3t@"[..]));
        assert_eq!(address.to_string(), "postgres://ann@db.lab:6000/sweeps?schema=lab_2");
        assert!(!format!("{address:?}").contains("s3cr3t"), "{address:?}");
        let several = parse("postgresql://ann:a?b@one,two:7/sweeps?target_session_attrs=read-write").unwrap();
        assert_eq!(several.to_string(), "postgres://ann@one:5432,two:7/sweeps");
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_without_being_quoted() {
        for (url, why) in [
            ("mysql://u:s3cr3t@h/d", "postgres://"),
            ("postgres://u:s3cr3t@/d", "no host"),
            ("postgres://u:s3cr3t@tail@h/d", "`@`"),
            ("postgres://u:s3cr3t@h/d?schema=Public;", "no name for a schema"),
            ("postgres://u:s3cr3t@h/d?sslmode=perhaps", "no sslmode"),
            ("postgres://u:s3cr3t@h/d?sslcrl=x", "can't be read"),
            ("postgres://u:s3cr3t@h:port/d", "can't be read"),
        ] {
            let error = parse(url).unwrap_err();
            let text = basin_domain::error_chain::with_causes(&error);
            assert!(
                text.contains(why) && !text.contains("s3cr3t") && !text.contains("tail"),
                "{url}: {text}"
            );
            assert!(!format!("{error:?}").contains("s3cr3t"));
        }
    }

    #[test]
    fn modes_mean_what_they_mean_to_libpq() {
        let mode = |url: &str| parse(url).map(|it| (it.config.get_ssl_mode(), it.verification)).unwrap();
        assert_eq!(mode("postgres://h/d"), (SslMode::Prefer, Verification::Nothing));
        assert_eq!(mode("postgres://h/d?sslmode=require"), (SslMode::Require, Verification::Nothing));
        let with_roots = "postgres://h/d?sslmode=require&sslrootcert=%2Fca.pem";
        assert_eq!(mode(with_roots), (SslMode::Require, Verification::Chain));
        assert_eq!(parse(with_roots).unwrap().root_certificates, Some("/ca.pem".into()));
        assert_eq!(
            mode("postgres://h/d?sslmode=verify-full"),
            (SslMode::Require, Verification::ChainAndName)
        );
        let environment = Environment { sslmode: Some("verify-ca".to_owned()), ..Environment::default() };
        let address = Address::parse("postgres://h/d", &environment).unwrap();
        assert_eq!(
            (address.config.get_ssl_mode(), address.verification),
            (SslMode::Require, Verification::Chain)
        );
    }

    #[test]
    fn only_a_remote_server_that_is_not_verified_is_worth_a_warning() {
        for (url, warns) in [
            ("postgres://db.lab/d", true),
            ("postgres://db.lab/d?sslmode=verify-full", false),
            ("postgres://127.0.0.1/d", false),
            ("postgres://localhost/d", false),
            ("postgres://%2Frun%2Fpostgresql/d", false),
        ] {
            assert_eq!(parse(url).unwrap().trusts_whoever_answers(), warns, "{url}");
        }
    }
}
