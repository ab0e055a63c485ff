//! One panel: its axes measured, then drawn with what is between them.

use super::legend::cross;
use super::path;
use super::scale::{Domain, Kind, drawable};
use super::scene::{Anchor, Rect, Scene};
use super::style::{Color, LABEL, PANEL_TITLE, Pen, TICK};
use super::text::{self, CAP_HEIGHT, Weight};
use super::ticks::{self, Tick};
use super::{Mark, Panel};

/// How far major ticks stick out.
const TICK_LENGTH: f64 = 4.0;
/// Between a tick and its label, and between tick labels and the axis' label.
const TICK_SPACE: f64 = 4.0;
/// By how much of an axis' length secondary lines may widen it.
const WIDENING: f64 = 0.35;
/// By how much of an axis' length intervals may widen it.
const BAND_WIDENING: f64 = 1.5;
/// The least distance between two tick labels of a horizontal axis.
const APART: f64 = 12.0;

/// The space above a plot: for the panel's letter and title.
pub(super) const HEAD: f64 = 22.0;
/// The space below a plot whose horizontal axis is written out.
pub(super) const FOOT: f64 = TICK_LENGTH + TICK_SPACE + TICK + 6.0 + LABEL;
/// The space below a plot whose horizontal axis is that of the panel below.
pub(super) const BARE_FOOT: f64 = 6.0;

/// A panel with its ranges and its vertical ticks: what the layout needs to know.
#[derive(Debug)]
pub(super) struct Measured<'a> {
    panel: &'a Panel,
    pub(super) x: Domain,
    y: Domain,
    y_ticks: Vec<Tick>,
    is_empty: bool,
}

impl<'a> Measured<'a> {
    /// Finds the panel's ranges, and its vertical ticks for this height.
    pub(super) fn new(panel: &'a Panel, height: f64) -> Self {
        let x = Domain::around(panel.x.kind, panel.marks.iter().flat_map(mark_xs), 0.02);
        let y = vertical(panel);
        let is_empty = x.is_none() || y.is_none();
        let y = y.unwrap_or(Domain::empty(panel.y.kind));
        let most = ((height / 32.0) as usize).clamp(2, 8);
        let y_ticks = ticks_of(&y, most);
        Self { panel, x: x.unwrap_or(Domain::empty(panel.x.kind)), y, y_ticks, is_empty }
    }

    /// The space that the vertical axis needs on the left of the plot.
    pub(super) fn left(&self) -> f64 {
        let labels = self.y_ticks.iter().filter_map(|tick| tick.label.as_deref());
        let widest = labels.map(|label| text::width(label, Weight::Regular, TICK)).fold(0.0, f64::max);
        LABEL + 8.0 + widest + TICK_SPACE + TICK_LENGTH
    }

    /// Whether this panel and the one `below` have the same horizontal axis.
    pub(super) fn shares_x_with(&self, below: &Measured<'_>) -> bool {
        self.panel.x == below.panel.x
    }

    /// Draws the panel around `plot`; `letter` is its letter if there are several, `bare` leaves the horizontal axis to
    /// the panel below.
    pub(super) fn draw(
        &self,
        scene: &mut Scene,
        plot: Rect,
        outer_left: f64,
        letter: Option<char>,
        bare: bool,
    ) {
        let x_ticks = self.x_ticks(plot.width());
        self.draw_grid(scene, &plot, &x_ticks);
        self.draw_marks(scene, &plot);
        self.draw_axes(scene, &plot, &x_ticks, bare);
        self.draw_head(scene, &plot, letter);
        let label = text::fit(&self.panel.y.label, Weight::Regular, LABEL, plot.height() + HEAD);
        let at = (outer_left + 0.85 * LABEL, plot.top + plot.height() / 2.0);
        scene.upward_text(&label, at, LABEL, Weight::Regular, Color::Ink);
        scene.plots.push(plot);
    }

    /// As many horizontal ticks as have room.
    fn x_ticks(&self, width: f64) -> Vec<Tick> {
        let fewest = ticks_of(&self.x, 2);
        (3..=8)
            .rev()
            .map(|most| ticks_of(&self.x, most))
            .find(|ticks| self.have_room(ticks, width))
            .unwrap_or(fewest)
    }

