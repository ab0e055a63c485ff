//! Ids, references, keys of a store and everything else that is a name: what is read is written the same.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use basin_domain::data::DatasetReference;
use basin_domain::id::{DatasetName, LeaseId, SweepId, TaskId, WorkerId};
use basin_domain::placement::ByteSize;
use basin_domain::utc::Utc;
use basin_domain::{escape, key};

pub(super) fn read(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let shown = escape::line(text);
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    let _ = (escape::lines(text), escape::json(text), text.parse::<ByteSize>());
    let _ = (key::checkpoint_number(text), key::dataset_version_number(text), key::is_of_checkpoint(text));
    if let Some((number, lease)) = key::withdrawn_attempt(text) {
        assert_eq!(key::withdrawn_attempt(&key::withdrawn_name(number, &lease)), Some((number, lease)));
    }
    if let Some((task, _)) = key::task_object(text) {
        assert!(text.starts_with(&key::task(&task)), "an object lies in its task's folder");
    }
    let read = [
        same::<SweepId>(text),
        same::<WorkerId>(text),
        same::<LeaseId>(text),
        same::<DatasetName>(text),
        same::<DatasetReference>(text),
        same::<Utc>(text),
        same::<TaskId>(text),
    ];
    if read[2] {
        is_one_folder(text);
    }
    read.contains(&true)
}

/// Whether the text is one of these; then it is what that is written as.
fn same<T: FromStr + Display + Debug>(text: &str) -> bool {
    let Ok(read) = text.parse::<T>() else { return false };
    assert_eq!(read.to_string(), text);
    true
}

/// An id never leads out of the folder that it names.
fn is_one_folder(text: &str) {
    let path = std::path::Path::new(text);
    let mut parts = path.components();
    assert!(
        matches!(parts.next(), Some(std::path::Component::Normal(_))) && parts.next().is_none(),
        "{text}"
    );
}
