//! The series that a task records, while it runs, for people who look on: a bounded number of points of a bounded number of series.

use crate::curve::{Curve, CurvePoint};
use crate::metrics::{Axis, is_series_name};

/// The most series of a task that are told while it runs.
pub const SERIES_LIMIT: usize = 16;

/// A recorded value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeriesPoint {
    /// Where, on the axis of the series.
    pub x: f64,
    /// What was measured there; finite in a curve.
    pub value: f64,
}

impl CurvePoint for SeriesPoint {
    type Position = f64;

    fn position(&self) -> f64 {
        self.x
    }

    fn is_finite(&self) -> bool {
        self.x.is_finite() && self.value.is_finite()
    }
}

/// Some points of a series of a task that runs.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveSeries {
    name: String,
    axis: Axis,
    /// By ascending places, if they are of a curve.
    pub points: Vec<SeriesPoint>,
}

impl LiveSeries {
    /// A series of this name; none if no series is called so, or the axis is one along which runs don't go.
    pub fn new(name: impl Into<String>, axis: Axis, points: Vec<SeriesPoint>) -> Option<Self> {
        let name = name.into();
        (is_live(axis) && is_series_name(&name)).then_some(Self { name, axis, points })
    }

    /// Its name, as in the results.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The unit of x: epochs, iterations, or ratios.
    pub const fn axis(&self) -> Axis {
        self.axis
    }
}

/// Whether runs record along this axis as they go, so that a beginning of the series says something. Other series are made at the end, or
/// anew as a whole.
pub const fn is_live(axis: Axis) -> bool {
    match axis {
        Axis::Epoch | Axis::Iteration | Axis::Ratio => true,
        Axis::Input | Axis::Cell | Axis::Eigenvalue | Axis::Once => false,
    }
}

/// How the series of a task went so far: a curve each, of at most [`SERIES_LIMIT`].
#[derive(Debug, Clone)]
pub struct SeriesCurves {
    capacity: usize,
    curves: Vec<SeriesCurve>,
}

/// How a series went so far.
#[derive(Debug, Clone)]
struct SeriesCurve {
    name: String,
    axis: Axis,
    curve: Curve<SeriesPoint>,
}

