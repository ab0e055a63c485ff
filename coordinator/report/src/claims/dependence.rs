//! On which settings of its analysis a verdict depends.

use std::collections::{BTreeMap, BTreeSet};

use super::combination::Choices;
use super::verdict::Verdict;

/// The most combinations of values that a sentence names for a verdict.
const MAX_NAMED: usize = 8;

/// The verdict on which all combinations agree; undecided where they don't, with what it depends on.
///
/// `verdicts` has every combination of places among the values of `choices`, each once.
pub(super) fn agreed(
    choices: &[Choices<'_>],
    verdicts: &[(Vec<usize>, Verdict)],
) -> (Verdict, Option<String>) {
    let Some((_, first)) = verdicts.first() else { return (Verdict::Undecided, None) };
    if verdicts.iter().all(|(_, verdict)| verdict == first) {
        return (*first, None);
    }
    (Verdict::Undecided, Some(sentence(choices, verdicts)))
}

/// Why there is no verdict: `depends on minimal_ratio.positive: holds at 1e-8, 1e-6; refused at 1e-4`. Settings of which the
/// verdict doesn't depend, whatever the others are, aren't named.
fn sentence(choices: &[Choices<'_>], verdicts: &[(Vec<usize>, Verdict)]) -> String {
    let decisive: Vec<usize> = (0..choices.len()).filter(|&setting| decides(setting, verdicts)).collect();
    let names: Vec<&str> =
        decisive.iter().filter_map(|&setting| Some(choices.get(setting)?.variation.name.as_str())).collect();
    let words = |places: &[usize]| {
        let of = |&setting: &usize| {
            let value = choices.get(setting)?.values.get(*places.get(setting)?)?;
            Some(value.words.clone())
        };
        let words: Vec<String> = decisive.iter().filter_map(of).collect();
        if words.len() == 1 { words.concat() } else { format!("({})", words.join(", ")) }
    };
    let mut parts = Vec::new();
    for verdict in [Verdict::Holds, Verdict::DoesntHold, Verdict::Undecided] {
        let mut known = BTreeSet::new();
        let at = verdicts.iter().filter(|(_, found)| *found == verdict).map(|(places, _)| words(places));
        let at: Vec<String> = at.filter(|words| known.insert(words.clone())).collect();
        if at.is_empty() {
            continue;
        }
        let verb = match verdict {
            Verdict::Holds => "holds",
            Verdict::DoesntHold => "refused",
            Verdict::Undecided => "undecided",
        };
        let mut named = at.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ");
        if at.len() > MAX_NAMED {
            named += &format!(" and {} more", at.len() - MAX_NAMED);
        }
        parts.push(format!("{verb} at {named}"));
    }
    format!("depends on {}: {}", names.join(", "), parts.join("; "))
}

/// Whether two combinations that differ in this setting alone have different verdicts.
fn decides(setting: usize, verdicts: &[(Vec<usize>, Verdict)]) -> bool {
    let mut found: BTreeMap<Vec<usize>, Verdict> = BTreeMap::new();
    verdicts.iter().any(|(places, verdict)| {
        let others = places.iter().enumerate().filter(|(place, _)| *place != setting);
        let others = others.map(|(_, value)| *value).collect();
        *found.entry(others).or_insert(*verdict) != *verdict
    })
}

#[cfg(test)]
mod tests {
    use basin_domain::claim::{Analysis, Claim, Setting, Variation};

    use super::Verdict::{DoesntHold, Holds, Undecided};
    use super::*;
    use crate::claims::combination;

    /// The verdict of two settings with two and three values, by what `verdict` says of their places.
    fn of(verdict: impl Fn(usize, usize) -> Verdict) -> (Verdict, Option<String>) {
        let claim = Claim { text: String::new(), checks: Vec::new(), analysis: Analysis::default() };
        let level = |levels: &[f64]| levels.iter().map(|&level| Setting::Level(level)).collect();
        let a = Variation { name: "a".to_owned(), settings: level(&[0.9, 0.95]) };
        let b = Variation { name: "b".to_owned(), settings: level(&[0.8, 0.95, 0.99]) };
        let choices = [Choices::of(&a, &claim, &[]), Choices::of(&b, &claim, &[])];
        let all = combination::all(&choices);
        let verdicts: Vec<(Vec<usize>, Verdict)> =
            all.into_iter().map(|places| (places.clone(), verdict(places[0], places[1]))).collect();
        agreed(&choices, &verdicts)
    }

    #[test]
    fn what_all_combinations_agree_on_is_the_verdict() {
        assert_eq!(of(|_, _| Holds), (Holds, None));
        assert_eq!(of(|_, _| DoesntHold), (DoesntHold, None));
        assert_eq!(of(|_, _| Undecided), (Undecided, None));
    }

    #[test]
    fn a_verdict_that_depends_on_one_setting_names_that_alone() {
        let (verdict, why) = of(|_, b| if b < 2 { Holds } else { DoesntHold });
        assert_eq!(
            (verdict, why.as_deref()),
            (Undecided, Some("depends on b: holds at 0.8, 0.95; refused at 0.99"))
        );
        let (_, why) = of(|a, _| if a == 0 { Holds } else { Undecided });
        assert_eq!(why.as_deref(), Some("depends on a: holds at 0.9; undecided at 0.95"));
    }

    #[test]
    fn a_verdict_that_depends_on_two_settings_names_their_combinations() {
        let (_, why) = of(|a, b| if a + b == 3 { DoesntHold } else { Holds });
        assert_eq!(
            why.as_deref(),
            Some(
                "depends on a, b: holds at (0.9, 0.8), (0.9, 0.95), (0.9, 0.99), (0.95, 0.8), (0.95, 0.95); refused at \
                 (0.95, 0.99)"
            )
        );
    }
}
