//! Lines and areas in page units, clipped to their plot and thinned to what the eye can see.

use std::fmt::Write as _;

use super::interval::Interval;
use super::scene::Rect;

/// A point on the page; none is a gap.
pub(crate) type PagePoint = Option<(f64, f64)>;

/// The path data of a line through `places`, cut at the upper and lower edge of `area`.
pub(crate) fn line(places: &[PagePoint], area: &Rect) -> String {
    let mut path = String::new();
    for piece in places.split(Option::is_none) {
        let points: Vec<(f64, f64)> = piece.iter().copied().flatten().collect();
        let thin = simplified(&thinned(&points));
        // A single point has no length: a short stroke with it in the middle shows it.
        if let [(x, y)] = thin[..] {
            if (area.top..=area.bottom).contains(&y) {
                polyline(&mut path, &[(x - 1.5, y), (x + 1.5, y)]);
            }
            continue;
        }
        for inside in clipped(&thin, area.top, area.bottom) {
            polyline(&mut path, &inside);
        }
    }
    path
}

/// The path data of the area between two lines given as intervals on the page, cut at the edges of `area`.
pub(crate) fn band(places: &[Option<Interval>], area: &Rect) -> String {
    let mut path = String::new();
    for piece in places.split(Option::is_none) {
        let piece: Vec<Interval> = piece.iter().copied().flatten().collect();
        if piece.len() < 2 {
            continue;
        }
        let inside = |y: f64| y.clamp(area.top, area.bottom);
        let upper: Vec<_> = piece.iter().map(|at| (at.x, inside(at.high))).collect();
        let lower: Vec<_> = piece.iter().map(|at| (at.x, inside(at.low))).collect();
        let mut around = simplified(&thinned(&upper));
        around.extend(simplified(&thinned(&lower)).into_iter().rev());
        if !has_area(&around) {
            continue;
        }
        polyline(&mut path, &around);
        path.push('Z');
    }
    path
}

/// The path data of areas within closed lines, those within others left out if they go the other way round. A line with a
/// point that has no place is left out.
pub(crate) fn rings(lines: &[Vec<PagePoint>]) -> String {
    let mut path = String::new();
    for line in lines {
        let points: Option<Vec<(f64, f64)>> = line.iter().copied().collect();
        let Some(points) = points.filter(|points| points.len() > 2) else { continue };
        let around = simplified(&points);
        if !has_area(&around) {
            continue;
        }
        polyline(&mut path, &around);
        path.push('Z');
    }
    path
}

/// Whether a closed line as it is written encloses anything: an interval of no width doesn't, and the rasteriser warns of
/// such an area.
fn has_area(points: &[(f64, f64)]) -> bool {
    let differ = |of: fn(&(f64, f64)) -> f64| {
        points.windows(2).any(|pair| coordinate(of(&pair[0])) != coordinate(of(&pair[1])))
    };
    differ(|point| point.0) && differ(|point| point.1)
}

/// A straight piece: where it begins and ends.
pub(crate) type Segment = ((f64, f64), (f64, f64));

/// The path data of straight pieces.
pub(crate) fn segments(pieces: &[Segment]) -> String {
    let mut path = String::new();
    for &(from, to) in pieces {
        polyline(&mut path, &[from, to]);
    }
    path
}

/// The path data of a rectangle.
pub(crate) fn rectangle(area: &Rect) -> String {
    polygon(&[
        (area.left, area.top),
        (area.right, area.top),
        (area.right, area.bottom),
        (area.left, area.bottom),
    ])
}

/// The path data of the polygon with these corners.
pub(crate) fn polygon(corners: &[(f64, f64)]) -> String {
    let mut path = String::new();
    polyline(&mut path, corners);
    path.push('Z');
    path
}

