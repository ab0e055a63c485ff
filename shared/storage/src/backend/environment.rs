//! The environment, as an argument: what a store on the network is told beside its URL.

use std::collections::BTreeMap;
use std::ffi::OsString;

use basin_domain::proxy::{FOR_HTTP, FOR_HTTPS};
use secrecy::{ExposeSecret, SecretString};

/// Variables by name, any of which may be a secret. Those that are empty count as not set, as in the vendors' own tools.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment(BTreeMap<String, SecretString>);

impl Environment {
    /// The environment of this process; what isn't text is left out, unless it should name a proxy: it then names none, which
    /// is an error.
    pub(super) fn of_process() -> Self {
        let text = |(name, value): (OsString, OsString)| {
            let name = name.into_string().ok()?;
            let names_a_proxy = FOR_HTTPS.contains(&&*name) || FOR_HTTP.contains(&&*name);
            let value = match value.into_string() {
                Err(value) if names_a_proxy => value.to_string_lossy().into_owned(),
                value => value.ok()?,
            };
            Some((name, value))
        };
        std::env::vars_os().filter_map(text).collect()
    }

    /// A variable, if it is set to something.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(ExposeSecret::expose_secret)
    }

    /// All variables whose name begins so, names in lower case.
    pub(super) fn beginning_with<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (String, &'a str)> + 'a {
        let fitting = self.0.iter().filter(move |(name, _)| name.starts_with(prefix));
        fitting.map(|(name, value)| (name.to_ascii_lowercase(), value.expose_secret()))
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        let set = variables.into_iter().map(|(name, value)| (name, SecretString::from(value)));
        let mut all: BTreeMap<String, SecretString> = set.collect();
        all.retain(|_, value| !value.expose_secret().is_empty());
        Self(all)
    }
}

#[cfg(test)]
impl Environment {
    /// These variables and no others.
    pub(super) fn of(variables: &[(&str, &str)]) -> Self {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}
