//! Hints: advice on a refusal, beside its text.

use tonic::Status;
use tonic::metadata::MetadataValue;

/// The metadata key under which a refusal carries its hint (UTF-8, binary).
const KEY: &str = "basin-hint-bin";

/// A refusal with what to do about it.
#[must_use]
pub fn attach(mut status: Status, hint: &str) -> Status {
    status.metadata_mut().insert_bin(KEY, MetadataValue::from_bytes(hint.as_bytes()));
    status
}

/// The hint of a refusal, if it has one.
pub fn of(status: &Status) -> Option<String> {
    let bytes = status.metadata().get_bin(KEY)?.to_bytes().ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_travels_with_its_refusal() {
        let refusal = attach(Status::not_found("there is none"), "look \u{201e}there\u{201c}");
        assert_eq!(of(&refusal).as_deref(), Some("look \u{201e}there\u{201c}"));
        assert_eq!(of(&Status::not_found("there is none")), None);
    }
}