impl SeriesCurves {
    /// No series; each will have fewer points than `capacity`.
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, curves: Vec::new() }
    }

    /// How many series there are.
    pub const fn count(&self) -> usize {
        self.curves.len()
    }

    /// Adds the newest points of a series. One that is new is left out where there are `most` already; one that goes on along another
    /// axis is begun anew.
    pub fn add(&mut self, said: &LiveSeries, most: usize) {
        let Some(curve) = self.curve(said, most) else { return };
        said.points.iter().for_each(|point| curve.push(*point));
    }

    fn curve(&mut self, of: &LiveSeries, most: usize) -> Option<&mut Curve<SeriesPoint>> {
        let place = self.curves.iter().position(|kept| kept.name == of.name);
        let place = match place {
            Some(place) => place,
            None if self.curves.len() >= most.min(SERIES_LIMIT) => return None,
            None => {
                let curve = Curve::new(self.capacity);
                self.curves.push(SeriesCurve { name: of.name.clone(), axis: of.axis, curve });
                self.curves.len() - 1
            }
        };
        let kept = self.curves.get_mut(place)?;
        if kept.axis != of.axis {
            (kept.axis, kept.curve) = (of.axis, Curve::new(self.capacity));
        }
        Some(&mut kept.curve)
    }

    /// The series that have points, in the order in which they came.
    pub fn all(&self) -> Vec<LiveSeries> {
        let with_points = self.curves.iter().filter(|kept| !kept.curve.points().is_empty());
        let series = |SeriesCurve { name, axis, curve }: &SeriesCurve| LiveSeries {
            name: name.clone(),
            axis: *axis,
            points: curve.points().to_vec(),
        };
        with_points.map(series).collect()
    }

    /// Leaves these points out: somebody else keeps them.
    pub fn remove(&mut self, told: &[LiveSeries]) {
        for LiveSeries { name, points, .. } in told {
            if let Some(kept) = self.curves.iter_mut().find(|kept| kept.name == *name) {
                kept.curve.remove(points);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(places: impl IntoIterator<Item = u32>) -> Vec<SeriesPoint> {
        places.into_iter().map(|x| SeriesPoint { x: f64::from(x), value: 0.5 }).collect()
    }

    fn series(name: &str, axis: Axis, places: impl IntoIterator<Item = u32>) -> LiveSeries {
        LiveSeries::new(name, axis, points(places)).unwrap()
    }

    #[test]
    fn a_series_is_live_if_its_name_is_one_and_runs_go_along_its_axis() {
        let live = |name: &str, axis| LiveSeries::new(name, axis, Vec::new()).is_some();
        for axis in Axis::ALL {
            let goes_along = matches!(axis, Axis::Epoch | Axis::Iteration | Axis::Ratio);
            assert_eq!(live("test_accuracy", axis), goes_along, "{axis:?}");
        }
        assert!(live(&"a".repeat(64), Axis::Epoch));
        for name in ["", "1st", "test accuracy", "a\u{1b}[2J", "../a", "größe", "a".repeat(65).as_str()] {
            assert!(!live(name, Axis::Epoch), "{name}");
        }
    }

    #[test]
    fn each_series_goes_on_by_itself_and_what_goes_back_takes_back() {
        let mut curves = SeriesCurves::new(64);
        curves.add(&series("test_loss", Axis::Epoch, 0..4), SERIES_LIMIT);
        curves.add(&series("gradient_norm", Axis::Iteration, 1..300), SERIES_LIMIT);
        curves.add(&series("test_loss", Axis::Epoch, [2, 5]), SERIES_LIMIT);
        let all = curves.all();
        assert_eq!(all[0], series("test_loss", Axis::Epoch, [0, 1, 2, 5]));
        assert_eq!((all[1].name(), all[1].axis()), ("gradient_norm", Axis::Iteration));
        assert!((20..64).contains(&all[1].points.len()), "{}", all[1].points.len());
        assert_eq!(all[1].points.last().map(|point| point.x), Some(299.0));
        curves.add(&series("test_loss", Axis::Iteration, [7]), SERIES_LIMIT);
        assert_eq!(
            curves.all()[0],
            series("test_loss", Axis::Iteration, [7]),
            "another axis is another curve"
        );
        assert_eq!(curves.count(), 2);
    }

    #[test]
    fn fractions_of_an_epoch_and_what_is_below_zero_are_places_like_others() {
        let mut curves = SeriesCurves::new(16);
        let places: Vec<f64> = (0..1_000).map(|number| -1.0 + 0.003 * f64::from(number)).collect();
        for &x in &places {
            let points = vec![SeriesPoint { x, value: x }];
            curves.add(&LiveSeries::new("train_loss", Axis::Ratio, points).unwrap(), SERIES_LIMIT);
        }
        let kept = curves.all().remove(0).points;
        assert!(kept.len() < 16 && kept.len() >= 5, "{kept:?}");
        assert_eq!((kept[0].x, kept.last().unwrap().x), (-1.0, places[999]));
        let widest = kept.windows(2).map(|pair| pair[1].x - pair[0].x).fold(0.0, f64::max);
        assert!(widest <= 3.0 / 4.0, "{kept:?}");
    }

    #[test]
    fn what_is_no_number_is_no_point_and_the_greatest_numbers_break_nothing() {
        let mut curves = SeriesCurves::new(8);
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let odd = odd.into_iter().flat_map(|odd| [(1.0, odd), (odd, 1.0)]);
        let odd: Vec<SeriesPoint> = odd.map(|(x, value)| SeriesPoint { x, value }).collect();
        curves.add(&LiveSeries::new("loss", Axis::Epoch, odd).unwrap(), SERIES_LIMIT);
        assert_eq!(curves.all(), []);
        for number in 0..100 {
            let x = [f64::MIN, f64::MIN_POSITIVE, f64::MAX / 2.0, f64::MAX][number % 4];
            let points = vec![SeriesPoint { x, value: f64::MIN }];
            curves.add(&LiveSeries::new("loss", Axis::Epoch, points).unwrap(), SERIES_LIMIT);
        }
        for number in 0..100_u64 {
            let points = vec![SeriesPoint { x: f64::from_bits(number), value: f64::MAX }];
            curves.add(&LiveSeries::new("loss", Axis::Epoch, points).unwrap(), SERIES_LIMIT);
        }
        assert!(curves.all()[0].points.len() < 8, "the least numbers, too");
    }

    #[test]
    fn there_are_so_many_series_and_what_others_keep_goes() {
        let mut curves = SeriesCurves::new(8);
        for number in 0..40 {
            curves.add(&series(&format!("series_{number}"), Axis::Epoch, [1, 2]), 3 + number);
        }
        assert_eq!(curves.count(), SERIES_LIMIT);
        curves.add(&series("another", Axis::Epoch, [1]), usize::MAX);
        assert_eq!(curves.count(), SERIES_LIMIT, "whatever there is room for elsewhere");
        let told = curves.all();
        curves.add(&series("series_3", Axis::Epoch, [3]), 0);
        curves.remove(&told);
        assert_eq!(curves.all(), [series("series_3", Axis::Epoch, [3])]);
    }
}
