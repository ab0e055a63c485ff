//! Text as outlines: shaped, measured and drawn with fonts that the binary carries, so that a figure looks the same
//! everywhere and its layout is exact.

use std::fmt::Write as _;
use std::sync::OnceLock;

use harfrust::{Buffer, Direction, Feature, Font, ShapeOptions, ShaperFont, Tag, shape};
use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider};

/// Inter, Copyright the Inter Project Authors, SIL Open Font License 1.1 (`fonts/OFL.txt`).
const REGULAR: &[u8] = include_bytes!("fonts/Inter-Regular.otf");
/// The same in semi-bold.
const SEMI_BOLD: &[u8] = include_bytes!("fonts/Inter-SemiBold.otf");

/// The height of capitals and figures, in ems.
pub const CAP_HEIGHT: f64 = 0.73;
/// How far text reaches above its baseline, accents and superscripts included, in ems.
pub const ASCENT: f64 = 0.80;
/// How far text reaches below its baseline, in ems.
pub const DESCENT: f64 = 0.22;

/// The two weights that figures use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Weight {
    /// Labels.
    Regular,
    /// Titles and panel letters.
    SemiBold,
}

/// A glyph of a shaped text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyph {
    /// The glyph's number in its font.
    pub id: u32,
    /// Its origin, in font units from the text's start.
    pub x: i32,
}

/// A text, shaped: its glyphs and its width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shaped {
    /// The weight that it was shaped in.
    pub weight: Weight,
    /// The glyphs, left to right.
    pub glyphs: Vec<Glyph>,
    /// The width in font units.
    advance: i32,
}

impl Shaped {
    /// Shapes `text` with kerning and figures of one width.
    pub fn new(text: &str, weight: Weight) -> Self {
        let face = Face::of(weight);
        let mut buffer = Buffer::new();
        buffer.push_str(text);
        buffer.set_direction(Direction::LeftToRight);
        buffer.guess_segment_properties();
        let features = [Feature::new(Tag::new(b"tnum"), 1, ..)];
        shape(&ShaperFont::new(&face.shaping), &mut buffer, ShapeOptions::new().features(&features))
            .expect("a direction is set, and no plan could contradict it");
        let mut advance = 0;
        let glyphs = buffer
            .glyph_infos()
            .iter()
            .zip(buffer.glyph_positions())
            .map(|(info, position)| {
                let glyph = Glyph { id: info.glyph_id, x: advance + position.x_offset };
                advance += position.x_advance;
                glyph
            })
            .collect();
        Self { weight, glyphs, advance }
    }

    /// The width at this font size.
    pub fn width(&self, size: f64) -> f64 {
        f64::from(self.advance) * size / Face::of(self.weight).units_per_em
    }
}

/// The width of `text` at this size.
pub fn width(text: &str, weight: Weight, size: f64) -> f64 {
    Shaped::new(text, weight).width(size)
}

/// `text`, cut and ended with an ellipsis if it is wider than `limit`.
pub fn fit(text: &str, weight: Weight, size: f64, limit: f64) -> String {
    if width(text, weight, size) <= limit {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    // The widest prefix that fits: width grows with length, so halving finds it.
    let fits = |count: usize| {
        let cut: String = characters[..count].iter().collect::<String>().trim_end().to_owned() + "…";
        (width(&cut, weight, size) <= limit).then_some(cut)
    };
    let (mut low, mut high) = (0, characters.len());
    while low + 1 < high {
        let middle = usize::midpoint(low, high);
        if fits(middle).is_some() {
            low = middle;
        } else {
            high = middle;
        }
    }
    fits(low).unwrap_or_else(|| "…".to_owned())
}

/// Texts, each cut if it is wider than its limit. Those that would read the same once cut end with their place in the row.
pub fn fit_apart(texts: &[(&str, f64)], weight: Weight, size: f64) -> Vec<String> {
    let cut: Vec<String> = texts.iter().map(|&(text, limit)| fit(text, weight, size, limit)).collect();
    let apart = |(place, &(text, limit)): (usize, &(&str, f64))| {
        let is_like = |other: usize| cut[other] == cut[place] && texts[other].0 != text;
        if cut[place] == text || !(0..texts.len()).any(is_like) {
            return cut[place].clone();
        }
        let end = format!(" ({})", place + 1);
        fit(text, weight, size, limit - width(&end, weight, size)) + &end
    };
    texts.iter().enumerate().map(apart).collect()
}

/// `text` in lines no wider than `limit`, broken at spaces; a word wider than a line is cut.
pub fn wrap(text: &str, weight: Weight, size: f64, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        if let Some(line) = lines.last_mut() {
            let longer = format!("{line} {word}");
            if width(&longer, weight, size) <= limit {
                *line = longer;
                continue;
            }
        }
        lines.push(fit(word, weight, size, limit));
    }
    lines
}

/// The font units of an em.
pub fn units_per_em(weight: Weight) -> f64 {
    Face::of(weight).units_per_em
}

