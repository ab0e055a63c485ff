//! The series of running tasks, from and to the wire.

use basin_domain::curve::CurvePoint;
use basin_domain::live_series::{LiveSeries, SERIES_LIMIT, SeriesPoint};
use basin_domain::metrics::Axis;

use crate::convert::InvalidField;
use crate::v1;

/// The most points of a series that are read of a message.
const POINT_LIMIT: usize = 256;

/// The series that a message says, of its first so many; what can't be understood is left out.
pub fn read(said: &[v1::SeriesCurve]) -> Vec<LiveSeries> {
    said.iter().take(SERIES_LIMIT).filter_map(|series| LiveSeries::try_from(series).ok()).collect()
}

impl From<&LiveSeries> for v1::SeriesCurve {
    fn from(series: &LiveSeries) -> Self {
        let axis = match series.axis() {
            Axis::Epoch => v1::SeriesAxis::Epoch,
            Axis::Iteration => v1::SeriesAxis::Iteration,
            Axis::Ratio => v1::SeriesAxis::Ratio,
            Axis::Input | Axis::Cell | Axis::Eigenvalue | Axis::Once => v1::SeriesAxis::Unspecified,
        };
        Self {
            name: series.name().to_owned(),
            axis: axis.into(),
            x: series.points.iter().map(|point| point.x).collect(),
            values: series.points.iter().map(|point| point.value).collect(),
        }
    }
}

/// Of its first points those that are finite; what has no pair is left out.
impl TryFrom<&v1::SeriesCurve> for LiveSeries {
    type Error = InvalidField;

    fn try_from(wire: &v1::SeriesCurve) -> Result<Self, InvalidField> {
        let axis = match wire.axis() {
            v1::SeriesAxis::Epoch => Axis::Epoch,
            v1::SeriesAxis::Iteration => Axis::Iteration,
            v1::SeriesAxis::Ratio => Axis::Ratio,
            v1::SeriesAxis::Unspecified => {
                let why = format!("the axis {} is unknown", wire.axis);
                return Err(InvalidField { field: "series.axis", why });
            }
        };
        let pairs = wire.x.iter().zip(&wire.values).take(POINT_LIMIT);
        let points = pairs.map(|(&x, &value)| SeriesPoint { x, value });
        let points = points.filter(CurvePoint::is_finite).collect();
        LiveSeries::new(wire.name.as_str(), axis, points).ok_or_else(|| {
            let name: String = wire.name.chars().take(80).collect();
            InvalidField { field: "series.name", why: format!("no series is called {name:?}") }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(name: &str, axis: v1::SeriesAxis, points: &[(f64, f64)]) -> v1::SeriesCurve {
        let (x, values) = points.iter().copied().unzip();
        v1::SeriesCurve { name: name.to_owned(), axis: axis.into(), x, values }
    }

    #[test]
    fn a_series_comes_back_as_it_was_said() {
        for axis in [v1::SeriesAxis::Epoch, v1::SeriesAxis::Iteration, v1::SeriesAxis::Ratio] {
            let said = curve("test_accuracy", axis, &[(-0.5, 0.25), (1.0, 0.5)]);
            let read = read(std::slice::from_ref(&said));
            assert_eq!(read.len(), 1);
            assert_eq!(v1::SeriesCurve::from(&read[0]), said);
        }
    }

    #[test]
    fn names_and_axes_that_are_none_are_refused_and_numbers_that_are_none_left_out() {
        let fields = |wire: &v1::SeriesCurve| LiveSeries::try_from(wire).map_err(|error| error.field);
        let epoch = v1::SeriesAxis::Epoch;
        for name in ["", "a b", "a\u{1b}[2J", "../x", "a".repeat(65).as_str(), "x".repeat(1 << 20).as_str()] {
            assert_eq!(fields(&curve(name, epoch, &[(1.0, 1.0)])), Err("series.name"));
        }
        for axis in [0, 4, -1, i32::MAX] {
            let wire = v1::SeriesCurve { axis, ..curve("loss", epoch, &[(1.0, 1.0)]) };
            assert_eq!(fields(&wire), Err("series.axis"), "{axis}");
        }
        let odd = [(1.0, f64::NAN), (f64::NAN, 1.0), (2.0, f64::INFINITY), (3.0, 0.5), (f64::MIN, -0.0)];
        let mut wire = curve("loss", epoch, &odd);
        wire.x.push(7.0);
        let points = LiveSeries::try_from(&wire).unwrap().points;
        assert_eq!(points, [(3.0, 0.5), (f64::MIN, -0.0)].map(|(x, value)| SeriesPoint { x, value }));
    }

    #[test]
    fn of_a_flood_the_first_are_read() {
        let points: Vec<(f64, f64)> = (0..10_000).map(|x| (f64::from(x), 1.0)).collect();
        let all: Vec<v1::SeriesCurve> =
            (0..100).map(|number| curve(&format!("s{number}"), v1::SeriesAxis::Epoch, &points)).collect();
        let read = read(&all);
        assert_eq!(read.len(), SERIES_LIMIT);
        assert!(read.iter().all(|series| series.points.len() == POINT_LIMIT));
    }
}
