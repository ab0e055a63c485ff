//! Points of several lines that stand at one place, drawn side by side so that no error bar covers another.

use std::collections::BTreeSet;

use basin_charts::scale::{Scale, is_drawable};

/// How far the lines of a panel stand apart, as a share of the axis' length.
const APART: f64 = 0.013;
/// The most that all lines together take of the space between two places.
const MOST: f64 = 0.4;
/// Less than this share of the axis' length is no distance that an eye sees.
const LEAST: f64 = 0.002;

/// The places of several lines beside the value of x that they belong to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lanes {
    scale: Scale,
    count: usize,
    /// The next line to be placed.
    next: usize,
    /// From one line to the next, in the axis' own terms: values, or their logarithms.
    step: f64,
}

impl Lanes {
    /// The places of `count` lines with points at these `places` of an axis.
    pub(super) fn of(scale: Scale, places: impl Iterator<Item = f64>, count: usize) -> Self {
        let on_axis: BTreeSet<u64> = places.filter(|x| is_drawable(scale, *x)).map(f64::to_bits).collect();
        let mut on_axis: Vec<f64> =
            on_axis.into_iter().map(|bits| along(scale, f64::from_bits(bits))).collect();
        on_axis.sort_by(f64::total_cmp);
        let length = on_axis.last().zip(on_axis.first()).map_or(0.0, |(last, first)| last - first);
        let nearest = on_axis.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        let step = (APART * length).min(MOST * nearest / count.max(1) as f64);
        let is_seen = count > 1 && step.is_finite() && step > LEAST * length;
        Self { scale, count, next: 0, step: if is_seen { step } else { 0.0 } }
    }

    /// The lane of the next line.
    pub(super) fn take(&mut self) -> Lane {
        let offset = (self.next as f64 - (self.count.max(1) - 1) as f64 / 2.0) * self.step;
        self.next += 1;
        Lane { scale: self.scale, offset }
    }
}

/// The place of one line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lane {
    scale: Scale,
    offset: f64,
}

impl Lane {
    /// Where the line's point of `x` stands.
    pub(super) fn place(self, x: f64) -> f64 {
        match self.scale {
            _ if self.offset == 0.0 => x,
            Scale::Linear => x + self.offset,
            Scale::Logarithmic => x * self.offset.exp(),
        }
    }
}

fn along(scale: Scale, x: f64) -> f64 {
    match scale {
        Scale::Linear => x,
        Scale::Logarithmic => x.ln(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(scale: Scale, xs: &[f64], count: usize, x: f64) -> Vec<f64> {
        let mut lanes = Lanes::of(scale, xs.iter().copied(), count);
        (0..count).map(|_| lanes.take().place(x)).collect()
    }

    #[test]
    fn two_lines_stand_side_by_side_and_one_where_it_is() {
        assert_eq!(places(Scale::Linear, &[0.0, 50.0, 100.0], 1, 50.0), [50.0]);
        let two = places(Scale::Linear, &[0.0, 50.0, 100.0], 2, 50.0);
        assert!((two[0] - 49.35).abs() < 1e-9 && (two[1] - 50.65).abs() < 1e-9, "{two:?}");
        let two = places(Scale::Logarithmic, &[64.0, 1024.0], 2, 64.0);
        assert!((two[0] * two[1] - 64.0 * 64.0).abs() < 1e-6 && two[1] > two[0], "{two:?}");
    }

    #[test]
    fn lines_never_reach_the_next_place_and_too_many_stay_together() {
        let xs = [0.0, 1.0, 100.0];
        let five = places(Scale::Linear, &xs, 5, 0.0);
        assert_eq!(five, [0.0; 5], "a fifth of the space between 0 and 1 isn't seen");
        let near = places(Scale::Linear, &[0.0, 4.0, 100.0], 2, 0.0);
        assert!(near[1] - near[0] <= MOST * 4.0, "{near:?}");
        assert_eq!(places(Scale::Linear, &[7.0], 3, 7.0), [7.0; 3]);
        assert_eq!(places(Scale::Logarithmic, &[-1.0, 0.0], 2, 3.0), [3.0; 2]);
    }
}
