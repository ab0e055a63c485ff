//! Who looks, and what they may see.
//!
//! A browser shows a cookie that names a [session](sessions): of somebody who gave a token, or of whoever opened the board's own link.
//! With the session's token the coordinator is asked who that is ([`Access::visitor`]), now and then again, so that a token that was
//! revoked sees nothing more after some seconds. What may come from elsewhere than the board's own pages is in [`origin`].

mod origin;
mod sessions;
mod visitor;

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::HeaderMap;
use basin_coordinator::client::{CallError, Client};
use basin_domain::digest::Digest;
use basin_proto::dial::{Dial, Token};
use basin_proto::v1;
use secrecy::{ExposeSecret, SecretString};

pub(crate) use self::origin::{host_is_known, is_same_origin};
use self::sessions::{Session, Sessions};
pub(crate) use self::visitor::{Rights, Visitor};

/// How long an answer about a caller is good for.
const CHECKED_FOR: Duration = Duration::from_secs(10);
/// How long it is good for while nobody answers.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// How long the coordinator may take to say who calls.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who is let in.
#[derive(Debug)]
pub(crate) struct Access {
    /// How the coordinator is dialled with the board's own credentials; none where the board shows a store alone.
    dial: Option<Dial>,
    /// Whoever shows it has the board's own rights.
    key: SecretString,
    sessions: Sessions,
    cookie: String,
    is_encrypted: bool,
    /// Whether others than this machine reach the board.
    is_public: bool,
}

/// Why somebody isn't let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denied {
    /// They must say who they are; if they did, why that isn't enough.
    SignIn(Option<String>),
    /// The coordinator doesn't answer, so nobody knows who they are.
    NotThere(String),
}

impl Access {
    /// Access to a board at this address, with the board's own way to the coordinator.
    ///
    /// # Errors
    /// If it can't be dialled.
    pub(crate) fn new(
        dial: Option<Dial>,
        key: SecretString,
        address: SocketAddr,
        is_encrypted: bool,
    ) -> Result<Self, CallError> {
        let nobody = match &dial {
            Some(dial) => Some(Client::new(&dial.clone().with_token(None))?),
            None => None,
        };
        let sessions = Sessions::new(nobody);
        // Cookies are of a host, whatever the port: two boards of one machine must not mistake each other's.
        let cookie = format!("basin-board-{}", address.port());
        let is_public = !address.ip().is_loopback();
        Ok(Self { dial, key, sessions, cookie, is_encrypted, is_public })
    }

    /// Whether the board has credentials of its own, so that only who has its link may use them.
    pub(crate) fn needs_key(&self) -> bool {
        self.dial.as_ref().is_none_or(|dial| dial.token.is_some() || dial.certificates.identity.is_some())
    }

    /// The key of the board's link.
    pub(crate) const fn key(&self) -> &SecretString {
        &self.key
    }

    /// Who asks.
    ///
    /// # Errors
    /// If they aren't let in.
    pub(crate) async fn visitor(&self, headers: &HeaderMap) -> Result<Visitor, Denied> {
        let id = cookie(headers, &self.cookie).unwrap_or_default();
        let Some(session) = self.sessions.find(id) else {
            return self.admit("", self.sessions.find("")).await;
        };
        self.admit(id, Some(session)).await
    }

    async fn admit(&self, id: &str, session: Option<Session>) -> Result<Visitor, Denied> {
        let session = session.ok_or(Denied::SignIn(None))?;
        let Some(client) = session.client.clone() else {
            // A store has no callers: who has the link may look.
            return if session.is_owners { Ok(Visitor::of_store()) } else { Err(Denied::SignIn(None)) };
        };
        if let Some(known) = session.checked_within(CHECKED_FOR) {
            return Ok(known);
        }
        match tokio::time::timeout(PATIENCE, client.about()).await {
            Ok(Ok(about)) => {
                let visitor = Visitor::of(&about, client, !id.is_empty());
                if self.is_strangers(&session, &about) {
                    return Err(Denied::SignIn(None));
                }
                self.sessions.keep(id, &visitor);
                Ok(visitor)
            }
            Ok(Err(CallError::Refused { message, .. })) => {
                self.sessions.doubt(id);
                Err(Denied::SignIn((!id.is_empty()).then_some(message)))
            }
            answer => {
                let why = match answer {
                    Ok(Err(error)) => error.to_string(),
                    Ok(Ok(_)) | Err(_) => "the coordinator is silent".to_owned(),
                };
                match session.checked_within(KEPT_FOR) {
                    Some(known) => Ok(known),
                    None if session.is_owners => Ok(Visitor::of_owner(client)),
                    None => Err(Denied::NotThere(why)),
                }
            }
        }
    }

