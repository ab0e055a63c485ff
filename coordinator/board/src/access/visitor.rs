//! Whoever looks at the board.

use basin_coordinator::client::Client;
use basin_proto::codes::Coded;
use basin_proto::v1;

/// The rights of somebody, as far as the board shows them: what is done is the coordinator's to allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rights {
    /// To look.
    Look,
    /// To steer as well.
    Steer,
}

/// Whoever looks at the board.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// The coordinator, called as this visitor; none where the board shows a store alone.
    pub(crate) client: Option<Client>,
    /// The name of the visitor's token; empty if none is needed.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) rights: Rights,
    /// Whether they can sign out.
    pub(crate) has_session: bool,
}

impl Visitor {
    /// The one of whom the coordinator says this.
    pub(super) fn of(about: &v1::AboutReply, client: Client, has_session: bool) -> Self {
        let role = v1::Role::read(about.role_code, &about.role);
        let rights = match (about.caller.is_empty(), role) {
            (true, None) | (_, Some(v1::Role::Admin)) => Rights::Steer,
            _ => Rights::Look,
        };
        Self { client: Some(client), name: about.caller.clone(), rights, has_session }
    }

    /// Whoever has the board's link, of whom the coordinator can't be asked at the moment.
    pub(super) fn of_owner(client: Client) -> Self {
        Self { client: Some(client), name: String::new(), rights: Rights::Look, has_session: true }
    }

    /// Whoever looks at a store.
    pub(super) fn of_store() -> Self {
        Self { client: None, name: String::new(), rights: Rights::Look, has_session: true }
    }
}
