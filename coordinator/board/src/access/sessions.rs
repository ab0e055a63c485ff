//! The sessions of browsers. A cookie holds a session's name alone: no token leaves the process that it was given to.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use basin_coordinator::client::Client;

use super::visitor::Visitor;
use crate::random;

/// The most sessions; the one that was used least recently ends for a new one.
const SESSIONS: usize = 64;

/// The session of a browser.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// The coordinator, called with the session's token; none where there is none.
    pub(super) client: Option<Client>,
    /// Whether it was begun by the board's own link.
    pub(super) is_owners: bool,
    checked: Option<(Instant, Visitor)>,
    used: Instant,
}

impl Session {
    /// Who it is, if the coordinator said so within that time.
    pub(super) fn checked_within(&self, time: Duration) -> Option<Visitor> {
        let (at, visitor) = self.checked.as_ref()?;
        (at.elapsed() < time).then(|| visitor.clone())
    }
}

/// All sessions by their names. The one of those who show none has the empty name.
#[derive(Debug)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    /// No session but that of those who show none, if there is somebody to ask about them.
    pub(super) fn new(nobody: Option<Client>) -> Self {
        let session =
            |client| Session { client: Some(client), is_owners: false, checked: None, used: Instant::now() };
        Self(Mutex::new(nobody.map(|client| (String::new(), session(client))).into_iter().collect()))
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of this name.
    pub(super) fn find(&self, id: &str) -> Option<Session> {
        let mut all = self.all();
        let session = all.get_mut(id)?;
        session.used = Instant::now();
        Some(session.clone())
    }

    /// Begins one; its name. None if the system has no randomness to give.
    pub(super) fn begin(&self, client: Option<Client>, is_owners: bool) -> Option<String> {
        let id = random::secret().ok()?;
        let mut all = self.all();
        if all.len() >= SESSIONS {
            let named = all.iter().filter(|(id, _)| !id.is_empty());
            let oldest = named.min_by_key(|(_, session)| session.used).map(|(id, _)| id.clone());
            if let Some(id) = oldest {
                all.remove(&id);
            }
        }
        all.insert(id.clone(), Session { client, is_owners, checked: None, used: Instant::now() });
        Some(id)
    }

    /// Keeps who it is.
    pub(super) fn keep(&self, id: &str, visitor: &Visitor) {
        if let Some(session) = self.all().get_mut(id) {
            session.checked = Some((Instant::now(), visitor.clone()));
        }
    }

    /// Forgets who it is.
    pub(super) fn doubt(&self, id: &str) {
        if let Some(session) = self.all().get_mut(id) {
            session.checked = None;
        }
    }

    /// Ends a session that somebody began.
    pub(super) fn end(&self, id: &str) {
        if !id.is_empty() {
            self.all().remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_that_was_used_least_recently_makes_room() {
        let sessions = Sessions::new(None);
        let ids: Vec<String> = (0..SESSIONS).filter_map(|_| sessions.begin(None, true)).collect();
        assert!(sessions.find(&ids[0]).is_some());
        let new = sessions.begin(None, true).unwrap();
        assert!(sessions.find(&ids[0]).is_some() && sessions.find(&new).is_some());
        assert!(sessions.find(&ids[1]).is_none());
    }
}
