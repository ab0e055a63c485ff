//! Panels of single marks, laid out and looked at.

use super::layout::{Captions, lay_out};
use super::marker::Marker;
use super::part::Role;
use super::scale::Scale;
use super::scene::{Item, Rect, Scene, Text};
use super::style::Color;
use super::svg;
use super::{Axis, Chart, Entry, Interval, Mark, Panel, PanelRow, Swatch};

fn panel(marks: Vec<Mark>) -> Panel {
    Panel {
        title: None,
        annotation: None,
        x: Axis::new("x", Scale::Linear),
        y: Axis::new("y", Scale::Linear),
        marks,
        readings: vec![],
        is_plane: false,
    }
}

fn scene(panels: Vec<Panel>) -> Scene {
    let chart = Chart {
        title: String::new(),
        description: String::new(),
        heading: None,
        legend: vec![],
        rows: vec![PanelRow { height: 200.0, panels }],
        notes: vec![],
    };
    lay_out(&chart, Captions::Included)
}

fn texts(scene: &Scene) -> Vec<&Text> {
    let texts = scene.items.iter().filter_map(|item| match item {
        Item::Text(text) => Some(text),
        Item::Stroke { .. } | Item::Fill { .. } => None,
    });
    texts.collect()
}

fn text(scene: &Scene) -> Vec<&str> {
    texts(scene).into_iter().map(|text| text.text.as_str()).collect()
}

/// The paths of points of this colour.
fn points(scene: &Scene, wanted: Color) -> usize {
    let is_point = |item: &&Item| matches!(item, Item::Fill { color, .. } if *color == wanted);
    scene.items.iter().filter(is_point).count()
}

fn group_of(points: Vec<(f64, f64)>) -> Mark {
    Mark::Points { points, marker: Marker::group(0) }
}

#[test]
fn an_axis_shows_all_points_and_those_without_a_place_are_left_out() {
    let scene = scene(vec![panel(vec![group_of(vec![(1.0, 5.0), (9.0, 40.0), (4.0, f64::NAN)])])]);
    assert_eq!(points(&scene, Color::Group(0)), 2);
    assert!(text(&scene).contains(&"40"), "{:?}", text(&scene));
}

#[test]
fn a_hollow_point_shows_the_paper_within() {
    let marks = vec![Mark::Points { points: vec![(1.0, 1.0)], marker: Marker::group(2).hollow() }];
    let scene = scene(vec![panel(marks)]);
    assert_eq!((points(&scene, Color::Paper), points(&scene, Color::Group(2))), (1, 0));
}

#[test]
fn error_bars_widen_an_axis_only_so_far_and_are_cut_off_beyond() {
    let wide =
        Mark::ErrorBars { points: vec![Interval { x: 1.0, low: -1e6, high: 1e6 }], color: Color::Group(0) };
    let scene = scene(vec![panel(vec![wide, group_of(vec![(1.0, 1.0), (2.0, 3.0)])])]);
    let plot = scene.plots[0];
    let bar = scene.items.iter().find_map(|item| match item {
        Item::Stroke { path, pen } if pen.color == Color::Group(0) => Some(path.clone()),
        Item::Stroke { .. } | Item::Fill { .. } | Item::Text(_) => None,
    });
    // From edge to edge, without a cap: an arrow at either end says that it goes on.
    let bar = bar.unwrap();
    assert_eq!(bar.matches('M').count(), 1 + 2 * 2, "{bar}");
    assert!(
        bar.contains(&format!(" {}L", plot.bottom)) && bar.ends_with(&format!(" {}", plot.bottom)),
        "{bar}"
    );
    assert_eq!(bar.matches(&format!(" {}M", plot.top)).count(), 3, "{bar}");
    assert!(text(&scene).iter().all(|text| text.chars().count() < 4), "{:?}", text(&scene));
}

#[test]
fn an_upright_stands_where_it_is_told_and_nowhere_beyond_the_axis() {
    let strokes = |marks: Vec<Mark>| {
        let scene = scene(vec![panel(marks)]);
        let is_upright = |item: &&Item| matches!(item, Item::Stroke { pen, path } if pen.color == Color::Muted && !path.is_empty());
        scene.items.iter().filter(is_upright).count()
    };
    assert_eq!(strokes(vec![Mark::VerticalLine { x: 0.0 }, group_of(vec![(1.0, 1.0), (2.0, 3.0)])]), 1);
    assert_eq!(strokes(vec![Mark::VerticalLine { x: f64::NAN }, group_of(vec![(1.0, 1.0)])]), 0);
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}

