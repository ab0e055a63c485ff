//! Whether this coordinator leads: what its calls work with while it does, and what they hear while it doesn't.

use std::sync::Arc;

use basin_proto::standby;
use tokio::sync::watch;
use tonic::Status;

use super::Coordinator;

/// A coordinator's role at a time.
#[derive(Debug, Clone)]
pub enum LeadershipRole {
    /// It doesn't lead: at the time of the answer nothing is decided here.
    Standby {
        /// Who does, as far as is known: its URL.
        leader: Option<String>,
    },
    /// It begins to lead, or has just lost the lead: what was asked before may still be decided, and nothing can be promised.
    Transition,
    /// It leads.
    Leading(Arc<Coordinator>),
}

/// A coordinator's role, shared by all that depend on it.
#[derive(Debug, Clone)]
pub struct Leadership(watch::Sender<LeadershipRole>);

impl Leadership {
    /// A leadership that begins in this role.
    pub fn new(role: LeadershipRole) -> Self {
        Self(watch::Sender::new(role))
    }

    /// Changes the role.
    pub fn set(&self, role: LeadershipRole) {
        self.0.send_replace(role);
    }

    /// Leads; tells nobody if that was known.
    pub fn lead(&self, coordinator: &Arc<Coordinator>) {
        self.0.send_if_modified(|role| {
            let is_known = matches!(role, LeadershipRole::Leading(known) if Arc::ptr_eq(known, coordinator));
            if !is_known {
                *role = LeadershipRole::Leading(Arc::clone(coordinator));
            }
            !is_known
        });
    }

    /// Notes who leads; tells nobody if that was known.
    pub fn stand_by(&self, leader: Option<String>) {
        self.0.send_if_modified(|role| {
            let is_known = matches!(role, LeadershipRole::Standby { leader: known } if *known == leader);
            if !is_known {
                *role = LeadershipRole::Standby { leader };
            }
            !is_known
        });
    }

    /// The role, and when it changes.
    pub fn roles(&self) -> watch::Receiver<LeadershipRole> {
        self.0.subscribe()
    }

    /// The leader's state.
    ///
    /// # Errors
    /// If this coordinator doesn't lead: `UNAVAILABLE`, with the leader's URL and, where it is certain, with the remark
    /// that nothing is decided here.
    pub fn coordinator(&self) -> Result<Arc<Coordinator>, Status> {
        match &*self.0.borrow() {
            LeadershipRole::Leading(coordinator) => Ok(Arc::clone(coordinator)),
            LeadershipRole::Standby { leader } => Err(standby::refuse(leader.as_deref())),
            LeadershipRole::Transition => {
                Err(standby::changing_role("this coordinator is about to lead, or has lost the lead"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standby_names_the_leader_and_one_in_transition_promises_nothing() {
        let leadership = Leadership::new(LeadershipRole::Standby { leader: None });
        let said = |leadership: &Leadership| {
            let status = leadership.coordinator().unwrap_err();
            (status.code(), standby::is(&status), standby::leader(&status))
        };
        assert_eq!(said(&leadership), (tonic::Code::Unavailable, true, None));
        leadership.stand_by(Some("http://a:1".to_owned()));
        assert_eq!(said(&leadership), (tonic::Code::Unavailable, true, Some("http://a:1".to_owned())));
        leadership.set(LeadershipRole::Transition);
        assert_eq!(said(&leadership), (tonic::Code::Unavailable, false, None));
    }
}
