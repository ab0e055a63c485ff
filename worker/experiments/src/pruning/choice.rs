//! The choice of the weights that a round takes away.

use std::collections::BTreeMap;

use basin_domain::experiment::{PruneBy, PruneScope, Pruning};
use basin_domain::random::Stream;

/// A weight that may be taken away.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// Weights with lower scores are taken away first.
    score: f64,
    /// The place of its parameter among all, by their names.
    parameter: usize,
    /// Its own place in the parameter.
    pub(super) place: u32,
}

/// The candidates of a parameter: its weights that remain.
pub(super) fn candidates(
    pruning: &Pruning,
    seed: u64,
    (parameter, name): (usize, &str),
    weights: &[f32],
    kept: &[bool],
) -> Vec<Candidate> {
    let mut stream = Stream::new(seed, &format!("prune/{}/{name}", pruning.round));
    let mut candidates = Vec::new();
    for ((place, weight), is_kept) in (0..).zip(weights).zip(kept) {
        let score = match pruning.by {
            PruneBy::Magnitude => f64::from(weight.abs()),
            // Drawn for every weight, so that no draw depends on which of the others remain.
            PruneBy::Random => stream.uniform(),
        };
        if *is_kept {
            candidates.push(Candidate { score, parameter, place });
        }
    }
    candidates
}

/// The places of the weights that a round takes away, by the place of their parameter. Equal scores go by parameter and place.
pub(super) fn chosen(pruning: &Pruning, all: Vec<Vec<Candidate>>) -> BTreeMap<usize, Vec<u32>> {
    let groups = match pruning.scope {
        PruneScope::Global => vec![all.into_iter().flatten().collect()],
        PruneScope::Layer => all,
    };
    let mut chosen: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for mut group in groups {
        let count = pruning.count(group.len());
        if count == 0 {
            continue;
        }
        group.select_nth_unstable_by(count - 1, |a, b| {
            a.score.total_cmp(&b.score).then((a.parameter, a.place).cmp(&(b.parameter, b.place)))
        });
        for candidate in &group[..count] {
            chosen.entry(candidate.parameter).or_default().push(candidate.place);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use basin_domain::experiment::Rewind;

    use super::*;

    fn round(fraction: f64, by: PruneBy, scope: PruneScope) -> Pruning {
        Pruning { round: 1, fraction, by, scope, rewind: Rewind::Step(0) }
    }

    fn sorted(pruning: &Pruning, parameters: &[(&[f32], &[bool])]) -> Vec<(usize, u32)> {
        let of = |(index, (weights, kept)): (usize, &(&[f32], &[bool]))| {
            candidates(pruning, 3, (index, &format!("p{index}")), weights, kept)
        };
        let all = parameters.iter().enumerate().map(of).collect();
        let mut places: Vec<_> = chosen(pruning, all)
            .into_iter()
            .flat_map(|(parameter, places)| places.into_iter().map(move |place| (parameter, place)))
            .collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn the_smallest_of_all_weights_go_first_and_those_that_are_gone_do_not_count() {
        let parameters: [(&[f32], &[bool]); 2] =
            [(&[0.5, -0.1, 0.0, 0.3], &[true, true, false, true]), (&[-0.2, 4.0], &[true, true])];
        let global = round(0.4, PruneBy::Magnitude, PruneScope::Global);
        assert_eq!(sorted(&global, &parameters), [(0, 1), (1, 0)]);
        let by_layer = round(0.4, PruneBy::Magnitude, PruneScope::Layer);
        assert_eq!(sorted(&by_layer, &parameters), [(0, 1), (1, 0)]);
        let most = round(0.7, PruneBy::Magnitude, PruneScope::Layer);
        assert_eq!(sorted(&most, &parameters), [(0, 1), (0, 3), (1, 0)], "one of each layer is left");
    }

    #[test]
    fn equal_weights_go_in_the_order_of_their_places() {
        let parameters: [(&[f32], &[bool]); 2] = [(&[1.0, -1.0], &[true; 2]), (&[1.0, 1.0], &[true; 2])];
        let half = round(0.5, PruneBy::Magnitude, PruneScope::Global);
        assert_eq!(sorted(&half, &parameters), [(0, 0), (0, 1)]);
    }

    #[test]
    fn random_choices_depend_on_seed_round_and_parameter_alone() {
        let weights = [1.0; 200];
        let half = round(0.5, PruneBy::Random, PruneScope::Global);
        let first = sorted(&half, &[(&weights, &[true; 200])]);
        assert_eq!(first.len(), 100);
        let larger: Vec<f32> = weights.iter().map(|weight| weight * 7.0).collect();
        assert_eq!(sorted(&half, &[(&larger, &[true; 200])]), first);
        assert_ne!(sorted(&Pruning { round: 2, ..half }, &[(&weights, &[true; 200])]), first);
        // About half of either half.
        let early = first.iter().filter(|(_, place)| *place < 100).count();
        assert!((30..=70).contains(&early), "{early}");
    }
}
