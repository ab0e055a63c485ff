//! Images on a terminal: two pixels a character, the upper half's colour before the lower half's, as 24-bit escape sequences.

use std::fmt::Write;
use std::io::{IsTerminal, stdout};

use basin_domain::escape::line;

use super::picture::{COLUMNS, Tile, Zoom};

/// Characters between images.
const GAP: usize = 2;
/// Pixels on a side above which images aren't enlarged.
const LARGE: usize = 32;

/// Whether standard output is a terminal that may have colours (<https://no-color.org>).
pub(super) fn is_drawn_to() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// Characters in a line of the terminal; 80 if it doesn't say.
pub(super) fn width() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0))
}

/// The images in rows of four, each row with its captions, in lines of at most so many characters.
pub(super) fn drawn(tiles: &[Tile<'_>], line_width: usize) -> String {
    let cell = (line_width.saturating_sub((COLUMNS - 1) * GAP) / COLUMNS).max(1);
    let mut text = String::new();
    for row in tiles.chunks(COLUMNS) {
        let sides = row[0].sides();
        let zoom = match Zoom::within(sides, cell) {
            Zoom { enlarged: 1, reduced } => Zoom { enlarged: 1, reduced },
            Zoom { .. } => {
                Zoom { enlarged: (cell.min(LARGE) / sides[0].max(sides[1]).max(1)).max(1), reduced: 1 }
            }
        };
        let [height, width] = sides.map(|side| zoom.length(side));
        let blank = " ".repeat(cell - width.min(cell));
        for y in (0..height).step_by(2) {
            for (at, tile) in row.iter().enumerate() {
                if at > 0 {
                    text.push_str(&" ".repeat(GAP));
                }
                for x in 0..width {
                    let [red, green, blue] = zoom.color(tile, [y, x]);
                    write!(text, "\u{1b}[38;2;{red};{green};{blue}m").expect("text can be written to");
                    if y + 1 < height {
                        let [red, green, blue] = zoom.color(tile, [y + 1, x]);
                        write!(text, "\u{1b}[48;2;{red};{green};{blue}m").expect("text can be written to");
                    }
                    text.push('▀');
                }
                text.push_str("\u{1b}[0m");
                text.push_str(&blank);
            }
            text.push('\n');
        }
        let captions: Vec<String> = row.iter().map(|tile| caption(&tile.caption, cell)).collect();
        text.push_str(captions.join(&" ".repeat(GAP)).trim_end());
        text.push('\n');
    }
    text
}

/// A caption in exactly so many characters.
fn caption(caption: &str, cell: usize) -> String {
    let caption = line(caption);
    match caption.chars().count() <= cell {
        true => format!("{caption:<cell$}"),
        false => caption.chars().take(cell - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use basin_worker::preview::{PreviewExample, PreviewInput, PreviewTarget};

    use super::*;

    fn example(shape: [usize; 3], pixels: Vec<u8>) -> PreviewExample {
        let target = PreviewTarget::Class { label: 0, before: None };
        PreviewExample { place: 0, input: PreviewInput::Image { shape, pixels }, target }
    }

    #[test]
    fn a_character_is_two_pixels_and_an_odd_last_row_one() {
        let example = example([1, 3, 1], vec![1, 2, 3]);
        let tiles = [Tile::of(&example, "a\u{1b}b").unwrap()];
        // A cell of one character: enlarged by 1, reduced by 3; with six, enlarged by 2.
        let drawn = drawn(&tiles, 3 * GAP + 4 * 3);
        assert_eq!(
            drawn,
            "\u{1b}[38;2;1;1;1m\u{1b}[48;2;2;2;2m▀\u{1b}[0m  \n\u{1b}[38;2;3;3;3m▀\u{1b}[0m  \na\\…\n"
        );
    }

    #[test]
    fn no_line_is_longer_than_the_terminal() {
        let large = example([3, 64, 64], vec![9; 3 * 64 * 64]);
        let tiles: Vec<Tile<'_>> =
            (0..6).map(|_| Tile::of(&large, "a caption of many words").unwrap()).collect();
        for width in [20, 80, 200] {
            for line in drawn(&tiles, width).lines() {
                let mut visible = 0;
                let mut is_escape = false;
                for character in line.chars() {
                    match character {
                        '\u{1b}' => is_escape = true,
                        'm' if is_escape => is_escape = false,
                        _ if !is_escape => visible += 1,
                        _ => {}
                    }
                }
                assert!(visible <= width, "{visible} of {width}");
            }
        }
    }
}
