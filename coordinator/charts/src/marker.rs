//! Data points: shapes that stay apart in grey print, of about the same area each.

use std::fmt::Write as _;

use super::path::{self, coordinate};
use super::scene::Scene;
use super::style::{Color, Pen};

/// The shape of a data point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A disc.
    Circle,
    /// A square on its side.
    Square,
    /// A triangle that points upwards.
    Triangle,
    /// A square on its corner.
    Diamond,
    /// A triangle that points downwards.
    Wedge,
}

impl Shape {
    /// Every shape, in the order in which groups get them.
    pub const ALL: [Self; 5] = [Self::Circle, Self::Square, Self::Triangle, Self::Diamond, Self::Wedge];

    /// The shape of the n-th group: it changes along with the colour, and 35 groups go without a repetition of both.
    pub const fn group(n: usize) -> Self {
        Self::ALL[(n + n / Color::GROUPS) % Self::ALL.len()]
    }

    /// The corners around a centre at 0, for a disc of radius 1; none for the disc itself.
    const fn corners(self) -> &'static [(f64, f64)] {
        match self {
            Self::Circle => &[],
            Self::Square => &[(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)],
            Self::Triangle => &[(0.0, -1.42), (1.23, 0.71), (-1.23, 0.71)],
            Self::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            Self::Wedge => &[(0.0, 1.42), (-1.23, -0.71), (1.23, -0.71)],
        }
    }
}

/// How a data point is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Marker {
    /// Its colour.
    pub color: Color,
    /// Its shape.
    pub shape: Shape,
    /// Whether it is filled; a hollow one shows the paper within its outline. A filled one that doesn't cover all has an outline in
    /// its own colour, so that points that lie on each other can be told from one.
    pub is_filled: bool,
    /// The radius of a disc of its area, in pixels of the page.
    pub radius: f64,
    /// How much it covers, from 0 to 1.
    pub opacity: f64,
}

impl Marker {
    /// The point of the n-th group's mean: colour and shape both change with n.
    pub const fn group(n: usize) -> Self {
        Self { color: Color::Group(n), shape: Shape::group(n), is_filled: true, radius: 3.6, opacity: 1.0 }
    }

    /// The same point with nothing in it.
    pub const fn hollow(self) -> Self {
        Self { is_filled: false, ..self }
    }

    /// The same point in this size, covering so much.
    pub const fn sized(self, radius: f64, opacity: f64) -> Self {
        Self { radius, opacity, ..self }
    }

    /// Draws the point around this place of the page.
    pub(super) fn draw(self, scene: &mut Scene, at: (f64, f64)) {
        if self.is_filled {
            let outline = self.outline(at, self.radius);
            scene.fill(outline.clone(), self.color, self.opacity);
            if self.opacity < 1.0 {
                scene.stroke(outline, Pen::solid(self.color, 0.8).faint(0.8, (self.opacity + 0.4).min(1.0)));
            } else {
                // The rim keeps points apart that overlap.
                scene.stroke(outline, Pen::solid(Color::Paper, 0.6).faint(0.6, self.opacity));
            }
        } else {
            let outline = self.outline(at, self.radius - 0.4);
            scene.fill(outline.clone(), Color::Paper, self.opacity);
            scene.stroke(outline, Pen::solid(self.color, 1.2).faint(1.2, self.opacity));
        }
    }

    /// The path data of the outline.
    fn outline(self, (x, y): (f64, f64), radius: f64) -> String {
        let corners: Vec<(f64, f64)> =
            self.shape.corners().iter().map(|&(dx, dy)| (x + dx * radius, y + dy * radius)).collect();
        if !corners.is_empty() {
            return path::polygon(&corners);
        }
        let (r, across) = (coordinate(radius), coordinate(2.0 * radius));
        let mut path = String::new();
        write!(
            path,
            "M{} {}a{r} {r} 0 1 0 {across} 0a{r} {r} 0 1 0 -{across} 0Z",
            coordinate(x - radius),
            coordinate(y)
        )
        .expect("text can be written to");
        path
    }
}

/// Half the width of a cross.
pub(super) const ARM: f64 = 3.6;

/// A cross that marks a point.
pub(super) fn draw_cross(scene: &mut Scene, (x, y): (f64, f64), color: Color) {
    let arms = [((x - ARM, y - ARM), (x + ARM, y + ARM)), ((x - ARM, y + ARM), (x + ARM, y - ARM))];
    scene.stroke(path::segments(&arms), Pen::solid(color, 1.6));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_cover_about_the_same_area() {
        for shape in Shape::ALL {
            let corners = shape.corners();
            let next = corners.iter().cycle().skip(1);
            let twice: f64 = corners.iter().zip(next).map(|(a, b)| a.0 * b.1 - a.1 * b.0).sum();
            let area = if corners.is_empty() { std::f64::consts::PI } else { twice.abs() / 2.0 };
            assert!((2.5..=3.6).contains(&area), "{shape:?}: {area}");
        }
    }

    #[test]
    fn neighbouring_groups_differ_in_shape_and_none_of_35_has_anothers_colour_and_shape() {
        assert!((0..40).all(|n| Shape::group(n) != Shape::group(n + 1)));
        let pairs: std::collections::BTreeSet<_> =
            (0..35).map(|n| (Color::Group(n).hex(), format!("{:?}", Shape::group(n)))).collect();
        assert_eq!(pairs.len(), 35);
    }
}
