//! A scene as PDF: vectors on a page of the figure's size, with texts as outlines, so that no printer needs a font.
//!
//! The format is that of ISO 32000-1. A file holds no date and no identifier: the same scene gives the same bytes.

mod document;
mod number;
mod path;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::path::coordinate;
use super::scene::{Item, Scene, Text};
use super::style::{Color, Pen};
use super::text::{self, Weight};
use document::Document;
use number::number;

/// Points of a printer (1/72 inch) to a pixel of the page (1/96 inch).
const POINTS: f64 = 0.75;
/// The width of the rim behind a label, in pixels of the page.
const RIM: f64 = 2.4;

/// The PDF of `scene`.
pub fn write(scene: &Scene, title: &str) -> Vec<u8> {
    let mut content = Content::default();
    // SVG's vertical axis goes down, that of PDF up.
    content.put(&[POINTS, 0.0, 0.0, -POINTS, 0.0, scene.height * POINTS], "cm");
    let whole = format!("0 0 {} {} re\n", coordinate(scene.width), coordinate(scene.height));
    content.fill(&whole, Color::Paper, 1.0);
    for item in &scene.items {
        match item {
            Item::Text(text) => content.text(text),
            Item::Stroke { path, pen } => content.stroke(&path::operators(path), *pen),
            Item::Fill { path, color, opacity } => content.fill(&path::operators(path), *color, *opacity),
        }
    }
    let mut document = Document::default();
    let glyphs: Vec<(String, usize)> = content
        .glyphs
        .iter()
        .map(|&(weight, id)| (name(weight, id), document.form(&outline(weight, id))))
        .collect();
    let page = document::Page {
        width: scene.width * POINTS,
        height: scene.height * POINTS,
        content: &content.operators,
        forms: &glyphs,
        opacities: &content.opacities,
    };
    document.finish(title, &page)
}

/// A glyph's outline, filled, in font units.
fn outline(weight: Weight, id: u32) -> String {
    path::operators(&text::outline(weight, id)) + "f\n"
}

/// The name of a glyph's outline in the file.
fn name(weight: Weight, id: u32) -> String {
    let letter = match weight {
        Weight::Regular => 'R',
        Weight::SemiBold => 'S',
    };
    format!("{letter}{id}")
}

/// The operators that draw the page, and what they refer to.
#[derive(Debug, Default)]
struct Content {
    operators: String,
    glyphs: BTreeSet<(Weight, u32)>,
    /// In hundredths.
    opacities: BTreeSet<u32>,
}

impl Content {
    fn put(&mut self, operands: &[f64], operator: &str) {
        for operand in operands {
            self.operators += &number(*operand);
            self.operators.push(' ');
        }
        self.operators += operator;
        self.operators.push('\n');
    }

    /// Sets the colour that `operator` means.
    fn color(&mut self, color: Color, operator: &str) {
        self.put(&channels(color.hex()), operator);
    }

    fn opacity(&mut self, opacity: f64) {
        let hundredths = (opacity.clamp(0.0, 1.0) * 100.0).round() as u32;
        self.opacities.insert(hundredths);
        writeln!(self.operators, "/A{hundredths} gs").expect("text can be written to");
    }

    fn fill(&mut self, path: &str, color: Color, opacity: f64) {
        self.opacity(opacity);
        self.color(color, "rg");
        self.operators += path;
        self.operators += "f\n";
    }

    fn stroke(&mut self, path: &str, pen: Pen) {
        self.opacity(pen.opacity);
        self.color(pen.color, "RG");
        writeln!(self.operators, "{} w 1 j [{}] 0 d", number(pen.width), pen.dashes())
            .expect("text can be written to");
        self.operators += path;
        self.operators += "S\n";
    }

    fn text(&mut self, text: &Text) {
        let scale = text.size / text::units_per_em(text.shaped.weight);
        let (x, y) = text.origin;
        let matrix =
            if text.upwards { [0.0, -scale, -scale, 0.0, x, y] } else { [scale, 0.0, 0.0, -scale, x, y] };
        self.operators += "q\n";
        self.put(&matrix, "cm");
        self.opacity(1.0);
        if text.is_label {
            self.color(Color::Paper, "RG");
            writeln!(self.operators, "{} w 1 j [] 0 d", number(RIM / scale)).expect("text can be written to");
            self.each_glyph(text, |content, id| {
                content.operators += &path::operators(&text::outline(text.shaped.weight, id));
                content.operators += "S\n";
            });
        }
        self.color(text.color, "rg");
        self.each_glyph(text, |content, id| {
            content.glyphs.insert((text.shaped.weight, id));
            writeln!(content.operators, "/{} Do", name(text.shaped.weight, id))
                .expect("text can be written to");
        });
        self.operators += "Q\n";
    }

