//! How often chance alone puts values in such an order.

use super::student;

/// Up to so many pairs all orders are gone through: 8! = 40,320.
const MAX_EXACT: usize = 8;

/// Sums nearer to each other than this share of their scale are the same.
const ROUNDING: f64 = 1e-9;

/// The probability that a rank correlation is so far up, and so far down, where every order of the values is as likely.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ChanceOfOrder {
    /// The probability of a correlation at least as great.
    pub(super) as_great: f64,
    /// The probability of a correlation at most as great.
    pub(super) as_small: f64,
}

/// The chance of the rank correlation `estimate` of pairs with these ranks (ties share a rank): exact for up to eight
/// pairs, by all orders (Fisher 1935, "The Design of Experiments", section 21); beyond, by Student's t distribution of
/// ρ·√((n − 2)/(1 − ρ²)) with n − 2 degrees of freedom, which that over all orders nears (Pitman 1937, "Significance
/// tests which may be applied to samples from any populations. II"). Needs three pairs and ranks that vary.
pub(super) fn chance_of_order(ranks_of_x: &[f64], ranks_of_y: &[f64], estimate: f64) -> ChanceOfOrder {
    let n = ranks_of_x.len();
    if n > MAX_EXACT {
        let rest = (1.0 - estimate * estimate).max(f64::MIN_POSITIVE);
        let t = estimate * ((n - 2) as f64 / rest).sqrt();
        let as_great = student::probability_above(t, (n - 2) as f64);
        return ChanceOfOrder { as_great, as_small: 1.0 - as_great };
    }
    let middle = (n + 1) as f64 / 2.0;
    let centred = |ranks: &[f64]| ranks.iter().map(|rank| rank - middle).collect::<Vec<f64>>();
    let (x, mut y) = (centred(ranks_of_x), centred(ranks_of_y));
    let sum = |y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let seen = sum(&y);
    let tolerance = ROUNDING * (n * n * n) as f64;
    let (mut all, mut great, mut small) = (0_u32, 0_u32, 0_u32);
    for_each_order(&mut y, &mut |order| {
        let product = sum(order);
        all += 1;
        great += u32::from(product >= seen - tolerance);
        small += u32::from(product <= seen + tolerance);
    });
    let share = |count: u32| f64::from(count) / f64::from(all);
    ChanceOfOrder { as_great: share(great), as_small: share(small) }
}

/// Calls `visit` with every order of `values`, by Heap's algorithm (Heap 1963, "Permutations by interchanges").
fn for_each_order(values: &mut [f64], visit: &mut impl FnMut(&[f64])) {
    let n = values.len();
    let mut counts = vec![0; n];
    visit(values);
    let mut place = 1;
    while place < n {
        if counts[place] < place {
            let other = if place % 2 == 0 { 0 } else { counts[place] };
            values.swap(other, place);
            visit(values);
            counts[place] += 1;
            place = 1;
        } else {
            counts[place] = 0;
            place += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::rank::{ranks, spearman};

    fn chance(x: &[f64], y: &[f64]) -> ChanceOfOrder {
        chance_of_order(&ranks(x), &ranks(y), spearman(x, y).unwrap())
    }

    #[test]
    fn every_order_is_visited_once() {
        let mut seen = std::collections::BTreeSet::new();
        let mut visits = 0;
        for_each_order(&mut [1.0, 2.0, 3.0, 4.0, 5.0], &mut |order| {
            visits += 1;
            seen.insert(order.iter().map(|value| *value as u8).collect::<Vec<_>>());
        });
        assert_eq!((visits, seen.len()), (120, 120));
    }

    /// The tails of Spearman's correlation of five pairs (Kendall 1948, "Rank Correlation Methods", appendix table 2): of 120
    /// orders one has ρ = 1, four more ρ = 0.9, and three more ρ = 0.8.
    #[test]
    fn the_chance_of_few_pairs_is_that_of_the_published_table() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0];
        let table = [
            ([1.0, 2.0, 3.0, 4.0, 5.0], 1.0 / 120.0),
            ([2.0, 1.0, 3.0, 4.0, 5.0], 5.0 / 120.0),
            ([2.0, 1.0, 3.0, 5.0, 4.0], 8.0 / 120.0),
        ];
        for (y, expected) in table {
            assert!((chance(&x, &y).as_great - expected).abs() < 1e-12, "{y:?}");
            let down = y.map(|value| -value);
            assert!((chance(&x, &down).as_small - expected).abs() < 1e-12, "{y:?}");
        }
    }

    /// `scipy.stats.spearmanr(x, y, alternative="greater").pvalue` of SciPy 1.17.1, whose p value is that of the t
    /// distribution.
    #[test]
    fn the_chance_of_many_pairs_agrees_with_scipy() {
        let x: Vec<f64> = (0..10).map(f64::from).collect();
        let y = [3.0, 1.0, 4.0, 1.5, 5.0, 9.0, 2.0, 6.0, 5.5, 3.5];
        let found = chance(&x, &y);
        assert!((found.as_great - SCIPY).abs() < 1e-12, "{found:?}");
        assert!((found.as_great + found.as_small - 1.0).abs() < 1e-12);
    }

    const SCIPY: f64 = 0.080_761_464_008_727_97;

    #[test]
    fn ties_are_as_likely_in_every_place() {
        // Of the 10 places that two equal low values can have among five, one is that of both lowest x.
        let found = chance(&[1.0, 2.0, 3.0, 4.0, 5.0], &[0.0, 0.0, 1.0, 1.0, 1.0]);
        assert!((found.as_great - 0.1).abs() < 1e-12, "{found:?}");
    }
}
