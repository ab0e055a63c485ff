//! An outage of the coordinator's store, said along with a refusal: whoever asked waits, and is charged nothing.

use basin_domain::outage::OutageKind;
use tonic::Status;

use crate::v1;

/// The metadata key under which the kind of an outage travels.
const KEY: &str = "basin-outage";

/// The same status with the outage that it comes from.
pub fn attach(mut status: Status, kind: OutageKind) -> Status {
    status.metadata_mut().insert(KEY, tonic::metadata::MetadataValue::from_static(kind.as_str()));
    status
}

/// The outage that a status comes from, if it comes from one.
pub fn of(status: &Status) -> Option<OutageKind> {
    v1::OutageKind::domain(0, status.metadata().get(KEY)?.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_which_outage_it_comes_from() {
        let status = || Status::unavailable("full");
        assert_eq!(of(&attach(status(), OutageKind::Full)), Some(OutageKind::Full));
        assert_eq!(of(&status()), None);
    }
}
