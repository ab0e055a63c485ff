//! One panel: its axes measured, then drawn with what is between them.

use super::chart::{Axis, Panel};
use super::field::Field;
use super::frame::Frame;
use super::marks;
use super::part::{Role, View};
use super::path;
use super::ranges;
use super::scale::{Domain, Scale};
use super::scene::{Anchor, Rect, Scene};
use super::style::{Color, LABEL, PANEL_TITLE, Pen, TICK};
use super::text::{self, CAP_HEIGHT, Weight};
use super::ticks::{self, Tick};

/// How far major ticks stick out.
const TICK_LENGTH: f64 = 4.0;
/// Between a tick and its label, and between tick labels and the axis' label.
const TICK_SPACE: f64 = 4.0;
/// The least distance between two tick labels of a horizontal axis.
const APART: f64 = 12.0;

/// The space on the right of a plot without a bar: half of a last tick's label.
pub(super) const RIGHT: f64 = 20.0;
/// The space above a plot: for the panel's letter and title.
pub(super) const HEAD: f64 = 22.0;
/// The space of each further line above a plot.
pub(super) const HEAD_LINE: f64 = 15.0;
/// The width of a panel's letter with the space after it.
const LETTER: f64 = 15.0;
/// The space below a plot whose horizontal axis is written out.
pub(super) const FOOT: f64 = TICK_LENGTH + TICK_SPACE + TICK + 6.0 + LABEL;
/// The space below a plot whose horizontal axis is that of the panel below.
pub(super) const SHARED_FOOT: f64 = 6.0;

/// A panel with its ranges and its vertical ticks: what the layout needs to know.
#[derive(Debug)]
pub(super) struct MeasuredPanel<'a> {
    panel: &'a Panel,
    pub(super) x: Domain,
    y: Domain,
    y_ticks: Vec<Tick>,
    is_empty: bool,
}

/// The narrowest and the lowest plot of a surface whose axes have one scale: beyond, its axes have scales of their own.
const SMALLEST_PLANE: (f64, f64) = (150.0, 110.0);

impl<'a> MeasuredPanel<'a> {
    /// Finds the panel's ranges, and its vertical ticks for this height.
    pub(super) fn new(panel: &'a Panel, height: f64) -> Self {
        let x = ranges::horizontal(panel);
        let y = ranges::vertical(panel);
        let is_empty = x.is_none() || y.is_none();
        let y = y.unwrap_or(Domain::empty(panel.y.scale));
        let y_ticks = ticks_of(&panel.y, &y, most_upwards(height));
        Self { panel, x: x.unwrap_or(Domain::empty(panel.x.scale)), y, y_ticks, is_empty }
    }

    /// The space that the vertical axis needs on the left of the plot.
    pub(super) fn left(&self) -> f64 {
        let labels = self.y_ticks.iter().filter_map(|tick| tick.label.as_deref());
        let widest = labels.map(|label| text::width(label, Weight::Regular, TICK)).fold(0.0, f64::max);
        LABEL + 8.0 + widest + TICK_SPACE + TICK_LENGTH
    }

    /// The space that the panel needs on the right of the plot: half of a last tick's label, or the bar of a surface.
    pub(super) fn right(&self) -> f64 {
        ranges::field(self.panel).map_or(RIGHT, Field::bar_space)
    }

    /// Whether this panel and the one `below` have the same horizontal axis.
    pub(super) fn shares_x_with(&self, below: &MeasuredPanel<'_>) -> bool {
        self.panel.x == below.panel.x && !self.panel.is_plane && !below.panel.is_plane
    }

    /// Gives both axes of a plane one scale in a plot of this size, by showing more along one of them.
    pub(super) fn equalise(&mut self, width: f64, height: f64) {
        let are_linear = self.x.scale == Scale::Linear && self.y.scale == Scale::Linear;
        if !self.panel.is_plane || self.is_empty || !are_linear || ranges::field(self.panel).is_some() {
            return;
        }
        let per_pixel = [(self.x.high - self.x.low) / width, (self.y.high - self.y.low) / height];
        let [across, up] = per_pixel.map(|own| per_pixel[0].max(per_pixel[1]) / own / 2.0 - 0.5);
        if !(across.is_finite() && up.is_finite()) {
            return;
        }
        self.x = self.x.extended(across, across);
        self.y = self.y.extended(up, up);
        self.y_ticks = ticks_of(&self.panel.y, &self.y, most_upwards(height));
    }

