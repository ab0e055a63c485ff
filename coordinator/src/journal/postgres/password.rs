//! The environment as libpq reads it: a password, or a file of passwords, and how careful to be.

use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// The variables of the environment that an [`Address`](super::Address) uses. `Debug` shows no password.
#[derive(Clone, Default)]
pub struct Environment {
    /// `PGPASSWORD`.
    pub password: Option<String>,
    /// The text of the file that `PGPASSFILE` names, or of `~/.pgpass`.
    pub passwords: Option<String>,
    /// `PGSSLMODE`.
    pub sslmode: Option<String>,
    /// `PGSSLROOTCERT`.
    pub sslrootcert: Option<String>,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("password", &self.password.as_ref().map(|_| "_"))
            .field("passwords", &self.passwords.as_ref().map(|_| "_"))
            .field("sslmode", &self.sslmode)
            .field("sslrootcert", &self.sslrootcert)
            .finish()
    }
}

impl Environment {
    /// That of this process.
    pub fn of_this_process() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = || Some(PathBuf::from(set("HOME")?).join(".pgpass"));
        let file = set("PGPASSFILE").map(PathBuf::from).or_else(home);
        Self {
            password: set("PGPASSWORD"),
            passwords: file.and_then(|path| read_private(&path)),
            sslmode: set("PGSSLMODE"),
            sslrootcert: set("PGSSLROOTCERT"),
        }
    }
}

/// A file of passwords; one that others may read is passed over, as libpq does.
fn read_private(path: &std::path::Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = std::fs::metadata(path).ok()?.permissions();
    if permissions.mode() & 0o077 != 0 {
        let path = path.display();
        tracing::warn!(%path, "a file of passwords that others may read was passed over; chmod 600 mends it");
        return None;
    }
    std::fs::read_to_string(path).ok()
}

/// The password that the environment has for a database.
pub(super) fn of(config: &Config, environment: &Environment) -> Option<String> {
    environment.password.clone().or_else(|| {
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(_)) | None => "localhost".to_owned(),
        };
        let port = config.get_ports().first().map_or_else(|| "5432".to_owned(), ToString::to_string);
        let user = config.get_user().unwrap_or_default();
        let database = config.get_dbname().unwrap_or(user);
        in_file(environment.passwords.as_deref()?, [&host, &port, database, user])
    })
}

/// The password of the first line of a `.pgpass` that fits `[host, port, database, user]`; `*` fits all.
fn in_file(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let [given @ .., password] = &fields[..] else { return None };
        let fits = given.len() == wanted.len()
            && given.iter().zip(wanted).all(|(given, wanted)| given == "*" || given == wanted);
        fits.then(|| password.clone())
    })
}

/// A line's fields: colons between them, a backslash before a colon or a backslash that belongs to one.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let last = fields.last_mut().expect("there is one from the start");
        match character {
            '\\' => last.extend(characters.next()),
            ':' => fields.push(String::new()),
            other => last.push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::super::Address;
    use super::*;

    #[test]
    fn the_url_goes_over_the_variable_and_the_variable_over_the_file() {
        let file = "# comment\nother:*:*:*:no\nh:5432:d:u:from\\:file\n".to_owned();
        let mut environment = Environment { passwords: Some(file), ..Environment::default() };
        let password = |url: &str, environment: &Environment| {
            let address = Address::parse(url, environment).unwrap();
            address.config.get_password().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
        };
        assert_eq!(password("postgres://u@h/d", &environment).as_deref(), Some("from:file"));
        assert_eq!(password("postgres://v@h/d", &environment), None);
        assert_eq!(password("postgres://u@h:1/d", &environment), None);
        environment.password = Some("variable".to_owned());
        assert_eq!(password("postgres://u@h/d", &environment).as_deref(), Some("variable"));
        assert_eq!(password("postgres://u:url@h/d", &environment).as_deref(), Some("url"));
        assert!(!format!("{environment:?}").contains("file"), "{environment:?}");
    }
}
