//! Contours of values on a grid: marching squares (after Lorensen & Cline 1987), with linear interpolation along the grid's
//! edges.
//!
//! Where the corners of a square are high, low, high, low in turn, the mean of the four decides whether the high ones are
//! joined. Nothing is drawn in a square with a corner that isn't finite.

use std::collections::BTreeMap;

/// Values at the crossings of a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// The horizontal coordinate of each column, rising.
    pub columns: Vec<f64>,
    /// The vertical coordinate of each row, rising.
    pub rows: Vec<f64>,
    /// The values, row by row; those that aren't finite are holes.
    pub values: Vec<f64>,
}

/// A line through these points.
pub type Polyline = Vec<(f64, f64)>;

/// Where a contour passes: a crossing of the grid, or an edge between two (the lesser crossing, and whether it goes up).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Vertex {
    Crossing(usize),
    Edge(usize, bool),
}

/// A side of squares, as it goes round one of them.
struct SquareSide {
    /// The crossing at which it begins.
    from: usize,
    /// The crossing at which it ends.
    to: usize,
    /// How many squares it belongs to.
    squares: usize,
}

/// Pieces of contours by where they begin; the high side is on their left.
type Pieces = BTreeMap<Vertex, Vec<Vertex>>;

impl Grid {
    /// Where the values are at least `level`: closed lines with the area on their left, so that filling them all at once
    /// leaves out the holes within them.
    pub fn at_least(&self, level: f64) -> Vec<Polyline> {
        let mut pieces = self.pieces(level);
        for (from, to) in self.border() {
            let (is_from, is_to) = (self.values[from] >= level, self.values[to] >= level);
            let edge = Self::edge(from, to);
            match (is_from, is_to) {
                (true, true) => add(&mut pieces, Vertex::Crossing(from), Vertex::Crossing(to)),
                (true, false) => add(&mut pieces, Vertex::Crossing(from), edge),
                (false, true) => add(&mut pieces, edge, Vertex::Crossing(to)),
                (false, false) => {}
            }
        }
        self.chained(pieces, level)
    }

    /// Everything that isn't a hole, as [`Grid::at_least`] gives areas.
    pub fn everything(&self) -> Vec<Polyline> {
        self.at_least(f64::NEG_INFINITY)
    }

    /// The lines along which the values are `level`; closed ones end where they begin.
    pub fn lines(&self, level: f64) -> Vec<Polyline> {
        self.chained(self.pieces(level), level)
    }

    /// Whether there are holes.
    pub fn has_holes(&self) -> bool {
        self.values.iter().any(|value| !value.is_finite())
    }

    /// The crossings of the square to the right of and above this place, against the clock, if it isn't a hole.
    fn square(&self, column: usize, row: usize) -> Option<[usize; 4]> {
        let across = self.columns.len();
        let first = row * across + column;
        let corners = [first, first + 1, first + across + 1, first + across];
        corners.iter().all(|&corner| self.values[corner].is_finite()).then_some(corners)
    }