    /// The size of the plot where there is room of this size: a surface over a plane takes as much of it as gives both axes one scale.
    pub(super) fn fitted(&self, width: f64, height: f64) -> (f64, f64) {
        if !self.panel.is_plane || self.is_empty || ranges::field(self.panel).is_none() {
            return (width, height);
        }
        let (across, up) = (self.x.high - self.x.low, self.y.high - self.y.low);
        let scale = (width / across).min(height / up);
        let fitted = (across * scale, up * scale);
        if fitted.0 >= SMALLEST_PLANE.0 && fitted.1 >= SMALLEST_PLANE.1 { fitted } else { (width, height) }
    }

    /// Draws the panel around `plot`; `letter` is its letter if there are several, `bare` leaves the horizontal axis to
    /// the panel below.
    pub(super) fn draw(
        &self,
        scene: &mut Scene,
        plot: Rect,
        outer_left: f64,
        letter: Option<char>,
        hides_x_axis: bool,
    ) {
        let x_ticks = self.x_ticks(plot.width());
        let frame = Frame { plot, x: self.x, y: self.y };
        let panel = scene.views.len();
        scene.part(Role::Axes { panel }, |scene| self.draw_grid(scene, &frame, &x_ticks));
        self.draw_marks(scene, &frame, panel);
        scene.part(Role::Axes { panel }, |scene| self.draw_axes(scene, &frame, &x_ticks, hides_x_axis));
        if !hides_x_axis {
            self.draw_x_label(scene, &plot);
        }
        self.draw_head(scene, &plot, letter);
        if let Some(field) = ranges::field(self.panel) {
            field.draw_bar(scene, &plot);
        }
        let label = text::fit(&self.panel.y.label, Weight::Regular, LABEL, plot.height() + HEAD);
        let at = (outer_left + 0.85 * LABEL, plot.top + plot.height() / 2.0);
        scene.upward_text(&label, at, LABEL, Weight::Regular, Color::Ink);
        scene.plots.push(plot);
        scene.views.push(View {
            plot,
            x: self.x,
            y: self.y,
            x_label: self.panel.x.label.clone(),
            y_label: self.panel.y.label.clone(),
        });
    }

