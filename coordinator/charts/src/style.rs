//! Colours, line patterns and sizes.
//!
//! Colours are those of Okabe & Ito (2008), "Color Universal Design", without the yellow that white paper swallows;
//! together with the line patterns they stay apart for colour-blind eyes and in grey.

use super::ramp;

/// The role of a colour; a page may give each its own shade for a dark background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Color {
    /// Text and axes.
    Ink,
    /// Notes and minor things.
    Muted,
    /// The grid.
    Grid,
    /// The ground that everything is drawn on.
    Paper,
    /// The n-th group.
    Group(usize),
    /// The n-th colour of the ramp for quantities; the same on every background.
    Ramp(usize),
}

const GROUPS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b4c9a"];

impl Color {
    /// How many groups have colours of their own.
    pub const GROUPS: usize = GROUPS.len();

    /// The colour on white paper.
    pub const fn hex(self) -> &'static str {
        match self {
            Self::Ink => "#1c1c1c",
            Self::Muted => "#5f6368",
            Self::Grid => "#e4e6ea",
            Self::Paper => "#fff",
            Self::Group(n) => GROUPS[n % GROUPS.len()],
            Self::Ramp(n) => ramp::color(n),
        }
    }

    /// The name under which a page's style sheet finds it.
    pub const fn class(self) -> &'static str {
        const CLASSES: [&str; 7] = ["g0", "g1", "g2", "g3", "g4", "g5", "g6"];
        match self {
            Self::Ink => "ink",
            Self::Muted => "muted",
            Self::Grid => "grid",
            Self::Paper => "paper",
            Self::Group(n) => CLASSES[n % CLASSES.len()],
            Self::Ramp(_) => "ramp",
        }
    }
}

const DASHES: [&str; 5] = ["", "7 3", "2 2.2", "9 2.6 2 2.6", "13 3.5"];

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pen {
    /// Its colour.
    pub color: Color,
    /// Its pattern of dashes, an index; 0 is solid.
    dash: usize,
    /// Its width.
    pub width: f64,
    /// How much it covers, from 0 to 1.
    pub opacity: f64,
}

impl Pen {
    /// The pen of the n-th group's main line: colour and pattern both change with n, and 35 groups go without a repetition.
    pub const fn group(n: usize) -> Self {
        Self { color: Color::Group(n), dash: (n + n / GROUPS.len()) % DASHES.len(), width: 1.7, opacity: 1.0 }
    }

    /// A solid line.
    pub const fn solid(color: Color, width: f64) -> Self {
        Self { color, dash: 0, width, opacity: 1.0 }
    }

    /// A line in this pattern of dashes, an index; 0 is solid.
    pub const fn patterned(color: Color, pattern: usize, width: f64) -> Self {
        Self { color, dash: pattern % DASHES.len(), width, opacity: 1.0 }
    }

    /// The same pen, thinner and lighter: for single runs behind what sums them up.
    pub const fn faint(self, width: f64, opacity: f64) -> Self {
        Self { width, opacity, ..self }
    }

    /// The dash pattern as SVG writes it; empty if solid.
    pub const fn dashes(self) -> &'static str {
        DASHES[self.dash]
    }
}

/// How much of what is behind it an interval's band covers.
pub const BAND_OPACITY: f64 = 0.22;
/// The width of every figure: 7.5 inches at 96 pixels an inch, so that 11 pixels are 7 points across a printed page's text.
pub const WIDTH: f64 = 720.0;
/// The empty border around everything.
pub const MARGIN: f64 = 14.0;
/// The size of the title.
pub const TITLE: f64 = 15.0;
/// The size of panel titles and letters.
pub const PANEL_TITLE: f64 = 12.5;
/// The size of axis labels and of the legend.
pub const LABEL: f64 = 12.0;
/// The size of tick labels.
pub const TICK: f64 = 11.0;
/// The size of notes.
pub const NOTE: f64 = 10.5;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn thirty_five_groups_have_pens_of_their_own() {
        let pens: BTreeSet<_> =
            (0..35).map(|n| (Pen::group(n).color.hex(), Pen::group(n).dashes())).collect();
        assert_eq!(pens.len(), 35);
    }

    #[test]
    fn neighbouring_groups_differ_in_pattern_too() {
        assert!((0..40).all(|n| Pen::group(n).dashes() != Pen::group(n + 1).dashes()));
    }
}