    fn squares(&self) -> impl Iterator<Item = [usize; 4]> + '_ {
        let (across, up) = (self.columns.len().saturating_sub(1), self.rows.len().saturating_sub(1));
        (0..up).flat_map(move |row| (0..across).filter_map(move |column| self.square(column, row)))
    }

    fn edge(a: usize, b: usize) -> Vertex {
        Vertex::Edge(a.min(b), a.abs_diff(b) > 1)
    }

    /// The edges that have a square on one side only, with it on their left.
    fn border(&self) -> Vec<(usize, usize)> {
        let mut sides: BTreeMap<(usize, usize), SquareSide> = BTreeMap::new();
        for corners in self.squares() {
            for side in 0..4 {
                let (from, to) = (corners[side], corners[(side + 1) % 4]);
                sides
                    .entry((from.min(to), from.max(to)))
                    .or_insert(SquareSide { from, to, squares: 0 })
                    .squares += 1;
            }
        }
        sides.into_values().filter(|side| side.squares == 1).map(|side| (side.from, side.to)).collect()
    }

    /// The contours within each square.
    fn pieces(&self, level: f64) -> Pieces {
        let mut pieces = Pieces::new();
        for corners in self.squares() {
            let is_high = corners.map(|corner| self.values[corner] >= level);
            // Against the clock along the square's sides: where one leaves the high area, and where one comes back to it.
            let side = |side: usize| Self::edge(corners[side], corners[(side + 1) % 4]);
            let (mut exits, mut entries) = (Vec::new(), Vec::new());
            for index in 0..4 {
                match (is_high[index], is_high[(index + 1) % 4]) {
                    (true, false) => exits.push(index),
                    (false, true) => entries.push(index),
                    (true, true) | (false, false) => {}
                }
            }
            let mean = corners.iter().map(|&corner| self.values[corner] / 4.0).sum::<f64>();
            for &exit in &exits {
                // With two of each: joined in the middle, the contour goes round the low corner ahead; else round the
                // high corner behind.
                let steps = |entry: &usize| (entry + 4 - exit) % 4;
                let entry = if mean >= level {
                    entries.iter().min_by_key(|entry| steps(entry))
                } else {
                    entries.iter().max_by_key(|entry| steps(entry))
                };
                if let Some(&entry) = entry {
                    add(&mut pieces, side(exit), side(entry));
                }
            }
        }
        pieces
    }

    fn point(&self, vertex: Vertex, level: f64) -> (f64, f64) {
        let across = self.columns.len();
        let at = |crossing: usize| (self.columns[crossing % across], self.rows[crossing / across]);
        match vertex {
            Vertex::Crossing(crossing) => at(crossing),
            Vertex::Edge(from, goes_up) => {
                let to = if goes_up { from + across } else { from + 1 };
                let (a, b) = (self.values[from], self.values[to]);
                let share = ((level - a) / (b - a)).clamp(0.0, 1.0);
                let ((x0, y0), (x1, y1)) = (at(from), at(to));
                (x0 + share * (x1 - x0), y0 + share * (y1 - y0))
            }
        }
    }

    /// Puts pieces together to lines, as long as one goes on where another ends.
    fn chained(&self, mut pieces: Pieces, level: f64) -> Vec<Polyline> {
        let ends: Vec<Vertex> = pieces.values().flatten().copied().collect();
        let mut arriving: BTreeMap<Vertex, usize> = BTreeMap::new();
        for end in ends {
            *arriving.entry(end).or_default() += 1;
        }
        // Open lines first, from their beginnings; what is left are closed ones.
        let mut starts: Vec<Vertex> =
            pieces.keys().copied().filter(|start| !arriving.contains_key(start)).collect();
        starts.extend(pieces.keys().copied());
        let mut lines = Vec::new();
        for start in starts {
            while let Some(mut next) = take(&mut pieces, start) {
                let mut line = vec![self.point(start, level)];
                loop {
                    line.push(self.point(next, level));
                    if next == start {
                        break;
                    }
                    match take(&mut pieces, next) {
                        Some(further) => next = further,
                        None => break,
                    }
                }
                lines.push(line);
            }
        }
        lines
    }
}

fn add(pieces: &mut Pieces, from: Vertex, to: Vertex) {
    pieces.entry(from).or_default().push(to);
}

