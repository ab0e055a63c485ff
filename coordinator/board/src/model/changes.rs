//! What changed, told to every browser that listens.

use std::collections::BTreeMap;

use tokio::sync::watch;

/// What pages show changes of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// The list of sweeps, and how far each is.
    Sweeps,
    /// The workers.
    Workers,
    /// The tasks of a sweep.
    Tasks,
    /// The verdicts on a sweep's claims.
    Claims,
    /// A sweep's figures.
    Figures,
}

impl Topic {
    /// The topic as a word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Sweeps => "sweeps",
            Self::Workers => "workers",
            Self::Tasks => "tasks",
            Self::Claims => "claims",
            Self::Figures => "figures",
        }
    }
}

/// How often each topic changed: of a sweep, or of all of them under the empty name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Numbers(BTreeMap<(String, Topic), u64>);

impl Numbers {
    /// The topics that changed since, as far as a page about this sweep shows them.
    pub(crate) fn changed_since(&self, before: &Self, sweep: &str) -> Vec<Topic> {
        let concerns = |of: &str| of.is_empty() || of == sweep;
        let changed = self.0.iter().filter(|((of, _), _)| concerns(of));
        let mut topics: Vec<Topic> = changed
            .filter(|(key, number)| before.0.get(key) != Some(number))
            .map(|((_, topic), _)| *topic)
            .collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }
}

/// What changed so far.
#[derive(Debug, Default)]
pub(crate) struct Changes(watch::Sender<Numbers>);

impl Changes {
    /// A topic of a sweep changed, or one of all with the empty name.
    pub(crate) fn note(&self, sweep: &str, topic: Topic) {
        self.0.send_modify(|numbers| *numbers.0.entry((sweep.to_owned(), topic)).or_default() += 1);
    }

    /// Listens from now on.
    pub(crate) fn listen(&self) -> watch::Receiver<Numbers> {
        self.0.subscribe()
    }

    /// Forgets a sweep that nobody looks at any more.
    pub(crate) fn forget(&self, sweep: &str) {
        self.0.send_if_modified(|numbers| {
            numbers.0.retain(|(of, _), _| of != sweep);
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_hears_of_its_own_sweep_and_of_what_is_everybodys() {
        let changes = Changes::default();
        let before = changes.listen().borrow().clone();
        changes.note("a", Topic::Tasks);
        changes.note("", Topic::Workers);
        let now = changes.listen().borrow().clone();
        assert_eq!(now.changed_since(&before, "a"), [Topic::Workers, Topic::Tasks]);
        assert_eq!(now.changed_since(&before, "b"), [Topic::Workers]);
        changes.note("a", Topic::Tasks);
        let later = changes.listen().borrow().clone();
        assert_eq!(later.changed_since(&now, "a"), [Topic::Tasks]);
        assert!(later.changed_since(&later, "a").is_empty());
    }
}
