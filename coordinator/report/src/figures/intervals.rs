//! The intervals and references of a chart, once all of it is there: what is said about them, and how dense bands may be.

use basin_charts::style::{BAND_OPACITY, Pen, band_opacity};
use basin_charts::{Chart, Entry, Mark, Panel, Swatch};

use super::notes::{self, Remark};

/// Ends intervals where their quantities' values end, lightens bands where there are many, and says both, which intervals the
/// axes cut off, and how often guesses are right, where a line says it.
pub(super) fn settle(chart: &mut Chart, chance: &str) {
    let mut remarks = Vec::new();
    for panel in chart.rows.iter_mut().flat_map(|row| &mut row.panels) {
        remarks.extend(clip(panel));
        lighten(panel);
        remarks.extend(cut_off(panel));
        leave_out_unseen_references(panel);
    }
    let mut sentences = notes::sentences(&remarks, usize::MAX);
    if chart.rows.iter().flat_map(|row| &row.panels).any(has_reference) {
        chart.legend.push(Entry { label: "chance".to_owned(), swatch: Swatch::Line(Pen::REFERENCE) });
        sentences.push(format!("Dashed: chance, {chance}."));
    }
    if !sentences.is_empty() {
        chart.description += &format!(" {}", sentences.join(" "));
    }
    chart.notes.extend(sentences);
}

/// Ends the intervals of a panel where its quantity's values end. That of a mean can reach beyond, and says no more by it than
/// that it reaches so far.
fn clip(panel: &mut Panel) -> Option<Remark> {
    let bounds = panel.y.bounds;
    let (mut below, mut above) = (false, false);
    for mark in &mut panel.marks {
        let (Mark::Band { points, .. } | Mark::ErrorBars { points, .. }) = mark else { continue };
        for interval in points {
            let (clipped, _) = bounds.clipped(*interval);
            below |= clipped.low > interval.low;
            above |= clipped.high < interval.high;
            *interval = clipped;
        }
    }
    let ends = match (below, above) {
        (false, false) => return None,
        (true, false) => format!("at {}", bounds.low),
        (false, true) => format!("at {}", bounds.high),
        (true, true) => format!("at {} and {}", bounds.low, bounds.high),
    };
    let text = format!("intervals are drawn to their end {ends}, beyond which it has no values");
    Some(Remark { quantity: panel.y.label.clone(), text })
}

/// Makes each of many bands lighter, so that lines stay in sight where they lie on each other.
fn lighten(panel: &mut Panel) {
    let is_interval = |mark: &&Mark| matches!(mark, Mark::Band { opacity, .. } if *opacity == BAND_OPACITY);
    let lighter = band_opacity(panel.marks.iter().filter(is_interval).count()) / BAND_OPACITY;
    for mark in &mut panel.marks {
        if let Mark::Band { opacity, .. } = mark {
            *opacity *= lighter;
        }
    }
}

/// What the panel's axis cuts off.
fn cut_off(panel: &Panel) -> Vec<Remark> {
    let beyond = panel.intervals_beyond();
    let remark = |text: String| Remark { quantity: panel.y.label.clone(), text };
    let bars = match beyond.bars {
        0 => None,
        1 => Some("1 interval reaches beyond the axis: an arrow".to_owned()),
        many => Some(format!("{many} intervals reach beyond the axis: arrows")),
    };
    let bands = (beyond.bands > 0).then(|| "bands reach beyond the axis and are cut off there".to_owned());
    bars.into_iter().chain(bands).map(remark).collect()
}

/// Whether a panel has a line of reference.
fn has_reference(panel: &Panel) -> bool {
    panel.marks.iter().any(|mark| reference(mark).is_some())
}

/// Where the line of chance lies, if a mark is that.
fn reference(mark: &Mark) -> Option<f64> {
    match mark {
        Mark::HorizontalLine { y, pen } if *pen == Pen::REFERENCE => Some(*y),
        _ => None,
    }
}