/// The points that the eye needs: of all points within a pixel's width the first, the lowest, the highest and the last,
/// in their order.
pub(crate) fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let column = f64::floor;
    let mut kept = Vec::new();
    for bucket in points.chunk_by(|a, b| column(a.0) == column(b.0)) {
        if bucket.len() <= 4 {
            kept.extend_from_slice(bucket);
            continue;
        }
        let by = |better: fn(f64, f64) -> bool| {
            (1..bucket.len()).fold(0, |best, i| if better(bucket[i].1, bucket[best].1) { i } else { best })
        };
        let mut chosen = [0, by(|a, b| a < b), by(|a, b| a > b), bucket.len() - 1];
        chosen.sort_unstable();
        for (i, &index) in chosen.iter().enumerate() {
            if i == 0 || chosen[i - 1] != index {
                kept.push(bucket[index]);
            }
        }
    }
    kept
}

/// The points without those that lie within a tenth of a pixel of the line through the rest (Ramer 1972; Douglas &
/// Peucker 1973).
fn simplified(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    const TOLERANCE: f64 = 0.1;
    if points.len() < 3 {
        return points.to_vec();
    }
    let mut keep = vec![false; points.len()];
    (keep[0], keep[points.len() - 1]) = (true, true);
    let mut open = vec![(0, points.len() - 1)];
    while let Some((first, last)) = open.pop() {
        let farthest = (first + 1..last)
            .map(|index| (index, distance(points[index], points[first], points[last])))
            .fold((first, TOLERANCE), |best, next| if next.1 > best.1 { next } else { best });
        if farthest.0 != first {
            keep[farthest.0] = true;
            open.extend([(first, farthest.0), (farthest.0, last)]);
        }
    }
    points.iter().zip(keep).filter_map(|(&point, keep)| keep.then_some(point)).collect()
}

/// The distance of `point` from the line through `from` and `to`.
fn distance(point: (f64, f64), from: (f64, f64), to: (f64, f64)) -> f64 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy);
    if length == 0.0 {
        return (point.0 - from.0).hypot(point.1 - from.1);
    }
    ((point.0 - from.0) * dy - (point.1 - from.1) * dx).abs() / length
}

/// The pieces of a line that lie between `top` and `bottom`, cut where it crosses them.
fn clipped(points: &[(f64, f64)], top: f64, bottom: f64) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<(f64, f64)> = Vec::new();
    for pair in points.windows(2) {
        let [from, to] = [pair[0], pair[1]];
        // The share of the segment that lies inside (Liang & Barsky 1984, for one axis).
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        let rise = to.1 - from.1;
        if rise == 0.0 {
            if !(top..=bottom).contains(&from.1) {
                leave = -1.0;
            }
        } else {
            let (a, b) = ((top - from.1) / rise, (bottom - from.1) / rise);
            enter = enter.max(a.min(b));
            leave = leave.min(a.max(b));
        }
        if enter >= leave {
            close(&mut pieces, &mut piece);
            continue;
        }
        let at = |share: f64| match share {
            0.0 => from,
            1.0 => to,
            _ => (from.0 + share * (to.0 - from.0), from.1 + share * rise),
        };
        if piece.is_empty() {
            piece.push(at(enter));
        }
        piece.push(at(leave));
        if leave < 1.0 {
            close(&mut pieces, &mut piece);
        }
    }
    close(&mut pieces, &mut piece);
    pieces
}

fn close(pieces: &mut Vec<Vec<(f64, f64)>>, piece: &mut Vec<(f64, f64)>) {
    if piece.len() > 1 {
        pieces.push(std::mem::take(piece));
    }
    piece.clear();
}

fn polyline(path: &mut String, points: &[(f64, f64)]) {
    for (i, &(x, y)) in points.iter().enumerate() {
        let command = match i {
            0 => "M",
            1 => "L",
            _ => " ",
        };
        write!(path, "{command}{} {}", coordinate(x), coordinate(y)).expect("text can be written to");
    }
}