    fn have_room(&self, ticks: &[Tick], width: f64) -> bool {
        let mut taken = f64::NEG_INFINITY;
        let mut labelled: Vec<(f64, f64)> = ticks
            .iter()
            .filter_map(|tick| {
                let half = text::width(tick.label.as_deref()?, Weight::Regular, TICK) / 2.0;
                Some((self.x.place(tick.at)? * width, half))
            })
            .collect();
        labelled.sort_by(|a, b| a.0.total_cmp(&b.0));
        labelled.into_iter().all(|(center, half)| {
            let fits = center - half >= taken + APART;
            taken = center + half;
            fits
        })
    }

    fn across(&self, plot: &Rect, x: f64) -> Option<f64> {
        self.x.place(x).map(|place| plot.left + place * plot.width())
    }

    fn up(&self, plot: &Rect, y: f64) -> Option<f64> {
        // Far beyond the plot is as good as anywhere beyond it, and stays a number that can be written.
        self.y.place(y).map(|place| plot.bottom - place.clamp(-1e3, 1e3) * plot.height())
    }

    fn draw_grid(&self, scene: &mut Scene, plot: &Rect, x_ticks: &[Tick]) {
        let upright = x_ticks.iter().filter(|tick| tick.label.is_some()).filter_map(|tick| {
            let x = self.across(plot, tick.at)?;
            Some(((x, plot.top), (x, plot.bottom)))
        });
        let level = self.y_ticks.iter().filter(|tick| tick.label.is_some()).filter_map(|tick| {
            let y = self.up(plot, tick.at)?;
            Some(((plot.left, y), (plot.right, y)))
        });
        let lines: Vec<_> = upright.chain(level).collect();
        scene.stroke(path::segments(&lines), Pen::solid(Color::Grid, 0.8));
    }

    fn draw_marks(&self, scene: &mut Scene, plot: &Rect) {
        for mark in &self.panel.marks {
            match mark {
                Mark::Line { points, pen, .. } => {
                    let places: Vec<path::Place> = points
                        .iter()
                        .map(|&(x, y)| Some((self.across(plot, x)?, self.up(plot, y)?)))
                        .collect();
                    scene.stroke(path::line(&places, plot), *pen);
                }
                Mark::Band { points, color, opacity, .. } => {
                    let places: Vec<_> = points
                        .iter()
                        .map(|&(x, low, high)| {
                            Some((self.across(plot, x)?, self.up(plot, low)?, self.up(plot, high)?))
                        })
                        .collect();
                    scene.fill(path::band(&places, plot), *color, *opacity);
                }
                Mark::Cross { at: (x, y), color } => {
                    if let (Some(x), Some(y)) = (self.across(plot, *x), self.up(plot, *y)) {
                        cross(scene, (x, y.clamp(plot.top + 4.0, plot.bottom - 4.0)), *color);
                    }
                }
                Mark::Level { y } => {
                    if let Some(y) = self.up(plot, *y).filter(|y| (plot.top..=plot.bottom).contains(y)) {
                        let pen = Pen::solid(Color::Muted, 0.9);
                        scene.stroke(path::segments(&[((plot.left, y), (plot.right, y))]), pen);
                    }
                }
            }
        }
        if self.is_empty {
            let says = if self.panel.marks.is_empty() {
                "no run to draw"
            } else {
                "no value that has a place on these axes"
            };
            let says = text::fit(says, Weight::Regular, LABEL, plot.width() - 8.0);
            let middle = ((plot.left + plot.right) / 2.0, (plot.top + plot.bottom) / 2.0);
            scene.text(&says, middle, Anchor::Middle, LABEL, Weight::Regular, Color::Muted);
        }
    }

    fn draw_axes(&self, scene: &mut Scene, plot: &Rect, x_ticks: &[Tick], bare: bool) {
        let mut lines = vec![
            ((plot.left, plot.top), (plot.left, plot.bottom)),
            ((plot.left, plot.bottom), (plot.right, plot.bottom)),
        ];
        for tick in &self.y_ticks {
            let Some(y) = self.up(plot, tick.at) else { continue };
            lines.push(((plot.left - tick_length(tick), y), (plot.left, y)));
            if let Some(label) = &tick.label {
                let at = (plot.left - TICK_LENGTH - TICK_SPACE, y + CAP_HEIGHT * TICK / 2.0);
                scene.text(label, at, Anchor::End, TICK, Weight::Regular, Color::Ink);
            }
        }
        for tick in x_ticks {
            let Some(x) = self.across(plot, tick.at) else { continue };
            lines.push(((x, plot.bottom), (x, plot.bottom + tick_length(tick))));
            if let Some(label) = tick.label.as_ref().filter(|_| !bare) {
                let at = (x, plot.bottom + TICK_LENGTH + TICK_SPACE + CAP_HEIGHT * TICK);
                scene.text(label, at, Anchor::Middle, TICK, Weight::Regular, Color::Ink);
            }
        }
        scene.stroke(path::segments(&lines), Pen::solid(Color::Ink, 0.9));
        if !bare {
            let label = text::fit(&self.panel.x.label, Weight::Regular, LABEL, plot.width() + 20.0);
            let at = ((plot.left + plot.right) / 2.0, plot.bottom + FOOT - 0.2 * LABEL);
            scene.text(&label, at, Anchor::Middle, LABEL, Weight::Regular, Color::Ink);
        }
    }

