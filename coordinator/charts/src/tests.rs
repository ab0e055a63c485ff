//! Panels of single marks, laid out and looked at.

use super::layout::{Captions, lay_out};
use super::marker::Marker;
use super::scale::Scale;
use super::scene::{Item, Rect, Scene, Text};
use super::style::Color;
use super::{Axis, Chart, Interval, Mark, Panel, PanelRow};

fn panel(marks: Vec<Mark>) -> Panel {
    Panel {
        title: None,
        annotation: None,
        x: Axis::new("x", Scale::Linear),
        y: Axis::new("y", Scale::Linear),
        marks,
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
    // From edge to edge, without a cap.
    let bar = bar.unwrap();
    assert_eq!(bar.matches('M').count(), 1, "{bar}");
    assert!(bar.contains(&format!(" {}L", plot.bottom)) && bar.ends_with(&format!(" {}", plot.top)), "{bar}");
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

#[test]
fn labels_of_points_that_lie_together_stay_inside_the_plot_and_apart() {
    let mut marks = vec![group_of(vec![(0.0, 0.0), (1.0, 1.0)])];
    for i in 0..12 {
        let at = (1.0 - f64::from(i) * 0.002, 1.0);
        marks.push(Mark::Label { at, text: format!("0.{}", 70 + i), color: Color::Ink });
    }
    marks.push(Mark::Label { at: (f64::NAN, 1.0), text: "nowhere".to_owned(), color: Color::Ink });
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
