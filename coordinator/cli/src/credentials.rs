//! Credentials for a coordinator, from flags, variables and files.

use basin_proto::dial::{Address, Certificates, Dial, DialError, Identity, Token};

use super::arguments::{Credentials, Remote};
use super::command_error::CommandError;
use super::failures::not_dialled;

/// The variable that may hold a token. It is no flag: a command line is there for everybody to read.
const TOKEN: &str = "BASIN_TOKEN";

impl Remote {
    /// How the coordinator is reached.
    pub(super) fn dial(&self) -> Result<Dial, CommandError> {
        self.credentials.dial(&self.coordinator)
    }
}

impl Credentials {
    /// How the coordinator at `url` is reached with these.
    pub(super) fn dial(&self, url: &str) -> Result<Dial, CommandError> {
        let addresses = Address::list(url).map_err(not_dialled)?;
        let token = self.token().map_err(not_dialled)?;
        if let Some(open) = addresses.iter().find(|it| !it.is_encrypted() && !it.is_loopback())
            && token.is_some()
        {
            tracing::warn!(address = %open, "the token travels unencrypted; an https:// address keeps it secret");
        }
        Ok(Dial { addresses, certificates: self.certificates()?, token, transport: None })
    }

    /// The token: of the file that was typed, else of the variable, else of the file that a setting names.
    fn token(&self) -> Result<Option<Token>, DialError> {
        let variable = std::env::var(TOKEN).ok().filter(|text| !text.trim().is_empty());
        match (&self.token.path, variable) {
            (Some(path), variable) if self.token.is_typed || variable.is_none() => {
                Token::file(path).map(Some)
            }
            (_, Some(secret)) => Token::fixed(&secret).map(Some),
            (_, None) => Ok(None),
        }
    }

    fn certificates(&self) -> Result<Certificates, CommandError> {
        let identity = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                Some(Identity { certificate: certificate.clone(), key: key.clone() })
            }
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return Err(CommandError::input(anyhow::anyhow!(
                    "a certificate and its key are given together"
                ))
                .hint("give both `--tls-cert FILE` and `--tls-key FILE`"));
            }
        };
        Ok(Certificates { authorities: self.tls_ca.clone(), identity })
    }
}