    /// Lets `draw` draw each glyph at its place. A space draws nothing.
    fn each_glyph(&mut self, text: &Text, draw: impl Fn(&mut Self, u32)) {
        for glyph in &text.shaped.glyphs {
            if text::outline(text.shaped.weight, glyph.id).is_empty() {
                continue;
            }
            writeln!(self.operators, "q 1 0 0 1 {} 0 cm", glyph.x).expect("text can be written to");
            draw(self, glyph.id);
            self.operators += "Q\n";
        }
    }
}

/// Red, green and blue of `#rrggbb` or `#rgb`, from 0 to 1.
fn channels(hex: &str) -> [f64; 3] {
    let digits = hex.trim_start_matches('#');
    let width = digits.len() / 3;
    [0, 1, 2].map(|channel| {
        let part = digits.get(channel * width..(channel + 1) * width).unwrap_or("0");
        let most = if width == 1 { 15.0 } else { 255.0 };
        u32::from_str_radix(part, 16).map_or(0.0, |value| f64::from(value) / most)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Anchor;

    /// A scene of a text, a label, a line and an area.
    fn scene() -> Scene {
        let mut scene = Scene { width: 720.0, height: 100.0, ..Scene::default() };
        scene.text("Aa θ", (10.0, 20.0), Anchor::Start, 12.0, Weight::SemiBold, Color::Ink);
        scene.label("0.5", (30.0, 40.0), Anchor::Start, 10.0, Color::Group(1));
        scene.upward_text("loss", (5.0, 50.0), 12.0, Weight::Regular, Color::Ink);
        scene.stroke("M0 1L1 2".to_owned(), Pen::group(1));
        scene.fill("M0 0L1 0 1 1Z".to_owned(), Color::Group(2), 0.22);
        scene
    }

    #[test]
    fn colours_are_shares_and_numbers_have_no_exponents() {
        assert_eq!(channels("#ff0033"), [1.0, 0.0, 0.2]);
        assert_eq!(channels("#fff"), [1.0; 3]);
        assert_eq!(
            [number(-0.000_000_1), number(1e-5), number(12.50), number(-3.0)],
            ["0", "0.00001", "12.5", "-3"]
        );
    }

    #[test]
    fn the_same_scene_gives_the_same_bytes_and_they_hold_no_date() {
        let pdf = write(&scene(), "A figure (of θ)");
        assert_eq!(pdf, write(&scene(), "A figure (of θ)"));
        let text = String::from_utf8_lossy(&pdf);
        assert!(text.starts_with("%PDF-1.7") && text.ends_with("%%EOF\n"));
        assert!(!text.contains("Date") && !text.contains("/ID"));
        assert!(text.contains("/MediaBox [0 0 540 75]"), "{text}");
    }

    #[test]
    fn a_page_draws_what_the_scene_has() {
        let mut content = Content::default();
        for item in &scene().items {
            if let Item::Text(text) = item {
                content.text(text);
            }
        }
        content.stroke(&path::operators("M0 1L1 2"), Pen::group(1));
        content.fill(&path::operators("M0 0L1 0 1 1Z"), Color::Group(2), 0.22);
        let operators = &content.operators;
        assert!(operators.contains("[7 3] 0 d\n0 1 m\n1 2 l\nS\n"), "{operators}");
        assert!(
            operators.contains("/A22 gs\n0 0.61961 0.45098 rg\n0 0 m\n1 0 l\n1 1 l\nh\nf\n"),
            "{operators}"
        );
        // A, a and θ; 0, . and 5; l, o and s: each once, though `s` comes twice.
        assert_eq!(content.glyphs.len(), 3 + 3 + 3);
        assert_eq!(content.opacities.iter().copied().collect::<Vec<_>>(), [22, 100]);
        assert_eq!(
            operators.matches("q\n").count() + operators.matches("q 1").count(),
            operators.matches("Q\n").count()
        );
    }
}
