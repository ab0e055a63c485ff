//! A schema of the PostgreSQL server for tests.

use std::net::SocketAddr;

/// A schema of its own, dropped with this.
pub(crate) struct Schema {
    server: String,
    name: String,
}

impl Schema {
    /// One on this server (`postgres://USER@HOST:PORT/DATABASE`), made by whoever uses it first.
    pub(crate) fn new(server: &str) -> Self {
        let unique = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        Self { server: server.to_owned(), name: format!("c{}_{unique}", std::process::id()) }
    }

    /// The host and port of the server.
    pub(crate) fn authority(&self) -> &str {
        let rest = self.server.split_once("://").map_or(self.server.as_str(), |(_, rest)| rest);
        let rest = rest.split_once('/').map_or(rest, |(authority, _)| authority);
        rest.rsplit_once('@').map_or(rest, |(_, authority)| authority)
    }

    /// The journal's address, by the way that begins at `link`.
    pub(crate) fn url(&self, link: Option<SocketAddr>) -> String {
        let server = match link {
            Some(link) => self.server.replacen(self.authority(), &link.to_string(), 1),
            None => self.server.clone(),
        };
        let mark = if server.contains('?') { '&' } else { '?' };
        format!("{server}{mark}schema={}", self.name)
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let connected = tokio_postgres::connect(&self.server, tokio_postgres::NoTls).await;
            let Ok((client, connection)) = connected else { return };
            tokio::spawn(connection);
            let _ = client.batch_execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name)).await;
        });
    }
}