/// A coordinate to a hundredth of a pixel, without needless zeros.
pub(crate) fn coordinate(value: f64) -> String {
    let hundredths = (value * 100.0).round();
    // Adding zero turns a negative zero into zero.
    format!("{}", hundredths / 100.0 + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Rect = Rect { left: 0.0, top: 0.0, right: 100.0, bottom: 50.0 };

    #[test]
    fn thinning_keeps_the_extremes_and_the_ends() {
        let points: Vec<(f64, f64)> = (0..50_000)
            .map(|i| (f64::from(i) * 0.01, f64::from(i % 997) + if i == 31_234 { 5e3 } else { 0.0 }))
            .collect();
        let thin = simplified(&thinned(&points));
        assert!(thin.len() <= 500 * 4 + 4, "{}", thin.len());
        assert_eq!((thin[0], *thin.last().unwrap()), (points[0], points[49_999]));
        let extremes = |points: &[(f64, f64)]| {
            points.iter().fold((f64::MAX, f64::MIN), |(low, high), p| (low.min(p.1), high.max(p.1)))
        };
        assert_eq!(extremes(&thin), extremes(&points));
        assert!(thin.windows(2).all(|pair| pair[0].0 <= pair[1].0), "the order is kept");
    }

    #[test]
    fn a_smooth_line_needs_few_points_and_stays_where_it_is() {
        let wave = |x: f64| 25.0 + 20.0 * (x / 8.0).sin();
        let points: Vec<(f64, f64)> =
            (0..1000).map(|i| (f64::from(i) * 0.1, wave(f64::from(i) * 0.1))).collect();
        let simple = simplified(&points);
        assert!(simple.len() < 80, "{}", simple.len());
        for pair in simple.windows(2) {
            let between = points.iter().filter(|point| point.0 > pair[0].0 && point.0 < pair[1].0);
            for &point in between {
                assert!(distance(point, pair[0], pair[1]) <= 0.1);
            }
        }
    }

    #[test]
    fn few_points_are_left_as_they_are() {
        let points = [(0.0, 1.0), (10.0, 2.0), (20.0, 0.0)];
        assert_eq!(thinned(&points), points);
    }

    #[test]
    fn a_line_is_cut_where_it_leaves_the_plot() {
        let places = [Some((0.0, 25.0)), Some((10.0, 75.0)), Some((20.0, 75.0)), Some((30.0, 25.0))];
        assert_eq!(line(&places, &AREA), "M0 25L5 50M25 50L30 25");
    }

    #[test]
    fn a_gap_breaks_a_line_and_a_lone_point_stays_visible() {
        let places = [Some((0.0, 1.0)), Some((1.0, 2.0)), None, Some((3.0, 4.0)), None];
        assert_eq!(line(&places, &AREA), "M0 1L1 2M1.5 4L4.5 4");
        assert_eq!(line(&[None, None], &AREA), "");
    }

    fn interval(x: f64, low: f64, high: f64) -> Option<Interval> {
        Some(Interval { x, low, high })
    }

    #[test]
    fn a_band_goes_forth_on_its_upper_and_back_on_its_lower_side() {
        let places = [interval(0.0, 30.0, 10.0), interval(10.0, 60.0, -5.0)];
        assert_eq!(band(&places, &AREA), "M0 10L10 0 10 50 0 30Z");
    }

    #[test]
    fn a_band_of_no_height_is_no_area() {
        let flat = [interval(0.0, 20.0, 20.0), interval(10.0, 20.0, 20.001), None, interval(5.0, 1.0, 9.0)];
        assert_eq!(band(&flat, &AREA), "");
        let beyond = [interval(0.0, 90.0, 60.0), interval(10.0, 80.0, 70.0)];
        assert_eq!(band(&beyond, &AREA), "");
        assert_eq!(rings(&[vec![Some((0.0, 1.0)), Some((5.0, 1.0)), Some((9.0, 1.0))]]), "");
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!(coordinate(-0.001), "0");
        assert_eq!(coordinate(12.345_678), "12.35");
        assert_eq!(coordinate(7.0), "7");
    }
}
