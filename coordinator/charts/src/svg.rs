//! A scene as SVG: glyphs are outlines, defined once each and used where they stand, so that no viewer needs a font.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::part::{Part, Role};
use super::path::coordinate;
use super::scene::{Item, Scene, Text};
use super::style::{Color, Pen};
use super::text::{self, Weight};
use crate::escape::escape;

/// The SVG of `scene`. `prefix` starts every id in it, so that several can stand in one page.
pub fn write(scene: &Scene, prefix: &str, title: &str, description: &str) -> String {
    let mut svg = String::new();
    write_into(&mut svg, scene, &[], &escape(prefix), title, description).expect("text can be written to");
    svg
}

/// The same with its parts as groups of elements, for a page whose script answers to its reader: `entry`, `axes`, `stretched` and
/// `moved`, as [`Role`] has them.
pub fn write_for_page(scene: &Scene, prefix: &str, title: &str, description: &str) -> String {
    let mut svg = String::new();
    write_into(&mut svg, scene, &scene.parts, &escape(prefix), title, description)
        .expect("text can be written to");
    svg
}

fn write_into(
    svg: &mut String,
    scene: &Scene,
    parts: &[Part],
    prefix: &str,
    title: &str,
    description: &str,
) -> Result<(), std::fmt::Error> {
    let (width, height) = (coordinate(scene.width), coordinate(scene.height));
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="{prefix}-title {prefix}-desc">"#
    )?;
    writeln!(svg, r#"<title id="{prefix}-title">{}</title>"#, escape(title))?;
    writeln!(svg, r#"<desc id="{prefix}-desc">{}</desc>"#, escape(description))?;
    let glyphs: BTreeSet<(Weight, u32)> = scene
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Text(text) => Some(text),
            Item::Stroke { .. } | Item::Fill { .. } => None,
        })
        .flat_map(|text| text.shaped.glyphs.iter().map(|glyph| (text.shaped.weight, glyph.id)))
        .collect();
    svg.push_str("<defs>\n");
    for (weight, id) in glyphs {
        let outline = text::outline(weight, id);
        if !outline.is_empty() {
            writeln!(svg, r#"<path id="{}" d="{outline}"/>"#, glyph_id(prefix, weight, id))?;
        }
    }
    svg.push_str("</defs>\n");
    writeln!(svg, r##"<rect class="paper" width="{width}" height="{height}" fill="#fff"/>"##)?;
    let mut parts = parts.iter().peekable();
    for (place, item) in scene.items.iter().enumerate() {
        if let Some(part) = parts.peek().filter(|part| part.items.start == place) {
            write_start(svg, &part.role)?;
        }
        match item {
            Item::Text(text) => write_text(svg, text, prefix)?,
            Item::Stroke { path, pen } => write_stroke(svg, path, *pen)?,
            Item::Fill { path, color, opacity } => writeln!(
                svg,
                r#"<path class="f-{}" fill="{}" fill-opacity="{}" d="{path}"/>"#,
                color.class(),
                color.hex(),
                coordinate(*opacity)
            )?,
        }
        if parts.next_if(|part| part.items.end == place + 1).is_some() {
            svg.push_str("</g>\n");
        }
    }
    svg.push_str("</svg>\n");
    Ok(())
}

/// The beginning of a part.
fn write_start(svg: &mut String, role: &Role) -> Result<(), std::fmt::Error> {
    let of_group =
        |group: &Option<usize>| group.map_or_else(String::new, |group| format!(r#" data-group="{group}""#));
    match role {
        Role::Entry { group, label } => {
            writeln!(svg, r#"<g class="entry" data-group="{group}" data-label="{}">"#, escape(label))
        }
        Role::Axes { panel } => writeln!(svg, r#"<g class="axes" data-panel="{panel}">"#),
        Role::Stretched { panel, group } => {
            writeln!(svg, r#"<g class="stretched" data-panel="{panel}"{}>"#, of_group(group))
        }
        Role::Moved { panel, group, at: (x, y) } => {
            let (group, x, y) = (of_group(group), coordinate(*x), coordinate(*y));
            writeln!(svg, r#"<g class="moved" data-panel="{panel}"{group} data-at="{x} {y}">"#)
        }
    }
}

fn glyph_id(prefix: &str, weight: Weight, id: u32) -> String {
    let letter = match weight {
        Weight::Regular => 'r',
        Weight::SemiBold => 's',
    };
    format!("{prefix}-{letter}{id}")
}

fn write_text(svg: &mut String, text: &Text, prefix: &str) -> Result<(), std::fmt::Error> {
    let scale = text.size / text::units_per_em(text.shaped.weight);
    let (x, y) = (coordinate(text.origin.0), coordinate(text.origin.1));
    let turn = if text.upwards { " rotate(-90)" } else { "" };
    // A rim behind the outlines, in font units.
    let rim = if text.is_label {
        let width = coordinate(2.4 / scale);
        format!(
            r#" s-paper" stroke="{}" stroke-width="{width}" stroke-linejoin="round" paint-order="stroke"#,
            Color::Paper.hex()
        )
    } else {
        String::new()
    };
    write!(
        svg,
        r#"<g class="f-{}{rim}" fill="{}" transform="translate({x} {y}){turn} scale({scale:.7} -{scale:.7})">"#,
        text.color.class(),
        text.color.hex()
    )?;
    for glyph in &text.shaped.glyphs {
        if text::outline(text.shaped.weight, glyph.id).is_empty() {
            continue;
        }
        write!(
            svg,
            r##"<use xlink:href="#{}" x="{}"/>"##,
            glyph_id(prefix, text.shaped.weight, glyph.id),
            glyph.x
        )?;
    }
    svg.push_str("</g>\n");
    Ok(())
}

fn write_stroke(svg: &mut String, path: &str, pen: Pen) -> Result<(), std::fmt::Error> {
    write!(
        svg,
        r#"<path class="s-{}" fill="none" stroke="{}" stroke-width="{}""#,
        pen.color.class(),
        pen.color.hex(),
        coordinate(pen.width)
    )?;
    if !pen.dashes().is_empty() {
        write!(svg, r#" stroke-dasharray="{}""#, pen.dashes())?;
    }
    if pen.opacity < 1.0 {
        write!(svg, r#" stroke-opacity="{}""#, coordinate(pen.opacity))?;
    }
    writeln!(svg, r#" stroke-linejoin="round" d="{path}"/>"#)
}
