//! The answer of a coordinator that doesn't lead, and how its callers read it.

use tonic::Status;
use tonic::metadata::MetadataValue;

/// Set where the coordinator was a standby when it answered: nothing was decided there, and will be only after it was elected
/// anew.
const STANDBY: &str = "basin-standby";
/// Set where the coordinator is on its way from one role to the other: something may be decided there, and another may lead soon.
const CHANGING_ROLE: &str = "basin-between";
/// The leader's URL, where it is known (UTF-8, binary).
const LEADER: &str = "basin-leader-bin";

/// The answer of a standby.
#[must_use]
pub fn refuse(leader: Option<&str>) -> Status {
    let mut status = match leader {
        Some(url) => Status::unavailable(format!("this coordinator is a standby; {url} leads")),
        None => Status::unavailable("this coordinator is a standby, and nobody leads yet"),
    };
    status.metadata_mut().insert(STANDBY, MetadataValue::from_static("1"));
    if let Some(url) = leader {
        status.metadata_mut().insert_bin(LEADER, MetadataValue::from_bytes(url.as_bytes()));
    }
    status
}

/// The answer of a coordinator that is about to lead, or has stopped to.
#[must_use]
pub fn changing_role(what: &str) -> Status {
    let mut status = Status::unavailable(what);
    status.metadata_mut().insert(CHANGING_ROLE, MetadataValue::from_static("1"));
    status
}

/// Whether a coordinator may lead soon, here or elsewhere, so that waiting helps.
pub fn may_end_soon(status: &Status) -> bool {
    is(status) || status.metadata().contains_key(CHANGING_ROLE)
}

/// Whether this is the answer of a standby.
pub fn is(status: &Status) -> bool {
    status.metadata().contains_key(STANDBY)
}

/// The URL of the leader that a standby named.
pub fn leader(status: &Status) -> Option<String> {
    let bytes = status.metadata().get_bin(LEADER)?.to_bytes().ok()?;
    String::from_utf8(bytes.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standby_is_told_from_other_trouble_and_names_the_leader() {
        assert!(is(&refuse(None)) && leader(&refuse(None)).is_none());
        let refusal = refuse(Some("https://two.lab:7470"));
        assert_eq!((is(&refusal), leader(&refusal).as_deref()), (true, Some("https://two.lab:7470")));
        assert!(!is(&Status::unavailable("the store")) && !may_end_soon(&Status::unavailable("the store")));
        assert!(
            !is(&changing_role("it is about to lead")) && may_end_soon(&changing_role("it is about to lead"))
        );
    }
}
