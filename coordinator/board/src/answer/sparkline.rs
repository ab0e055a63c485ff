//! Curves as small as a line of text.

use maud::{Markup, html};

use super::parts::{measured, text};

/// The most points of a curve.
const POINTS: usize = 60;
/// The width of a picture, in CSS pixels.
const WIDTH: f64 = 96.0;
/// Its height.
const HEIGHT: f64 = 20.0;
/// The room around the curve, half of its stroke at least.
const MARGIN: f64 = 1.5;

/// Some of the points, as evenly as they come, the first and the last among them.
pub(crate) fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let Some(last) = points.len().checked_sub(1).filter(|last| *last >= POINTS) else {
        return points.to_vec();
    };
    let places = (0..POINTS).map(|place| place * last / (POINTS - 1));
    places.filter_map(|place| points.get(place).copied()).collect()
}

/// The curve of `what` through points (x, value) by ascending x, from its smallest to its largest value: a picture for a row of a table,
/// that says its first and its last value to whoever doesn't see it. What is no finite number is left out. None of fewer than two points.
pub(crate) fn sparkline(what: &str, points: &[(f64, f64)]) -> Option<Markup> {
    let (first, last) = (points.first()?.1, points.last()?.1);
    let label = format!("{what} from {} to {}", measured(Some(first)), measured(Some(last)));
    let finite: Vec<(f64, f64)> =
        thinned(points).into_iter().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    let (from, to) = (finite.first()?.0, finite.last()?.0);
    if from >= to {
        return None;
    }
    let low = finite.iter().map(|(_, y)| *y).fold(f64::INFINITY, f64::min);
    let high = finite.iter().map(|(_, y)| *y).fold(f64::NEG_INFINITY, f64::max);
    let placed = finite.iter().map(|(x, y)| {
        let along = share(*x, from, to);
        let below = 1.0 - share(*y, low, high);
        let (width, height) = (WIDTH - 2.0 * MARGIN, HEIGHT - 2.0 * MARGIN);
        format!("{:.1},{:.1}", MARGIN + along * width, MARGIN + below * height)
    });
    let placed = placed.collect::<Vec<_>>().join(" ");
    Some(html! {
        svg.spark viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } width=(WIDTH) height=(HEIGHT) role="img" aria-label=(text(&label)) {
            polyline points=(placed) {}
        }
    })
}

/// The share of the way from `low` to `high`; in the middle where there is none. Halved first: the way may be longer than a number can be.
fn share(value: f64, low: f64, high: f64) -> f64 {
    let (part, all) = (value / 2.0 - low / 2.0, high / 2.0 - low / 2.0);
    if all > 0.0 { part / all } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[f64]) -> Option<String> {
        let points: Vec<(f64, f64)> = (0_i32..).map(f64::from).zip(values.iter().copied()).collect();
        sparkline("loss", &points).map(maud::PreEscaped::into_string)
    }

    #[test]
    fn a_curve_goes_from_its_smallest_to_its_largest_value_and_says_its_ends() {
        let html = drawn(&[4.0, 2.0, 3.0]).unwrap();
        assert!(html.contains("points=\"1.5,1.5 48.0,18.5 94.5,10.0\""), "{html}");
        assert!(html.contains("role=\"img\" aria-label=\"loss from 4 to 3\""), "{html}");
        assert!(html.starts_with("<svg class=\"spark\" viewBox=\"0 0 96 20\""), "{html}");
        assert!(!html.contains("style="), "{html}");
    }

    #[test]
    fn a_curve_that_stays_is_level_and_the_largest_numbers_break_nothing() {
        assert!(drawn(&[1.0, 1.0]).unwrap().contains("points=\"1.5,10.0 94.5,10.0\""));
        let widest = drawn(&[f64::MAX, f64::MIN]).unwrap();
        assert!(widest.contains("points=\"1.5,1.5 94.5,18.5\""), "{widest}");
    }

    #[test]
    fn what_is_no_number_is_left_out_and_said_where_it_is_an_end() {
        let diverged = drawn(&[2.0, 4.0, f64::NAN]).unwrap();
        assert!(diverged.contains("loss from 2 to not a number"), "{diverged}");
        assert!(diverged.contains("points=\"1.5,18.5 94.5,1.5\""), "{diverged}");
        for few in [&[][..], &[1.0], &[1.0, f64::NAN], &[f64::INFINITY, f64::NAN, f64::NEG_INFINITY]] {
            assert_eq!(drawn(few), None, "{few:?}");
        }
    }

    #[test]
    fn of_many_points_sixty_are_drawn_with_both_ends() {
        let points: Vec<(f64, f64)> = (0..10_000).map(|step| (f64::from(step), 1.0)).collect();
        let some = thinned(&points);
        assert_eq!((some.len(), some[0].0, some[POINTS - 1].0), (POINTS, 0.0, 9_999.0));
        assert!(some.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let (whole, next) = (&points[..POINTS], &points[..=POINTS]);
        assert_eq!((thinned(whole), thinned(next).len()), (whole.to_vec(), POINTS));
    }
}