    /// As many horizontal ticks as have room.
    fn x_ticks(&self, width: f64) -> Vec<Tick> {
        let is_shown = |at: &f64| self.x.place(*at).is_some_and(|place| (0.0..=1.0).contains(&place));
        let own = self.panel.x.ticks.iter().copied().filter(is_shown);
        let own: Vec<Tick> = own.map(Tick::at).collect();
        if own.len() > 1 && self.have_room(&own, width) {
            return own;
        }
        let fewest = ticks_of(&self.panel.x, &self.x, 2);
        (3..=8)
            .rev()
            .map(|most| ticks_of(&self.panel.x, &self.x, most))
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

    fn draw_grid(&self, scene: &mut Scene, frame: &Frame, x_ticks: &[Tick]) {
        let plot = &frame.plot;
        let upright = x_ticks.iter().filter(|tick| tick.label.is_some()).filter_map(|tick| {
            let x = frame.across(tick.at)?;
            Some(((x, plot.top), (x, plot.bottom)))
        });
        let level = self.y_ticks.iter().filter(|tick| tick.label.is_some()).filter_map(|tick| {
            let y = frame.up(tick.at)?;
            Some(((plot.left, y), (plot.right, y)))
        });
        let lines: Vec<_> = upright.chain(level).collect();
        scene.stroke(path::segments(&lines), Pen::solid(Color::Grid, 0.8));
    }

    fn draw_marks(&self, scene: &mut Scene, frame: &Frame, panel: usize) {
        marks::draw(scene, frame, panel, &self.panel.marks);
        let plot = &frame.plot;
        if self.is_empty {
            let text = if self.panel.marks.is_empty() {
                "no run to draw"
            } else {
                "no value that has a place on these axes"
            };
            let text = text::fit(text, Weight::Regular, LABEL, plot.width() - 8.0);
            let middle = ((plot.left + plot.right) / 2.0, (plot.top + plot.bottom) / 2.0);
            scene.text(&text, middle, Anchor::Middle, LABEL, Weight::Regular, Color::Muted);
        }
    }

    fn draw_axes(&self, scene: &mut Scene, frame: &Frame, x_ticks: &[Tick], hides_x_axis: bool) {
        let plot = &frame.plot;
        let mut lines = vec![
            ((plot.left, plot.top), (plot.left, plot.bottom)),
            ((plot.left, plot.bottom), (plot.right, plot.bottom)),
        ];
        for tick in &self.y_ticks {
            let Some(y) = frame.up(tick.at) else { continue };
            lines.push(((plot.left - tick_length(tick), y), (plot.left, y)));
            if let Some(label) = &tick.label {
                let at = (plot.left - TICK_LENGTH - TICK_SPACE, y + CAP_HEIGHT * TICK / 2.0);
                scene.text(label, at, Anchor::End, TICK, Weight::Regular, Color::Ink);
            }
        }
        for tick in x_ticks {
            let Some(x) = frame.across(tick.at) else { continue };
            lines.push(((x, plot.bottom), (x, plot.bottom + tick_length(tick))));
            if let Some(label) = tick.label.as_ref().filter(|_| !hides_x_axis) {
                let at = (x, plot.bottom + TICK_LENGTH + TICK_SPACE + CAP_HEIGHT * TICK);
                scene.text(label, at, Anchor::Middle, TICK, Weight::Regular, Color::Ink);
            }
        }
        scene.stroke(path::segments(&lines), Pen::solid(Color::Ink, 0.9));
    }

    fn draw_x_label(&self, scene: &mut Scene, plot: &Rect) {
        let label = text::fit(&self.panel.x.label, Weight::Regular, LABEL, plot.width() + 20.0);
        let at = ((plot.left + plot.right) / 2.0, plot.bottom + FOOT - 0.2 * LABEL);
        scene.text(&label, at, Anchor::Middle, LABEL, Weight::Regular, Color::Ink);
    }

    /// The space above a plot of this width.
    pub(super) fn head(&self, width: f64, has_letter: bool) -> f64 {
        HEAD + HEAD_LINE * (self.head_lines(width, has_letter).len().max(1) - 1) as f64
    }

    /// The lines above the plot from top to bottom, each with what stands on its left and on its right: title and
    /// annotation on one line if they have room, below each other otherwise.
    fn head_lines(&self, width: f64, has_letter: bool) -> Vec<(String, String)> {
        let letter = if has_letter { LETTER } else { 0.0 };
        let title = self.panel.title.as_deref().unwrap_or_default();
        let annotation = self.panel.annotation.as_deref().unwrap_or_default();
        let title_width = text::width(title, Weight::Regular, PANEL_TITLE);
        let gap = if title.is_empty() { 0.0 } else { APART };
        if letter + title_width + gap + text::width(annotation, Weight::Regular, TICK) <= width {
            return vec![(title.to_owned(), annotation.to_owned())];
        }
        let title = text::fit(title, Weight::Regular, PANEL_TITLE, width - letter);
        let mut lines = vec![(title, String::new())];
        let right = |line| (String::new(), line);
        lines.extend(text::wrap(annotation, Weight::Regular, TICK, width).into_iter().map(right));
        lines
    }

    fn draw_head(&self, scene: &mut Scene, plot: &Rect, letter: Option<char>) {
        let lines = self.head_lines(plot.width(), letter.is_some());
        let mut baseline = plot.top - 8.0 - HEAD_LINE * (lines.len().max(1) - 1) as f64;
        let mut x = plot.left;
        if let Some(letter) = letter {
            let at = (x, baseline);
            scene.text(&letter.to_string(), at, Anchor::Start, PANEL_TITLE, Weight::SemiBold, Color::Ink);
            x += LETTER;
        }
        for (title, annotation) in lines {
            if !title.is_empty() {
                scene.text(&title, (x, baseline), Anchor::Start, PANEL_TITLE, Weight::Regular, Color::Ink);
            }
            if !annotation.is_empty() {
                let at = (plot.right, baseline);
                scene.text(&annotation, at, Anchor::End, TICK, Weight::Regular, Color::Muted);
            }
            baseline += HEAD_LINE;
        }
    }
}

fn tick_length(tick: &Tick) -> f64 {
    if tick.label.is_some() { TICK_LENGTH } else { TICK_LENGTH * 0.55 }
}

/// The most ticks of a vertical axis of this height.
fn most_upwards(height: f64) -> usize {
    ((height / 32.0) as usize).clamp(2, 8)
}

/// About `most` ticks, and somewhat more where fewer than three would be left.
fn ticks_of(axis: &Axis, domain: &Domain, most: usize) -> Vec<Tick> {
    let ticks = |most| match axis.scale {
        Scale::Linear if axis.is_count => ticks::whole(domain.low, domain.high, most),
        Scale::Linear => ticks::linear(domain.low, domain.high, most),
        Scale::Logarithmic => ticks::logarithmic(domain.low, domain.high, most),
    };
    let is_enough = |ticks: &Vec<Tick>| ticks.iter().filter(|tick| tick.label.is_some()).count() >= 3;
    (most..most + 3).map(ticks).find(is_enough).unwrap_or_else(|| ticks(most))
}
