//! The functions that are fitted, and the points on which they are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::expression::{Expression, InvalidExpression};
use crate::network::ExampleShape;
use crate::random::Stream;

/// The function that is fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Function {
    /// sin x
    Sin,
    /// x³
    Cube,
    /// Any other.
    Expression(Expression),
}

impl Function {
    /// The functions that have a name.
    pub const NAMED: [(&'static str, Self); 2] = [("sin", Self::Sin), ("cube", Self::Cube)];

    /// How many variables it has.
    pub fn variables(&self) -> usize {
        match self {
            Self::Sin | Self::Cube => 1,
            Self::Expression(expression) => expression.variables(),
        }
    }

    /// The shape of an example: the variables.
    pub fn example(&self) -> ExampleShape {
        ExampleShape::Vector { length: self.variables() as u32 }
    }

    /// The function's value at a point.
    ///
    /// # Panics
    /// If the point has fewer coordinates than the function has variables.
    pub fn at_point(&self, point: &[f64]) -> f64 {
        match self {
            Self::Sin => basin_math::sin(point[0]),
            Self::Cube => point[0] * point[0] * point[0],
            Self::Expression(expression) => expression.at(point),
        }
    }

    /// The value of a function of one variable.
    pub fn at(&self, x: f64) -> f64 {
        self.at_point(&[x])
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sin => f.write_str("sin"),
            Self::Cube => f.write_str("cube"),
            Self::Expression(expression) => expression.fmt(f),
        }
    }
}

impl FromStr for Function {
    type Err = InvalidExpression;

    /// Two spellings of one computation are one function: `sin(x)` is `sin`.
    fn from_str(text: &str) -> Result<Self, InvalidExpression> {
        match text {
            "sin" => return Ok(Self::Sin),
            "cube" => return Ok(Self::Cube),
            _ => {}
        }
        let expression: Expression = text.parse()?;
        Ok(match expression.to_string().as_str() {
            "sin(x)" => Self::Sin,
            "x*x*x" => Self::Cube,
            _ => Self::Expression(expression),
        })
    }
}

impl TryFrom<String> for Function {
    type Error = InvalidExpression;

    fn try_from(text: String) -> Result<Self, InvalidExpression> {
        text.parse()
    }
}

impl From<Function> for String {
    fn from(function: Function) -> Self {
        function.to_string()
    }
}

/// How the training points lie in their intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// At even distances, both ends included, on each axis: `points` along each of them.
    #[default]
    Grid,
    /// `points` of them, drawn uniformly, the same for all runs.
    Random,
}

impl Sampling {
    /// Every way, by its word in the sweep file.
    pub const ALL: [(&'static str, Self); 2] = [("grid", Self::Grid), ("random", Self::Random)];

    fn is_grid(&self) -> bool {
        *self == Self::Grid
    }
}

/// Where the training points lie beside the first variable's interval.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PointLayout {
    /// The ends of the other variables' intervals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_intervals: Vec<(f64, f64)>,
    /// How the points lie.
    #[serde(default, skip_serializing_if = "Sampling::is_grid")]
    pub sampling: Sampling,
}

impl PointLayout {
    /// Whether it is a grid on one interval.
    pub fn is_line(&self) -> bool {
        *self == Self::default()
    }
}

/// A function with the points on which it is fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct SampledFunction {
    /// The function.
    pub function: Function,
    /// The ends of the first variable's interval.
    pub interval: (f64, f64),
    /// The number of points, on a grid along each axis; at least 2.
    pub points: u32,
    /// The rest about where they lie.
    pub layout: PointLayout,
}

/// A point at which a function has no value that can be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("has the value {value} at x = {}", .at.iter().map(f64::to_string).collect::<Vec<_>>().join(", "))]
pub struct NoValue {
    /// The point's coordinates.
    pub at: Vec<f64>,
    /// The value.
    pub value: f64,
}

impl SampledFunction {
    /// A function of one variable on evenly spaced points of an interval, both ends included.
    pub fn line(function: Function, interval: (f64, f64), points: u32) -> Self {
        Self { function, interval, points, layout: PointLayout::default() }
    }

    /// The intervals of the variables, in their order.
    pub fn intervals(&self) -> Vec<(f64, f64)> {
        [self.interval].into_iter().chain(self.layout.other_intervals.iter().copied()).collect()
    }