    fn draw_head(&self, scene: &mut Scene, plot: &Rect, letter: Option<char>) {
        let baseline = plot.top - 8.0;
        let mut x = plot.left;
        if let Some(letter) = letter {
            scene.text(
                &letter.to_string(),
                (x, baseline),
                Anchor::Start,
                PANEL_TITLE,
                Weight::SemiBold,
                Color::Ink,
            );
            x += 15.0;
        }
        if let Some(title) = &self.panel.title {
            let title = text::fit(title, Weight::Regular, PANEL_TITLE, plot.right - x);
            scene.text(&title, (x, baseline), Anchor::Start, PANEL_TITLE, Weight::Regular, Color::Ink);
        }
    }
}

fn tick_length(tick: &Tick) -> f64 {
    if tick.label.is_some() { TICK_LENGTH } else { TICK_LENGTH * 0.55 }
}

/// About `most` ticks, and somewhat more where fewer than three would be left.
fn ticks_of(domain: &Domain, most: usize) -> Vec<Tick> {
    let ticks = |most| match domain.kind {
        Kind::Linear => ticks::linear(domain.low, domain.high, most),
        Kind::Logarithmic => ticks::logarithmic(domain.low, domain.high, most),
    };
    let is_enough = |ticks: &Vec<Tick>| ticks.iter().filter(|tick| tick.label.is_some()).count() >= 3;
    (most..most + 3).map(ticks).find(is_enough).unwrap_or_else(|| ticks(most))
}

/// The range of the vertical axis: that of the primary lines, widened for bands and secondary lines.
fn vertical(panel: &Panel) -> Option<Domain> {
    let kind = panel.y.kind;
    let primary = panel.marks.iter().flat_map(|mark| match mark {
        Mark::Line { secondary: false, .. } | Mark::Band { secondary: false, .. } => mark_ys(mark),
        Mark::Line { .. } | Mark::Band { .. } | Mark::Cross { .. } | Mark::Level { .. } => Vec::new(),
    });
    let drawable =
        |mark: &Mark| mark_ys(mark).into_iter().filter(|&y| drawable(kind, y)).collect::<Vec<f64>>();
    let (bands, others): (Vec<&Mark>, Vec<&Mark>) =
        panel.marks.iter().partition(|mark| matches!(mark, Mark::Band { .. }));
    let bands: Vec<f64> = bands.into_iter().flat_map(drawable).collect();
    let others: Vec<f64> = others.into_iter().flat_map(drawable).collect();
    match Domain::around(kind, primary, 0.05) {
        Some(domain) => {
            let (for_bands, for_others) =
                (domain.widened(bands, BAND_WIDENING), domain.widened(others, WIDENING));
            Some(Domain {
                low: for_bands.low.min(for_others.low),
                high: for_bands.high.max(for_others.high),
                kind,
            })
        }
        None => Domain::around(kind, bands.into_iter().chain(others), 0.05),
    }
}

fn mark_xs(mark: &Mark) -> Vec<f64> {
    match mark {
        Mark::Line { points, .. } => points.iter().map(|point| point.0).collect(),
        Mark::Band { points, .. } => points.iter().map(|point| point.0).collect(),
        Mark::Cross { at, .. } => vec![at.0],
        Mark::Level { .. } => Vec::new(),
    }
}

fn mark_ys(mark: &Mark) -> Vec<f64> {
    match mark {
        Mark::Line { points, .. } => points.iter().map(|point| point.1).collect(),
        Mark::Band { points, .. } => points.iter().flat_map(|&(_, low, high)| [low, high]).collect(),
        Mark::Cross { at, .. } => vec![at.1],
        Mark::Level { y } => vec![*y],
    }
}