/// A glyph's outline as SVG path data, in font units, y upwards. Empty for a space.
pub fn outline(weight: Weight, glyph: u32) -> String {
    let mut path = PathData::default();
    if let Some(outline) = Face::of(weight).font.outline_glyphs().get(GlyphId::new(glyph)) {
        let settings = DrawSettings::unhinted(Size::unscaled(), LocationRef::default());
        if outline.draw(settings, &mut path).is_err() {
            // Only a damaged font could fail here; both are part of the binary and every glyph is tested.
            path.0.clear();
        }
    }
    path.0
}

/// A font, opened.
struct Face {
    font: FontRef<'static>,
    /// The same, as the shaper reads it.
    shaping: Font,
    units_per_em: f64,
}

impl Face {
    fn of(weight: Weight) -> &'static Self {
        static FACES: OnceLock<[Face; 2]> = OnceLock::new();
        let faces = FACES.get_or_init(|| [Self::open(REGULAR), Self::open(SEMI_BOLD)]);
        match weight {
            Weight::Regular => &faces[0],
            Weight::SemiBold => &faces[1],
        }
    }

    fn open(bytes: &'static [u8]) -> Self {
        let font = FontRef::new(bytes).expect("the embedded fonts are whole");
        let shaping = Font::new(bytes, 0).expect("the embedded fonts are whole");
        let metrics = font.metrics(Size::unscaled(), LocationRef::default());
        Self { font, shaping, units_per_em: f64::from(metrics.units_per_em) }
    }
}

#[derive(Default)]
struct PathData(String);

impl PathData {
    fn put(&mut self, command: char, numbers: &[f32]) {
        self.0.push(command);
        for (i, number) in numbers.iter().enumerate() {
            let separator = if i > 0 { " " } else { "" };
            // Outlines are in whole font units; rounding only guards against a future font that isn't.
            write!(self.0, "{separator}{}", number.round() as i64).expect("text can be written to");
        }
    }
}

impl OutlinePen for PathData {
    fn move_to(&mut self, x: f32, y: f32) {
        self.put('M', &[x, y]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.put('L', &[x, y]);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.put('Q', &[cx, cy, x, y]);
    }

    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        self.put('C', &[ax, ay, bx, by, x, y]);
    }

    fn close(&mut self) {
        self.0.push('Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_that_figures_use_is_in_both_fonts() {
        let signs = "θαεΔλτσμρ∂‖₀₁₂₉⁰¹²³⁹⁻⁺×−·±≤≥≈–—…’“”∞→√∑%°";
        for weight in [Weight::Regular, Weight::SemiBold] {
            for sign in signs.chars() {
                let shaped = Shaped::new(&sign.to_string(), weight);
                assert!(shaped.glyphs.iter().all(|glyph| glyph.id != 0), "{sign} is missing in {weight:?}");
                assert!(
                    !outline(weight, shaped.glyphs[0].id).is_empty(),
                    "{sign} has no outline in {weight:?}"
                );
            }
        }
    }

    #[test]
    fn figures_have_one_width_so_that_tick_labels_line_up() {
        let widths: Vec<f64> = ('0'..='9').map(|c| width(&c.to_string(), Weight::Regular, 12.0)).collect();
        assert!(widths.iter().all(|w| (w - widths[0]).abs() < 1e-9), "{widths:?}");
    }

    #[test]
    fn kerning_brings_letters_together() {
        let apart = width("T", Weight::Regular, 100.0) + width("o", Weight::Regular, 100.0);
        assert!(width("To", Weight::Regular, 100.0) < apart - 2.0);
    }

    #[test]
    fn text_that_is_too_wide_is_cut_with_an_ellipsis() {
        let cut = fit("a rather long name of a group", Weight::Regular, 12.0, 80.0);
        assert!(cut.ends_with('…') && width(&cut, Weight::Regular, 12.0) <= 80.0, "{cut}");
        assert_eq!(fit("short", Weight::Regular, 12.0, 80.0), "short");
    }

    #[test]
    fn texts_that_read_the_same_once_cut_are_told_apart_by_their_places() {
        let (one, other) = ("a rather long name, number 1", "a rather long name, number 2");
        let cut = fit_apart(&[(one, 90.0), (other, 90.0), ("short", 90.0)], Weight::Regular, 12.0);
        assert!(cut[0].ends_with("… (1)") && cut[1].ends_with("… (2)"), "{cut:?}");
        assert_eq!(cut[2], "short");
        assert!(cut.iter().all(|text| width(text, Weight::Regular, 12.0) <= 90.0));
        assert_eq!(fit_apart(&[(one, 900.0), (one, 90.0)], Weight::Regular, 12.0)[0], one);
    }

    #[test]
    fn lines_are_broken_at_spaces_and_lose_no_word() {
        let text = "n = 5 runs a line, 1 diverged, 1 missing; the band is the 95 % interval";
        let lines = wrap(text, Weight::Regular, 11.0, 150.0);
        assert!(lines.len() > 1);
        assert_eq!(lines.join(" "), text);
        assert!(lines.iter().all(|line| width(line, Weight::Regular, 11.0) <= 150.0));
    }
}
