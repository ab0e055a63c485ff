//! PostgreSQL for the tests: a schema of the server that `BASIN_TEST_POSTGRES` names, or a server of one's own to kill.

use std::process::Command;

use tokio::runtime::Runtime;

/// A schema of its own, dropped with this.
pub(crate) struct Database {
    runtime: Runtime,
    server: String,
    schema: String,
}

/// The server for tests, unless there is none.
fn server(test: &str) -> Option<String> {
    let server = std::env::var("BASIN_TEST_POSTGRES").ok();
    if server.is_none() {
        eprintln!("NOT RUN: {test}, since BASIN_TEST_POSTGRES names no PostgreSQL");
    }
    server
}

impl Database {
    pub(crate) fn new(test: &str) -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let unique = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let schema = format!("e{}_{unique}", std::process::id());
        Some(Self { runtime: runtime.unwrap(), server: server(test)?, schema })
    }

    /// The journal's address.
    pub(crate) fn url(&self) -> String {
        let mark = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{mark}schema={}", self.server, self.schema)
    }

    /// How many batches under this epoch or a later one grant leases.
    pub(crate) fn grants_since(&self, epoch: i64) -> usize {
        let batches = format!(
            "SELECT epoch FROM {}.batches WHERE epoch >= {epoch} AND position('granted'::bytea in events) > 0",
            self.schema
        );
        self.numbers(&batches).len()
    }

    /// Under which epoch each batch was written, in their order.
    pub(crate) fn epochs_by_batch(&self) -> Vec<i64> {
        self.numbers(&format!("SELECT epoch FROM {}.batches ORDER BY sequence", self.schema))
    }

    /// The number of elections.
    pub(crate) fn epoch(&self) -> i64 {
        self.numbers(&format!("SELECT epoch FROM {}.leader", self.schema))[0]
    }

    fn numbers(&self, query: &str) -> Vec<i64> {
        self.runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(&self.server, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            client.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.runtime.block_on(async {
            let connected = tokio_postgres::connect(&self.server, tokio_postgres::NoTls).await;
            let Ok((client, connection)) = connected else { return };
            tokio::spawn(connection);
            let _ = client.batch_execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema)).await;
        });
    }
}

/// A server of its own, stopped with this.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    url: String,
}

impl Server {
    pub(crate) fn start(test: &str) -> Option<Self> {
        server(test)?;
        let folder = tempfile::tempdir().unwrap();
        let output = Self::run(&folder, "start");
        let url = output.trim().strip_prefix("export BASIN_TEST_POSTGRES=").expect("it says its address");
        Some(Self { url: url.to_owned(), folder })
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// As a power cut would.
    pub(crate) fn kill(&self) {
        Self::run(&self.folder, "kill");
    }

    pub(crate) fn start_again(&self) {
        Self::run(&self.folder, "again");
    }

    /// Gives the server a certificate for `localhost`. The authority that signed it, and one that didn't.
    pub(crate) fn turn_tls_on(&self) -> (String, String) {
        let authority = || {
            let key = rcgen::KeyPair::generate().unwrap();
            let mut parameters = rcgen::CertificateParams::new(vec![]).unwrap();
            parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            let certificate = parameters.self_signed(&key).unwrap();
            (certificate.pem(), rcgen::Issuer::new(parameters, key))
        };
        let (pem, issuer) = authority();
        let key = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &issuer).unwrap();
        self.write("server.crt", &certificate.pem());
        self.write("server.key", &key.serialize_pem());
        self.execute("ALTER SYSTEM SET ssl = on");
        self.execute("SELECT pg_reload_conf()");
        (pem, authority().0)
    }

    /// A role that must prove itself by a password.
    pub(crate) fn make_role(&self, name: &str, password: &str) {
        self.execute(&format!("CREATE ROLE {name} LOGIN PASSWORD '{password}'"));
        self.execute(&format!("GRANT CREATE ON DATABASE postgres TO {name}"));
        let rules = std::fs::read_to_string(self.data().join("pg_hba.conf")).unwrap();
        self.write("pg_hba.conf", &format!("host all {name} all scram-sha-256\n{rules}"));
        self.execute("SELECT pg_reload_conf()");
    }

    /// How many of a role's sessions are encrypted.
    pub(crate) fn encrypted_sessions(&self, role: &str) -> i64 {
        let count = format!(
            "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND usename = '{role}'"
        );
        self.block_on(async |client| client.query_one(&count, &[]).await.unwrap().get(0))
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("postgres/data")
    }

    /// Writes a file of the server's, as its own.
    fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
        let (folder, path) = (std::fs::metadata(self.data()).unwrap(), self.data().join(name));
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        chown(&path, Some(folder.uid()), Some(folder.gid())).unwrap();
    }

    fn execute(&self, statement: &str) {
        self.block_on(async |client| client.batch_execute(statement).await.unwrap());
    }

    fn block_on<T>(&self, work: impl AsyncFnOnce(&tokio_postgres::Client) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            work(&client).await
        })
    }

    fn run(folder: &tempfile::TempDir, action: &str) -> String {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../.ci/postgres");
        let output = Command::new(script).arg(action).arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        Self::run(&self.folder, "stop");
    }
}
