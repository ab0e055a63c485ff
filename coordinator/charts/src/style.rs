//! Colours, line patterns and sizes.
//!
//! Colours are those of Okabe & Ito (2008), "Color Universal Design", without the yellow that white paper swallows, and after
//! them three dark ones; together with the line patterns they stay apart for colour-blind eyes and in grey.

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

const GROUPS: [&str; 10] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b4c9a", "#24520c", "#33108f",
    "#4a1d10",
];

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
        const CLASSES: [&str; 10] = ["g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8", "g9"];
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

    /// The line of a reference that isn't measured: chance, say.
    pub const REFERENCE: Self = Self::patterned(Color::Muted, 1, 1.0);

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
/// How many bands one above the other cover so much; of more, each covers less.
const FULL_BANDS: f64 = 3.0;

/// How much of what is behind it each of so many bands of a panel covers: of many, all together still show the lines.
pub fn band_opacity(bands: usize) -> f64 {
    BAND_OPACITY * (FULL_BANDS / bands.max(1) as f64).min(1.0)
}
/// The width of every figure: 7.5 inches at 96 pixels an inch, so that 11 pixels are 7 points across a printed page's text.
pub const WIDTH: f64 = 720.0;
/// The width of a figure on a screen that is held in a hand.
pub const NARROW: f64 = 360.0;
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

    /// A colour in the space in which equal distances look equally large (Ottosson 2020, OKLab), as eyes see it that lack
    /// one of the three receptors, if `deficiency` says so (Machado, Oliveira & Fernandes 2009).
    fn seen(hex: &str, deficiency: &[[f64; 3]; 3]) -> [f64; 3] {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let rgb = [channel(1), channel(3), channel(5)];
        let times = |matrix: &[[f64; 3]; 3], of: [f64; 3]| {
            matrix.map(|row| (0..3).map(|at| row[at] * of[at]).sum::<f64>())
        };
        let rgb = times(deficiency, rgb).map(|value| value.clamp(0.0, 1.0));
        let cones = [
            [0.412_221, 0.536_333, 0.051_446],
            [0.211_903, 0.680_700, 0.107_397],
            [0.088_302, 0.281_719, 0.629_979],
        ];
        let lab = [
            [0.210_454, 0.793_618, -0.004_072],
            [1.977_998, -2.428_592, 0.450_594],
            [0.025_904, 0.782_772, -0.808_676],
        ];
        times(&lab, times(&cones, rgb).map(f64::cbrt))
    }

    #[test]
    fn ten_colours_stay_apart_also_for_eyes_that_lack_a_receptor() {
        let deficiencies = [
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
            [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
        ];
        for deficiency in &deficiencies {
            let colors: Vec<[f64; 3]> = GROUPS.iter().map(|hex| seen(hex, deficiency)).collect();
            for (place, one) in colors.iter().enumerate() {
                for (other, two) in colors.iter().enumerate().skip(place + 1) {
                    let apart = (0..3).map(|at| (one[at] - two[at]).powi(2)).sum::<f64>().sqrt();
                    assert!(apart > 0.04, "{} and {}: {apart}", GROUPS[place], GROUPS[other]);
                }
            }
        }
    }

    #[test]
    fn many_bands_together_leave_their_lines_in_sight() {
        assert_eq!((band_opacity(1), band_opacity(3)), (BAND_OPACITY, BAND_OPACITY));
        let together = |bands: usize| 1.0 - (1.0 - band_opacity(bands)).powi(i32::try_from(bands).unwrap());
        assert!((3..40).all(|bands| together(bands) < 0.55), "{}", together(35));
    }

    #[test]
    fn neighbouring_groups_differ_in_pattern_too() {
        assert!((0..40).all(|n| Pen::group(n).dashes() != Pen::group(n + 1).dashes()));
    }
}