fn take(pieces: &mut Pieces, from: Vertex) -> Option<Vertex> {
    let next = pieces.get_mut(&from)?.pop();
    if pieces.get(&from).is_some_and(Vec::is_empty) {
        pieces.remove(&from);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(cells: usize, extent: f64, value: impl Fn(f64, f64) -> f64) -> Grid {
        let places: Vec<f64> = (0..=cells).map(|i| extent * (2.0 * i as f64 / cells as f64 - 1.0)).collect();
        let values = places.iter().flat_map(|&y| places.iter().map(|&x| value(x, y)).collect::<Vec<_>>());
        Grid { values: values.collect(), columns: places.clone(), rows: places }
    }

    /// The area to the left of closed lines (Gauss' formula).
    fn area(lines: &[Polyline]) -> f64 {
        let twice = |line: &Polyline| {
            line.windows(2).map(|pair| pair[0].0 * pair[1].1 - pair[1].0 * pair[0].1).sum::<f64>()
        };
        lines.iter().map(twice).sum::<f64>() / 2.0
    }

    fn is_closed(line: &Polyline) -> bool {
        line.len() > 2 && line[0] == line[line.len() - 1]
    }

    #[test]
    fn a_plane_is_cut_exactly() {
        let plane = grid(7, 1.0, |x, y| 2.0 * x + y);
        for level in [-1.7, -0.3, 0.0, 0.4, 1.1] {
            let lines = plane.lines(level);
            assert_eq!(lines.len(), 1, "at {level}");
            assert!(lines[0].iter().all(|&(x, y)| (2.0 * x + y - level).abs() < 1e-12));
            // 2x + y ≥ level: for |level| ≤ 1 the line crosses lower and upper side, at (level ± 1)/2.
            if level.abs() <= 1.0 {
                assert!((area(&plane.at_least(level)) - (2.0 - level)).abs() < 1e-12, "at {level}");
            }
        }
        assert!((area(&plane.everything()) - 4.0).abs() < 1e-12);
        assert!(plane.lines(5.0).is_empty() && plane.at_least(5.0).is_empty());
    }

    #[test]
    fn a_cone_has_circles_around_its_tip_and_its_inside_is_left_out() {
        let cone = grid(200, 1.0, f64::hypot);
        for level in [0.25, 0.5, 0.9] {
            let lines = cone.lines(level);
            assert_eq!(lines.len(), 1);
            assert!(is_closed(&lines[0]));
            assert!(lines[0].iter().all(|&(x, y)| (x.hypot(y) - level).abs() < 1e-3), "at {level}");
            let beyond = cone.at_least(level);
            assert_eq!(beyond.len(), 2, "the square and the hole in it");
            assert!(beyond.iter().all(is_closed));
            let expected = 4.0 - std::f64::consts::PI * level * level;
            assert!((area(&beyond) - expected).abs() < 2e-4, "{} {expected}", area(&beyond));
        }
    }

    #[test]
    fn a_saddle_is_joined_as_the_middle_of_the_square_says() {
        let saddle = |middle: f64| Grid {
            columns: vec![0.0, 1.0],
            rows: vec![0.0, 1.0],
            values: vec![1.0 + middle, -1.0 + middle, -1.0 + middle, 1.0 + middle],
        };
        // Two lines either way; joined, they go round the low corners, and the area is all but two triangles.
        let (joined, apart) = (saddle(0.2), saddle(-0.2));
        assert_eq!((joined.lines(0.0).len(), apart.lines(0.0).len()), (2, 2));
        assert_eq!((joined.at_least(0.0).len(), apart.at_least(0.0).len()), (1, 2));
        let corner = 0.4 * 0.4 / 2.0;
        assert!((area(&joined.at_least(0.0)) - (1.0 - 2.0 * corner)).abs() < 1e-12);
        assert!((area(&apart.at_least(0.0)) - 2.0 * corner).abs() < 1e-12);
    }

    #[test]
    fn areas_of_rising_levels_lie_within_each_other() {
        let bumps = grid(40, 3.0, |x, y| (2.0 * x).sin() * (1.5 * y).cos() + 0.1 * x * y);
        let areas: Vec<f64> = (0..20).map(|i| area(&bumps.at_least(f64::from(i) * 0.1 - 1.0))).collect();
        assert!(areas.windows(2).all(|pair| pair[0] > pair[1]), "{areas:?}");
        assert!(bumps.at_least(0.0).iter().all(is_closed));
    }

    #[test]
    fn a_hole_is_left_out_with_the_squares_around_it() {
        let mut flat = grid(6, 3.0, |_, _| 1.0);
        flat.values[3 * 7 + 3] = f64::NAN;
        assert!(flat.has_holes());
        assert_eq!(area(&flat.everything()), 36.0 - 4.0);
        assert_eq!(area(&flat.at_least(0.5)), 32.0);
        assert!(flat.lines(1.0).is_empty(), "a plateau at the level has no line");
        flat.values.fill(f64::NAN);
        assert!(flat.everything().is_empty());
    }

    #[test]
    fn holes_that_touch_at_a_corner_leave_closed_lines() {
        let mut flat = grid(8, 4.0, |x, y| x + y);
        for hole in [2 * 9 + 2, 4 * 9 + 4] {
            flat.values[hole] = f64::INFINITY;
        }
        let lines = flat.everything();
        assert!(lines.iter().all(is_closed));
        assert_eq!(area(&lines), 64.0 - 8.0);
    }
}