    /// The number of training points; the largest `u64` stands for more.
    pub fn count(&self) -> u64 {
        match self.layout.sampling {
            Sampling::Random => u64::from(self.points),
            Sampling::Grid => (0..=self.layout.other_intervals.len())
                .fold(1, |count: u64, _| count.saturating_mul(u64::from(self.points))),
        }
    }

    /// Visits the points in their order; of a grid the last axis first.
    pub fn for_each<E>(&self, mut visit: impl FnMut(&[f64]) -> Result<(), E>) -> Result<(), E> {
        let intervals = self.intervals();
        let mut point = vec![0.0; intervals.len()];
        let mut stream = Stream::new(0, "function points");
        for index in 0..self.count() {
            let mut rest = index;
            for (axis, &(low, high)) in intervals.iter().enumerate().rev() {
                let share = match self.layout.sampling {
                    Sampling::Random => stream.uniform(),
                    Sampling::Grid => {
                        let place = rest % u64::from(self.points);
                        rest /= u64::from(self.points);
                        place as f64 / f64::from(self.points - 1)
                    }
                };
                point[axis] = low + (high - low) * share;
            }
            visit(&point)?;
        }
        Ok(())
    }

    /// Whether the function has a finite value, also in single precision, at every point.
    ///
    /// # Errors
    /// The first point at which it hasn't.
    pub fn check(&self) -> Result<(), NoValue> {
        if !matches!(self.function, Function::Expression(_)) {
            return Ok(());
        }
        self.for_each(|point| {
            let value = self.function.at_point(point);
            let fits = (value as f32).is_finite();
            if fits { Ok(()) } else { Err(NoValue { at: point.to_vec(), value }) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(text: &str, sampling: Sampling, points: u32, other: &[(f64, f64)]) -> SampledFunction {
        SampledFunction {
            function: text.parse().unwrap(),
            interval: (-1.0, 1.0),
            points,
            layout: PointLayout { other_intervals: other.to_vec(), sampling },
        }
    }

    fn points(of: &SampledFunction) -> Vec<Vec<f64>> {
        let mut all = Vec::new();
        of.for_each(|point| {
            all.push(point.to_vec());
            Ok::<(), ()>(())
        })
        .unwrap();
        all
    }

    #[test]
    fn the_named_functions_keep_their_names() {
        for (text, function) in
            [("sin", Function::Sin), ("sin( x )", Function::Sin), ("x*x*x", Function::Cube)]
        {
            assert_eq!(text.parse::<Function>().unwrap(), function);
        }
        assert_eq!(serde_json::to_string(&Function::Sin).unwrap(), "\"sin\"");
        let expression: Function = "sin(5*pi*x) / (5*pi*x)".parse().unwrap();
        assert_eq!(serde_json::to_string(&expression).unwrap(), "\"sin(5*pi*x)/(5*pi*x)\"");
        assert_eq!(serde_json::from_str::<Function>("\"sin(5*pi*x)/(5*pi*x)\"").unwrap(), expression);
    }

    #[test]
    fn a_grid_has_its_points_on_every_axis_and_drawn_points_lie_inside() {
        let grid = sampled("x1 + x2", Sampling::Grid, 3, &[(0.0, 4.0)]);
        assert_eq!(grid.count(), 9);
        assert_eq!(points(&grid)[..4], [vec![-1.0, 0.0], vec![-1.0, 2.0], vec![-1.0, 4.0], vec![0.0, 0.0]]);
        let drawn = sampled("x1 + x2", Sampling::Random, 500, &[(0.0, 4.0)]);
        let all = points(&drawn);
        assert_eq!(all.len(), 500);
        assert!(all.iter().all(|point| (-1.0..1.0).contains(&point[0]) && (0.0..4.0).contains(&point[1])));
        assert_eq!(all, points(&drawn));
    }

    #[test]
    fn a_point_without_a_value_is_named() {
        let hole = sampled("sin(5*pi*x)/(5*pi*x)", Sampling::Grid, 3, &[]);
        let error = hole.check().unwrap_err().to_string();
        assert_eq!(error, "has the value NaN at x = 0");
        assert!(sampled("sinc(5*pi*x)", Sampling::Grid, 3, &[]).check().is_ok());
        let steep = sampled("exp(100*x)", Sampling::Grid, 3, &[]);
        assert!(steep.check().is_err(), "beyond single precision");
    }
}
