//! Things by what a person types: an id, a name, or the beginning of an id.
//!
//! The one rule, wherever something is named: a whole id wins over a name, a name over a beginning. So nothing is out of
//! reach because its name begins another's.

use crate::digest::Digest;
use crate::id::{SweepId, TaskId, WorkerId};

/// Something that a person can name.
pub trait Named {
    /// Whether this is its id.
    fn is_id(&self, text: &str) -> bool;

    /// Whether this is a name that people know it by. Others may have the same.
    fn is_name(&self, _text: &str) -> bool {
        false
    }

    /// Whether its id begins so.
    fn begins_with(&self, text: &str) -> bool;
}

/// Why a text names no one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupError<T> {
    /// It fits nothing.
    NotFound,
    /// It fits these, equally well; sorted.
    Ambiguous(Vec<T>),
}

/// How well a text fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Beginning,
    Name,
    Id,
}

/// The one thing that a text names. What is there twice counts once.
///
/// # Errors
/// If it names nothing, or several things equally well. An empty text names nothing.
pub fn find<T: Named + Ord>(text: &str, among: impl IntoIterator<Item = T>) -> Result<T, LookupError<T>> {
    let (mut best, mut fitting) = (Fit::Beginning, Vec::new());
    if text.is_empty() {
        return Err(LookupError::NotFound);
    }
    for thing in among {
        let fit = match () {
            () if thing.is_id(text) => Fit::Id,
            () if thing.is_name(text) => Fit::Name,
            () if thing.begins_with(text) => Fit::Beginning,
            () => continue,
        };
        if fit > best {
            fitting.clear();
            best = fit;
        }
        if fit == best {
            fitting.push(thing);
        }
    }
    fitting.sort_unstable();
    fitting.dedup();
    match fitting.len() {
        0 => Err(LookupError::NotFound),
        1 => Ok(fitting.swap_remove(0)),
        _ => Err(LookupError::Ambiguous(fitting)),
    }
}

/// By its id `homework-3f2a9c01d4`, or by the name `homework` that its file gives it.
impl Named for SweepId {
    fn is_id(&self, text: &str) -> bool {
        self.as_str() == text
    }

    fn is_name(&self, text: &str) -> bool {
        self.as_str().rsplit_once('-').is_some_and(|(name, _)| name == text)
    }

    fn begins_with(&self, text: &str) -> bool {
        self.as_str().starts_with(text)
    }
}

impl Named for WorkerId {
    fn is_id(&self, text: &str) -> bool {
        self.as_str() == text
    }

    fn begins_with(&self, text: &str) -> bool {
        self.as_str().starts_with(text)
    }
}

impl Named for Digest {
    fn is_id(&self, text: &str) -> bool {
        text.len() == 64 && self.begins_with(text)
    }

    /// Compared digit by digit: of many digests none is written out.
    fn begins_with(&self, text: &str) -> bool {
        let digits = self.as_bytes().iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digits = digits.map(|digit| b"0123456789abcdef"[usize::from(digit)]);
        text.len() <= 64 && text.bytes().zip(digits).all(|(typed, digit)| typed == digit)
    }
}

impl Named for TaskId {
    fn is_id(&self, text: &str) -> bool {
        self.0.is_id(text)
    }

    fn begins_with(&self, text: &str) -> bool {
        self.0.begins_with(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sweeps(ids: &[&str]) -> Vec<SweepId> {
        ids.iter().map(|id| SweepId::new(*id).unwrap()).collect()
    }

    fn found(text: &str, ids: &[&str]) -> Result<String, usize> {
        match find(text, sweeps(ids)) {
            Ok(id) => Ok(id.as_str().to_owned()),
            Err(LookupError::NotFound) => Err(0),
            Err(LookupError::Ambiguous(several)) => Err(several.len()),
        }
    }

    #[test]
    fn a_name_that_begins_another_can_be_said() {
        let ids = ["Cas-0123456789", "Case-9876543210"];
        assert_eq!(found("Cas", &ids), Ok("Cas-0123456789".to_owned()));
        assert_eq!(found("Case", &ids), Ok("Case-9876543210".to_owned()));
        assert_eq!(found("Ca", &ids), Err(2));
        assert_eq!(found("Cas-", &ids), Ok("Cas-0123456789".to_owned()));
        assert_eq!(found("Cas-x", &ids), Err(0));
        assert_eq!(found("", &ids[..1]), Err(0));
    }

    #[test]
    fn an_id_wins_over_a_name_and_a_name_over_a_beginning() {
        let ids = ["a", "a-1", "a-1-2", "ab-1"];
        assert_eq!(found("a", &ids), Ok("a".to_owned()));
        assert_eq!(found("a-1", &ids), Ok("a-1".to_owned()));
        assert_eq!(found("a", &ids[1..]), Ok("a-1".to_owned()));
        assert_eq!(found("a", &["a-1", "a-2", "ab-1"]), Err(2), "of two of one name neither is meant");
    }

    #[test]
    fn a_worker_whose_id_begins_another_can_be_said() {
        let workers = ["node-1", "node-11", "node-12"].map(|id| WorkerId::new(id).unwrap());
        assert_eq!(find("node-1", workers.clone()).unwrap().as_str(), "node-1");
        assert_eq!(find("node-12", workers.clone()).unwrap().as_str(), "node-12");
        assert_eq!(find("node", workers.clone()), Err(LookupError::Ambiguous(workers.to_vec())));
    }

    proptest! {
        /// Whatever the digests are, a whole one and any beginning that no other shares names it, and what is there twice
        /// counts once.
        #[test]
        fn tasks_are_found_by_beginnings_of_their_ids(seeds in prop::collection::vec(any::<u8>(), 1..40), length in 1_usize..=64) {
            let ids: Vec<TaskId> = seeds.iter().map(|seed| TaskId(Digest::of(&[*seed]))).collect();
            let wanted = ids[0].to_string();
            let sharing = ids.iter().filter(|id| id.to_string().starts_with(&wanted[..length]));
            let alone = sharing.clone().all(|id| *id == ids[0]);
            prop_assert_eq!(find(&wanted[..length], ids.clone()).is_ok(), alone);
            prop_assert_eq!(find(&wanted, ids.clone()), Ok(ids[0]));
            prop_assert_eq!(find(&format!("{wanted}0"), ids), Err(LookupError::NotFound));
        }
    }
}
