//! Who may call, and how: tokens with roles, TLS, and limits on what one caller can take.
//!
//! A connection comes in at the [`port`]: it is secured if the coordinator has a certificate, and counted ([`connection_limits`]). Each of
//! its calls passes the [`gate`]: whose token is it ([`Tokens`]), is its [`Role`] enough for the call ([`calls`]), and is its caller
//! within its rate ([`rate_limits`]) and within what it may have under way ([`load`])? Only then does a service see it. Whatever comes of a
//! call is counted ([`CallMeter`]). Files of tokens and certificates are read again as they change ([`WatchedFiles`]).
//!
//! Why it is so: `docs/decisions/0013-trust.md`; how it is set up: `docs/security.md`.

mod access_denied;
mod call_meter;
pub mod calls;
pub mod connection_limits;
pub mod gate;
mod load;
mod new_token;
pub mod port;
pub mod rate_limits;
mod role;
mod server_tls;
mod token_file;
mod tokens;
mod watched_files;

pub use self::access_denied::{AccessDenied, HintOf};
pub use self::call_meter::{CallEnd, CallMeter};
pub use self::new_token::NewToken;
pub use self::role::Role;
pub use self::server_tls::{ServerTls, ServerTlsFiles};
pub use self::token_file::{Fingerprint, TokenEntry, TokenFile, TokenFileError, TokenId};
pub use self::tokens::{Caller, TokenTable, Tokens, Unauthenticated};
pub use self::watched_files::WatchedFiles;

/// How a coordinator trusts those who call.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Whose calls are answered.
    pub tokens: Tokens,
    /// The coordinator's certificate; without one, calls travel unencrypted.
    pub tls: Option<std::sync::Arc<ServerTls>>,
    /// Whether calls may travel unencrypted beyond this machine: something else secures them.
    pub allows_plaintext: bool,
    /// How many calls a second one caller may make for long; without a limit if none.
    pub calls_per_second: Option<u32>,
}
