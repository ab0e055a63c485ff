//! What tells sweeps of one name apart: the profile, what the command line added, and the text of the file. It stands in their records in
//! the store, which are read when somebody asks.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use basin_domain::id::SweepId;
use basin_domain::sweep::Source;
use basin_proto::v1;
use basin_storage::Store;

/// The most sweep files that are kept.
const KEPT: usize = 256;
/// How long an answer waits for them; without, sweeps of one name are told apart by their ids alone.
const PATIENCE: Duration = Duration::from_secs(2);

/// The files of some sweeps.
#[derive(Debug, Default)]
pub struct SweepSources(Mutex<HashMap<SweepId, Arc<Source>>>);

impl SweepSources {
    async fn of(&self, store: &Store, sweep: &SweepId) -> Option<Arc<Source>> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = known().get(sweep) {
            return Some(Arc::clone(source));
        }
        let source = Arc::new(store.read_sweep(sweep).await.ok()?.source);
        let mut known = known();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(sweep.clone(), Arc::clone(&source));
        Some(source)
    }

    /// Says of each sweep whose name another has how it differs from the newest of them, as far as the store tells in time.
    pub(super) async fn tell_variants(&self, store: &Store, sweeps: &mut [v1::SweepSummary]) {
        let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, sweep) in sweeps.iter().enumerate() {
            groups.entry(name_of(&sweep.sweep_id).to_owned()).or_default().push(place);
        }
        let told = async {
            for places in groups.values().filter(|places| places.len() > 1) {
                let newest = places.iter().max_by_key(|place| sweeps[**place].launched_unix_ms);
                let mut sources = HashMap::new();
                for place in places {
                    let Ok(id) = sweeps[*place].sweep_id.parse::<SweepId>() else { continue };
                    sources.extend(self.of(store, &id).await.map(|source| (*place, source)));
                }
                let newest = newest.and_then(|place| sources.get(place)).map(Arc::clone);
                for (place, source) in &sources {
                    sweeps[*place].variant = variant(source, newest.as_deref());
                }
            }
        };
        let _ = tokio::time::timeout(PATIENCE, told).await;
    }
}

/// The name in a sweep's id: what is before the digits of its digest.
fn name_of(id: &str) -> &str {
    id.rsplit_once('-').map_or(id, |(name, _)| name)
}

/// `profile quick, epochs=3, 2 other lines in the file`.
fn variant(source: &Source, newest: Option<&Source>) -> String {
    let profile = match &source.profile {
        Some(profile) => format!("profile {profile}"),
        None => "no profile".to_owned(),
    };
    let mut parts = vec![profile];
    parts.extend(source.overrides.iter().cloned());
    let others = newest.map_or(0, |newest| other_lines(&source.text, &newest.text));
    if others > 0 {
        let lines = if others == 1 { "line" } else { "lines" };
        parts.push(format!("{others} other {lines} in the file"));
    }
    parts.join(", ")
}

/// How many lines of a text aren't in the other; at least one if the texts differ.
fn other_lines(text: &str, other: &str) -> usize {
    if text == other {
        return 0;
    }
    let known: HashSet<&str> = other.lines().collect();
    text.lines().filter(|line| !known.contains(line)).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str, profile: Option<&str>, overrides: &[&str]) -> Source {
        Source {
            file: "a.toml".to_owned(),
            text: text.to_owned(),
            profile: profile.map(str::to_owned),
            overrides: overrides.iter().map(|&text| text.to_owned()).collect(),
            kinds: Vec::new(),
        }
    }

    #[test]
    fn sweeps_of_one_name_differ_in_profile_overrides_and_lines() {
        let newest = source("a\nb\nc", None, &[]);
        assert_eq!(variant(&newest, Some(&newest)), "no profile");
        assert_eq!(
            variant(&source("a\nb\nc", Some("quick"), &["epochs=3"]), Some(&newest)),
            "profile quick, epochs=3"
        );
        assert_eq!(
            variant(&source("a\nx\nc", None, &[]), Some(&newest)),
            "no profile, 1 other line in the file"
        );
        assert_eq!(
            variant(&source("a\nb", None, &[]), Some(&newest)),
            "no profile, 1 other line in the file"
        );
        assert_eq!(variant(&source("z", None, &[]), None), "no profile");
    }

    #[test]
    fn the_name_of_a_sweep_may_have_dashes() {
        assert_eq!([name_of("batch-sizes-0123456789"), name_of("a")], ["batch-sizes", "a"]);
    }
}