fn label(at: (f64, f64), text: &str, is_optional: bool) -> Mark {
    Mark::Label { at, text: text.to_owned(), color: Color::Ink, is_optional }
}

#[test]
fn a_label_keeps_clear_of_its_own_marker_and_an_optional_one_of_everything() {
    let large = Marker::group(0).sized(8.0, 1.0);
    let point = |at: (f64, f64)| Mark::Points { points: vec![at], marker: large };
    let alone =
        scene(vec![panel(vec![point((1.0, 1.0)), point((3.0, 3.0)), label((1.0, 1.0), "one", false)])]);
    let of = |scene: &Scene| texts(scene).into_iter().find(|text| text.is_label).map(|text| text.bounds);
    let bounds = of(&alone).unwrap();
    let at = alone.parts.iter().find_map(|part| match part.role {
        Role::Moved { at, .. } => Some(at),
        Role::Entry { .. } | Role::Axes { .. } | Role::Stretched { .. } => None,
    });
    assert!(bounds.left > at.unwrap().0 + 8.0, "{bounds:?} {at:?}");
    // A line through the point in every direction leaves no place near it.
    let crowd: Vec<(f64, f64)> = (0..400).map(|i| (f64::from(i % 20), f64::from(i / 20))).collect();
    let crowded = |is_optional: bool| {
        let marks = vec![
            Mark::Points { points: crowd.clone(), marker: large },
            label((9.0, 9.0), "nine", is_optional),
        ];
        of(&scene(vec![panel(marks)])).is_some()
    };
    assert_eq!((crowded(false), crowded(true)), (true, false));
}

#[test]
fn points_have_room_between_them_and_the_axes() {
    let scene = scene(vec![panel(vec![group_of(vec![(0.0, 0.0), (10.0, 5.0)])])]);
    let places: Vec<(f64, f64)> = scene
        .parts
        .iter()
        .filter_map(|part| match part.role {
            Role::Moved { at, .. } => Some(at),
            Role::Entry { .. } | Role::Axes { .. } | Role::Stretched { .. } => None,
        })
        .collect();
    let plot = scene.plots[0];
    assert_eq!(places.len(), 2);
    for (x, y) in places {
        assert!(x > plot.left + 5.0 && x < plot.right - 5.0 && y < plot.bottom - 5.0, "{x} {y} {plot:?}");
    }
}

#[test]
fn a_plane_has_one_scale_along_both_axes() {
    let of = |is_plane: bool| Panel { is_plane, ..panel(vec![group_of(vec![(0.0, 0.0), (10.0, 5.0)])]) };
    let per_pixel = |scene: &Scene| {
        let view = &scene.views[0];
        ((view.x.high - view.x.low) / view.plot.width(), (view.y.high - view.y.low) / view.plot.height())
    };
    let (across, up) = per_pixel(&scene(vec![of(true)]));
    assert!((across / up - 1.0).abs() < 1e-9, "{across} {up}");
    let (across, up) = per_pixel(&scene(vec![of(false)]));
    assert!((across / up - 1.0).abs() > 0.1);
}

#[test]
fn parts_follow_each_other_and_the_page_has_each_as_a_group_of_elements() {
    let mut chart = Chart {
        title: String::new(),
        description: String::new(),
        heading: None,
        legend: vec![],
        rows: vec![PanelRow {
            height: 200.0,
            panels: vec![panel(vec![group_of(vec![(1.0, 1.0), (2.0, 3.0)])])],
        }],
        notes: vec![],
    };
    let entry = |group: usize, label: &str| Entry {
        label: label.to_owned(),
        swatch: Swatch::Point(Marker::group(group)),
    };
    chart.legend = vec![entry(0, "<one>"), entry(1, "two"), entry(1, "two again")];
    let scene = lay_out(&chart, Captions::Omitted);
    assert!(scene.parts.windows(2).all(|pair| pair[0].items.end <= pair[1].items.start), "{:?}", scene.parts);
    let page = svg::write_for_page(&scene, "f", "", "");
    let plain = svg::write(&scene, "f", "", "");
    assert_eq!(page.matches("<g class=\"moved\" data-panel=\"0\" data-group=\"0\"").count(), 2, "{page}");
    // Two lines about one group hide nothing.
    assert_eq!(page.matches("class=\"entry\"").count(), 1);
    assert!(page.contains("data-group=\"0\" data-label=\"&lt;one&gt;\""));
    assert_eq!(page.matches("<g").count(), page.matches("</g>").count());
    let without: String =
        page.lines().filter(|line| !line.starts_with("<g class=\"") || line.contains("fill=")).collect();
    assert_eq!(without.replace("</g>", ""), plain.lines().collect::<String>().replace("</g>", ""));
}

