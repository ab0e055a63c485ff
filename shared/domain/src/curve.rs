//! A curve for people who look on: a bounded number of points, spread over all that was said.

/// A place on the axis of a curve.
pub trait Position: Copy + PartialOrd {
    /// The distance of a place from itself.
    const ZERO: Self;

    /// The distance from an earlier place.
    fn since(self, earlier: Self) -> Self;

    /// One of so many equal parts of a distance; of whole numbers, rounded up.
    fn part(self, of: usize) -> Self;
}

impl Position for u64 {
    const ZERO: Self = 0;

    fn since(self, earlier: Self) -> Self {
        self - earlier
    }

    fn part(self, of: usize) -> Self {
        self.div_ceil(of as u64)
    }
}

impl Position for f64 {
    const ZERO: Self = 0.0;

    fn since(self, earlier: Self) -> Self {
        self - earlier
    }

    fn part(self, of: usize) -> Self {
        self / of as Self
    }
}

/// A point of a curve.
pub trait CurvePoint: Copy + PartialEq {
    /// Where it is.
    type Position: Position;

    /// Where it is.
    fn position(&self) -> Self::Position;

    /// Whether it can be drawn: a place or a value that isn't finite can't.
    fn is_finite(&self) -> bool;
}

/// Points by ascending positions, all of them finite. However many are said, there are fewer than `capacity`: when they become as many,
/// half of them go, and later ones come as sparsely.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve<P: CurvePoint> {
    capacity: usize,
    points: Vec<P>,
    /// The distance between two points at least, but for the newest one.
    spacing: P::Position,
}

impl<P: CurvePoint> Curve<P> {
    /// A curve without points.
    ///
    /// # Panics
    /// If it has no room for eight.
    pub const fn new(capacity: usize) -> Self {
        assert!(capacity >= 8, "a curve of a few points is none");
        Self { capacity, points: Vec::new(), spacing: P::Position::ZERO }
    }

    /// Adds the newest point. What goes on from an earlier place takes back what was said of later ones. A point that isn't finite is
    /// left out.
    pub fn push(&mut self, point: P) {
        if !point.is_finite() {
            return;
        }
        while self.points.last().is_some_and(|last| last.position() >= point.position()) {
            self.points.pop();
        }
        // The newest point stands for those that came too soon after the one before it.
        if let [.., before, last] = self.points[..]
            && last.position().since(before.position()) < self.spacing
        {
            self.points.pop();
        }
        self.points.push(point);
        if self.points.len() == self.capacity {
            self.thin();
        }
    }

    /// Leaves half of the points, as evenly as they come, the first and the last among them.
    fn thin(&mut self) {
        let (Some(first), Some(last)) = (self.points.first().copied(), self.points.last().copied()) else {
            return;
        };
        self.spacing = last.position().since(first.position()).part(self.capacity / 2);
        let mut kept = first.position();
        let spacing = self.spacing;
        self.points.retain(|point| {
            let is_far = *point == first || point.position().since(kept) >= spacing || *point == last;
            if is_far {
                kept = point.position();
            }
            is_far
        });
    }

    /// The points, by ascending positions.
    pub fn points(&self) -> &[P] {
        &self.points
    }

    /// Leaves these points out: somebody else keeps them.
    pub fn remove(&mut self, points: &[P]) {
        self.points.retain(|point| !points.contains(point));
        if self.points.is_empty() {
            self.spacing = P::Position::ZERO;
        }
    }
}
