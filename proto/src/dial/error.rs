//! The errors that keep a connection from being made.

use std::path::PathBuf;
use std::sync::Arc;

use super::tls_error::TlsError;
use crate::tls::TlsFileError;

/// Why a coordinator can't be dialled, or isn't reached.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DialError {
    /// It isn't an address.
    #[error("`{0}` is no address of a coordinator, like http://127.0.0.1:7470")]
    BadAddress(String),
    /// There is a name or password in the address, which is shown in logs and lists of processes.
    #[error("the coordinator's address has a name or password in it")]
    NameInAddress,
    /// The token's file can't be read.
    #[error("cannot read the token in {}", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// It can't be a token.
    #[error("that is no token: {why}")]
    BadToken {
        /// The error in it.
        why: &'static str,
    },
    /// A certificate or key can't be used.
    #[error(transparent)]
    File(#[from] TlsFileError),
    /// The system trusts nobody.
    #[error("this system has no certification authorities to trust")]
    NoAuthorities,
    /// Nobody listens, or there is no way there.
    #[error("{source}")]
    Unreached {
        /// The system's words.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A proxy that can't be used.
    #[error("the proxy {proxy} can't be used: {why}")]
    Proxy {
        /// Its host and port.
        proxy: String,
        /// The error.
        why: String,
    },
    /// A variable that should name a proxy doesn't.
    #[error("{variable} names no proxy: {why}")]
    ProxyVariable {
        /// Its name.
        variable: String,
        /// The error in its value, which may hold a password and isn't repeated.
        why: &'static str,
    },
    /// The two ends don't trust each other.
    #[error(transparent)]
    Tls(TlsError),
    /// The secured connection couldn't be made for another reason.
    #[error("the TLS handshake failed: {source}")]
    Handshake {
        /// The system's words.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// It took too long.
    #[error("no connection within {seconds} s")]
    TooSlow {
        /// How long was waited.
        seconds: u64,
    },
}

impl DialError {
    /// Whether what was given is wrong, rather than the network or the other end.
    pub const fn is_input(&self) -> bool {
        match self {
            Self::BadAddress(_)
            | Self::NameInAddress
            | Self::TokenFile { .. }
            | Self::BadToken { .. }
            | Self::File(_)
            | Self::NoAuthorities
            | Self::ProxyVariable { .. }
            | Self::Tls(_) => true,
            Self::Unreached { .. } | Self::Proxy { .. } | Self::Handshake { .. } | Self::TooSlow { .. } => {
                false
            }
        }
    }
}