    /// Whether somebody would be let in for where the board is, or for its certificate, alone.
    fn is_strangers(&self, session: &Session, about: &v1::AboutReply) -> bool {
        let shows_certificate = self.dial.as_ref().is_some_and(|dial| dial.certificates.identity.is_some());
        (shows_certificate || self.is_public) && !session.is_owners && about.caller.is_empty()
    }

    /// Begins a session of whoever has the board's link; the cookie's header. None if the key isn't the board's.
    pub(crate) fn open_by_key(&self, key: &str) -> Option<String> {
        // Digests take the same time to compare wherever they differ.
        if Digest::of(key.as_bytes()) != Digest::of(self.key.expose_secret().as_bytes()) {
            return None;
        }
        let client = match &self.dial {
            Some(dial) => Some(Client::new(dial).ok()?),
            None => None,
        };
        let id = self.sessions.begin(client, true)?;
        Some(self.cookie_of(&id))
    }

    /// Begins a session of whoever has this token; the cookie's header.
    ///
    /// # Errors
    /// Why the token isn't one, or what the coordinator says of it.
    pub(crate) async fn open_by_token(&self, token: &str) -> Result<String, Denied> {
        let refused = |why: String| Denied::SignIn(Some(why));
        let Some(dial) = &self.dial else {
            return Err(refused("this board takes no tokens: it is opened by its own link".to_owned()));
        };
        let token = Token::fixed(token).map_err(|error| refused(error.to_string()))?;
        let client = Client::new(&dial.clone().with_token(Some(token)));
        let client = client.map_err(|error| refused(error.to_string()))?;
        let about = match tokio::time::timeout(PATIENCE, client.about()).await {
            Ok(Ok(about)) => about,
            Ok(Err(CallError::Refused { message, .. })) => return Err(refused(message)),
            Ok(Err(error)) => return Err(Denied::NotThere(error.to_string())),
            Err(_) => return Err(Denied::NotThere("the coordinator is silent".to_owned())),
        };
        if about.caller.is_empty() {
            return Err(refused("this coordinator takes no tokens".to_owned()));
        }
        let id = self.sessions.begin(Some(client.clone()), false);
        let id = id.ok_or_else(|| Denied::NotThere("this system gives no random numbers".to_owned()))?;
        self.sessions.keep(&id, &Visitor::of(&about, client, true));
        Ok(self.cookie_of(&id))
    }

    /// Ends the session of whoever asks; the header that forgets its cookie.
    pub(crate) fn close(&self, headers: &HeaderMap) -> String {
        if let Some(id) = cookie(headers, &self.cookie) {
            self.sessions.end(id);
        }
        format!("{}; Max-Age=0", self.cookie_of(""))
    }

    fn cookie_of(&self, id: &str) -> String {
        let secure = if self.is_encrypted { "; Secure" } else { "" };
        format!("{}={id}; Path=/; HttpOnly; SameSite=Strict{secure}", self.cookie)
    }
}

/// The value of a cookie that a browser showed.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let shown = headers.get_all(axum::http::header::COOKIE).iter().filter_map(|header| header.to_str().ok());
    let mut pairs = shown.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::COOKIE;

    use super::*;

    fn of_store() -> Access {
        Access::new(None, "hush".to_owned().into(), ([127, 0, 0, 1], 7).into(), false).unwrap()
    }

    fn showing(cookie: &str) -> HeaderMap {
        let pair = cookie.split(';').next().unwrap_or_default();
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&format!("a=b; {pair}; c=d")).unwrap())])
    }

    #[tokio::test]
    async fn a_store_is_shown_to_whoever_has_the_link_and_to_nobody_else() {
        let access = of_store();
        assert!(access.needs_key());
        assert_eq!(access.visitor(&HeaderMap::new()).await.err(), Some(Denied::SignIn(None)));
        assert_eq!(access.open_by_key("hus"), None);
        let cookie = access.open_by_key("hush").unwrap();
        assert!(cookie.starts_with("basin-board-7=") && !cookie.contains("hush"), "{cookie}");
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
        let visitor = access.visitor(&showing(&cookie)).await.unwrap();
        assert_eq!(visitor.rights, Rights::Look);
        access.close(&showing(&cookie));
        assert_eq!(access.visitor(&showing(&cookie)).await.err(), Some(Denied::SignIn(None)));
    }

    #[tokio::test]
    async fn a_guessed_cookie_opens_nothing() {
        let access = of_store();
        for cookie in ["basin-board-7=", "basin-board-7=hush", "basin-board-8=1"] {
            assert!(access.visitor(&showing(cookie)).await.is_err(), "{cookie}");
        }
    }
}