/// Takes away references that the axis doesn't reach, so that no legend names what nobody sees.
fn leave_out_unseen_references(panel: &mut Panel) {
    let unseen: Vec<f64> = panel.marks.iter().filter_map(reference).filter(|y| !panel.reaches(*y)).collect();
    panel.marks.retain(|mark| !reference(mark).is_some_and(|y| unseen.contains(&y)));
}

#[cfg(test)]
mod tests {
    use basin_charts::scale::Scale;
    use basin_charts::style::Color;
    use basin_charts::{Axis, Bounds, Interval, PanelRow};

    use super::*;

    fn at(x: f64, low: f64, high: f64) -> Interval {
        Interval { x, low, high }
    }

    fn chart(marks: Vec<Mark>) -> Chart {
        let y = Axis::new("accuracy", Scale::Linear).within(Bounds { low: 0.0, high: 1.0 });
        let panel = Panel {
            title: None,
            annotation: None,
            x: Axis::new("epoch", Scale::Linear),
            y,
            marks,
            readings: Vec::new(),
            is_plane: false,
        };
        Chart {
            title: String::new(),
            description: String::new(),
            heading: None,
            legend: Vec::new(),
            rows: vec![PanelRow { height: 200.0, panels: vec![panel] }],
            notes: Vec::new(),
        }
    }

    fn band(low: f64, high: f64) -> Mark {
        let points = vec![at(0.0, low, high), at(1.0, low, high)];
        Mark::Band { points, color: Color::Group(0), opacity: BAND_OPACITY, secondary: true }
    }

    fn line() -> Mark {
        Mark::Line { points: vec![(0.0, 0.4), (1.0, 0.6)], pen: Pen::group(0), secondary: false }
    }

    #[test]
    fn no_interval_of_an_accuracy_reaches_above_1() {
        let rising =
            Mark::Line { points: vec![(0.0, 0.5), (1.0, 0.9)], pen: Pen::group(0), secondary: false };
        let mut chart = chart(vec![band(0.5, 1.2), rising]);
        settle(&mut chart, "");
        let Mark::Band { points, .. } = &chart.rows[0].panels[0].marks[0] else { panic!("a band") };
        assert_eq!(points[0], at(0.0, 0.5, 1.0));
        assert_eq!(
            chart.notes,
            ["Accuracy: intervals are drawn to their end at 1, beyond which it has no values."]
        );
        assert!(chart.description.contains("beyond which it has no values"));
    }

    #[test]
    fn of_many_bands_each_is_lighter() {
        let opacity = |count: usize| {
            let mut chart = chart((0..count).map(|_| band(0.4, 0.6)).chain([line()]).collect());
            settle(&mut chart, "");
            let Mark::Band { opacity, .. } = chart.rows[0].panels[0].marks[0] else { panic!("a band") };
            opacity
        };
        assert_eq!((opacity(1), opacity(2)), (BAND_OPACITY, BAND_OPACITY));
        assert!(opacity(5) < 0.7 * BAND_OPACITY);
    }

    #[test]
    fn a_line_of_chance_is_named_where_there_is_one() {
        let named = |marks: Vec<Mark>| {
            let mut chart = chart(marks);
            settle(&mut chart, "1 in 10 classes");
            (chart.legend.len(), chart.notes)
        };
        assert_eq!(named(vec![line()]), (0, vec![]));
        let at = |y: f64| Mark::HorizontalLine { y, pen: Pen::REFERENCE };
        assert_eq!(named(vec![at(0.35), line()]), (1, vec!["Dashed: chance, 1 in 10 classes.".to_owned()]));
        // Far below all lines the axis ends before it.
        assert_eq!(named(vec![at(0.1), line()]), (0, vec![]));
    }

    #[test]
    fn an_error_bar_that_the_axis_cuts_off_is_said() {
        let bars = Mark::ErrorBars { points: vec![at(0.0, 0.1, 0.9)], color: Color::Group(0) };
        let near =
            Mark::Line { points: vec![(0.0, 0.5), (1.0, 0.500_01)], pen: Pen::group(0), secondary: false };
        let mut chart = chart(vec![bars, near]);
        settle(&mut chart, "");
        assert_eq!(chart.notes, ["Accuracy: 1 interval reaches beyond the axis: an arrow."]);
    }
}