#[test]
fn intervals_that_an_axis_cuts_off_are_counted() {
    let bars = |high: f64| Mark::ErrorBars {
        points: vec![Interval { x: 1.0, low: 0.9, high }],
        color: Color::Group(0),
    };
    let of = |high: f64| panel(vec![bars(high), group_of(vec![(1.0, 1.0), (2.0, 3.0)])]).intervals_beyond();
    assert_eq!((of(4.0).bars, of(1e6).bars, of(1e6).bands), (0, 1, 0));
}

#[test]
fn labels_of_points_that_lie_together_stay_inside_the_plot_and_apart() {
    let mut marks = vec![group_of(vec![(0.0, 0.0), (1.0, 1.0)])];
    for i in 0..12 {
        let at = (1.0 - f64::from(i) * 0.002, 1.0);
        marks.push(label(at, &format!("0.{}", 70 + i), false));
    }
    marks.push(label((f64::NAN, 1.0), "nowhere", false));
    let scene = scene(vec![panel(marks)]);
    let labels: Vec<&Text> = texts(&scene).into_iter().filter(|text| text.is_label).collect();
    assert_eq!(labels.len(), 12);
    for (i, label) in labels.iter().enumerate() {
        let plot = scene.plots[0];
        assert!(label.bounds.right <= plot.right && label.bounds.top >= plot.top, "{:?}", label.bounds);
        assert!(labels[i + 1..].iter().all(|other| !overlap(&label.bounds, &other.bounds)));
    }
}

#[test]
fn an_annotation_that_has_no_room_beside_the_title_stands_below_it() {
    let with = |title: &str| Panel {
        title: Some(title.to_owned()),
        annotation: Some("ρ = 0.42 [0.21, 0.60], n = 97".to_owned()),
        ..panel(vec![group_of(vec![(1.0, 1.0)])])
    };
    let baselines = |title: &str| {
        let scene = scene(vec![with(title), with(title), with(title)]);
        let of = |wanted: &str| {
            texts(&scene).into_iter().find(|text| text.text.starts_with(wanted)).unwrap().origin.1
        };
        (of("sin"), of("ρ"))
    };
    let (title, annotation) = baselines("sin");
    assert!(title < annotation, "three panels in a row have no room for both");
    let wide = scene(vec![with("sin")]);
    let of = |wanted: &str| texts(&wide).into_iter().find(|text| text.text.starts_with(wanted)).unwrap();
    assert_eq!(of("sin").origin.1, of("ρ").origin.1);
    assert!((of("ρ").bounds.right - wide.plots[0].right).abs() < 1e-9);
}

#[test]
fn a_cross_without_a_finite_place_stands_at_the_upper_edge() {
    let cross = |y: f64| Mark::Cross { at: (1.0, y), color: Color::Group(3) };
    let scene = scene(vec![panel(vec![group_of(vec![(1.0, 1.0), (2.0, 3.0)]), cross(f64::INFINITY)])]);
    let paths = |scene: &Scene| {
        let of = |item: &Item| match item {
            Item::Stroke { path, pen } if pen.color == Color::Group(3) => Some(path.clone()),
            Item::Stroke { .. } | Item::Fill { .. } | Item::Text(_) => None,
        };
        scene.items.iter().filter_map(of).collect::<Vec<String>>()
    };
    let top = scene.plots[0].top;
    assert!(matches!(&paths(&scene)[..], [path] if path.contains(&format!(" {}L", top + 4.0 - 3.6))));
    let nowhere = self::scene(vec![panel(vec![group_of(vec![(1.0, 1.0)]), cross(f64::NAN)])]);
    assert!(paths(&nowhere).is_empty());
}
