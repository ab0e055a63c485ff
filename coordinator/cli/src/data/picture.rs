//! Images in rows of four with captions, as PNG.

use basin_charts::scene::{Anchor, Scene};
use basin_charts::style::{Color, LABEL, MARGIN, PANEL_TITLE, WIDTH};
use basin_charts::text::{Weight, fit};
use basin_charts::{png as rendered, svg};
use basin_worker::preview::{PreviewExample, PreviewInput};

/// Images in a row.
pub(super) const COLUMNS: usize = 4;
/// Between images, in units of the page.
const GAP: f64 = 12.0;
/// The height of a caption, in units of the page.
const CAPTION: f64 = 20.0;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(super) enum PictureError {
    /// The captions can't be drawn.
    #[error(transparent)]
    Captions(#[from] rendered::RenderError),
    /// The drawn captions can't be read back.
    #[error("the page can't be read back")]
    Page(#[from] png::DecodingError),
    /// The picture can't be encoded.
    #[error("the picture can't be encoded")]
    Encoding(#[from] png::EncodingError),
}

/// An image with its caption.
pub(super) struct Tile<'a> {
    shape: [usize; 3],
    pixels: &'a [u8],
    /// The caption.
    pub(super) caption: String,
}

impl<'a> Tile<'a> {
    /// The tile of an example, if it is an image.
    pub(super) fn of(example: &'a PreviewExample, caption: &str) -> Option<Self> {
        match &example.input {
            PreviewInput::Image { shape, pixels } => {
                Some(Self { shape: *shape, pixels, caption: caption.to_owned() })
            }
            PreviewInput::Numbers(_) | PreviewInput::Tokens(_) => None,
        }
    }

    /// `[height, width]`
    pub(super) const fn sides(&self) -> [usize; 2] {
        [self.shape[1], self.shape[2]]
    }

    /// The colour of a pixel: red, green and blue where there are three channels; otherwise the channels' mean.
    fn color(&self, y: usize, x: usize) -> [u8; 3] {
        let [channels, height, width] = self.shape;
        let shade = |channel: usize| self.pixels[(channel * height + y) * width + x];
        match channels {
            3 => [0, 1, 2].map(shade),
            _ => {
                let sum: usize = (0..channels).map(|channel| usize::from(shade(channel))).sum();
                [(sum / channels.max(1)) as u8; 3]
            }
        }
    }

    /// The mean colour of the square of so many pixels that begins at a place, as far as it lies within the image.
    pub(super) fn mean_color(&self, [y, x]: [usize; 2], side: usize) -> [u8; 3] {
        let [height, width] = self.sides();
        let mut sums = [0_usize; 3];
        let (rows, columns) = (y..(y + side).min(height), x..(x + side).min(width));
        for (y, x) in rows.clone().flat_map(|y| columns.clone().map(move |x| (y, x))) {
            sums.iter_mut().zip(self.color(y, x)).for_each(|(sum, shade)| *sum += usize::from(shade));
        }
        let count = (rows.len() * columns.len()).max(1);
        sums.map(|sum| (sum / count) as u8)
    }
}

/// How an image becomes one of another size: by whole factors, so that its pixels stay squares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Zoom {
    /// Pixels of the image on each side that become one.
    pub(super) reduced: usize,
    /// Pixels on each side that one becomes.
    pub(super) enlarged: usize,
}

impl Zoom {
    /// The largest with which sides of these lengths fit within `limit`.
    pub(super) fn within([height, width]: [usize; 2], limit: usize) -> Self {
        let side = height.max(width).max(1);
        let limit = limit.max(1);
        match side <= limit {
            true => Self { reduced: 1, enlarged: limit / side },
            false => Self { reduced: side.div_ceil(limit), enlarged: 1 },
        }
    }

    /// The new length of a side.
    pub(super) const fn length(self, side: usize) -> usize {
        side.div_ceil(self.reduced) * self.enlarged
    }

    /// The colour at a place of the new image.
    pub(super) fn color(self, tile: &Tile<'_>, [y, x]: [usize; 2]) -> [u8; 3] {
        let at = [y, x].map(|place| place / self.enlarged * self.reduced);
        tile.mean_color(at, self.reduced)
    }
}

/// The images in rows of four, all as large, under a title.
pub(super) fn contact_sheet(title: &str, tiles: &[Tile<'_>]) -> Result<Vec<u8>, PictureError> {
    let cell = (WIDTH - 2.0 * MARGIN - (COLUMNS - 1) as f64 * GAP) / COLUMNS as f64;
    let sides = tiles.first().map_or([1, 1], Tile::sides);
    // The height of an image in units of the page, were it as wide as its cell: an upper bound for whole factors.
    let [height, width] = sides.map(|side| side as f64);
    let row = cell * height / height.max(width) + CAPTION + GAP;
    let top = MARGIN + PANEL_TITLE + GAP;
    let corner =
        |at: usize| (MARGIN + (at % COLUMNS) as f64 * (cell + GAP), top + (at / COLUMNS) as f64 * row);
    let height = top + tiles.len().div_ceil(COLUMNS) as f64 * row;
    let mut scene = Scene { width: WIDTH, height, ..Scene::default() };
    let text = fit(title, Weight::SemiBold, PANEL_TITLE, WIDTH - 2.0 * MARGIN);
    scene.text(
        &text,
        (MARGIN, MARGIN + PANEL_TITLE),
        Anchor::Start,
        PANEL_TITLE,
        Weight::SemiBold,
        Color::Ink,
    );
    for (at, tile) in tiles.iter().enumerate() {
        let (left, top) = corner(at);
        let caption = fit(&tile.caption, Weight::Regular, LABEL, cell);
        let baseline = top + row - GAP - CAPTION + LABEL + 2.0;
        scene.text(&caption, (left, baseline), Anchor::Start, LABEL, Weight::Regular, Color::Ink);
    }
    let mut page = Page::read(&rendered::render(&svg::write(&scene, "examples", title, title))?)?;
    let resolution = page.width as f64 / WIDTH;
    let zoom = Zoom::within(sides, (cell * resolution) as usize);
    for (at, tile) in tiles.iter().enumerate() {
        let (left, top) = corner(at);
        page.draw(tile, zoom, [top, left].map(|place| (place * resolution).round() as usize));
    }
    page.encoded()
}

/// A picture in the making.
struct Page {
    width: usize,
    height: usize,
    /// Red, green and blue of each pixel, by rows.
    pixels: Vec<u8>,
}

impl Page {
    /// Reads what the charts have drawn, on white paper.
    fn read(drawn: &[u8]) -> Result<Self, PictureError> {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(drawn));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let mut pixels = vec![0; reader.output_buffer_size().unwrap_or_default()];
        let info = reader.next_frame(&mut pixels)?;
        let (width, height) = (info.width as usize, info.height as usize);
        let samples = info.color_type.samples();
        let color = |pixel: &[u8]| if samples < 3 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] };
        let pixels = pixels[..info.buffer_size()].chunks_exact(samples).flat_map(color).collect();
        Ok(Self { width, height, pixels })
    }

    fn draw(&mut self, tile: &Tile<'_>, zoom: Zoom, [top, left]: [usize; 2]) {
        let [height, width] = tile.sides().map(|side| zoom.length(side));
        for y in 0..height.min(self.height.saturating_sub(top)) {
            for x in 0..width.min(self.width.saturating_sub(left)) {
                let at = 3 * ((top + y) * self.width + left + x);
                self.pixels[at..at + 3].copy_from_slice(&zoom.color(tile, [y, x]));
            }
        }
    }

    fn encoded(&self) -> Result<Vec<u8>, PictureError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use basin_worker::preview::PreviewTarget;

    use super::*;

    fn example(shape: [usize; 3], pixels: Vec<u8>) -> PreviewExample {
        let target = PreviewTarget::Class { label: 0, before: None };
        PreviewExample { place: 0, input: PreviewInput::Image { shape, pixels }, target }
    }

    #[test]
    fn images_become_larger_by_whole_factors_and_smaller_by_whole_parts() {
        assert_eq!(Zoom::within([28, 28], 328), Zoom { reduced: 1, enlarged: 11 });
        assert_eq!(Zoom::within([10, 32], 328), Zoom { reduced: 1, enlarged: 10 });
        let reduced = Zoom::within([1_000, 700], 328);
        assert_eq!(
            (reduced, reduced.length(1_000), reduced.length(700)),
            (Zoom { reduced: 4, enlarged: 1 }, 250, 175)
        );
    }

    #[test]
    fn a_reduced_pixel_has_the_mean_colour_of_those_it_stands_for() {
        let example = example([1, 2, 3], vec![0, 100, 7, 50, 50, 9]);
        let tile = Tile::of(&example, "").unwrap();
        let zoom = Zoom { reduced: 2, enlarged: 3 };
        assert_eq!(zoom.color(&tile, [2, 2]), [50; 3]);
        assert_eq!(zoom.color(&tile, [0, 3]), [8; 3], "beyond the edge there is nothing");
    }

    #[test]
    fn the_sheet_holds_every_image_at_its_place() {
        let shades: Vec<PreviewExample> =
            (0..6).map(|at| example([3, 2, 2], [[10 * at; 4], [0; 4], [255; 4]].concat())).collect();
        let tiles: Vec<Tile<'_>> = shades.iter().map(|it| Tile::of(it, "3 cat").unwrap()).collect();
        let sheet = contact_sheet("shades", &tiles).unwrap();
        let page = Page::read(&sheet).unwrap();
        let count = |color: [u8; 3]| page.pixels.chunks_exact(3).filter(|pixel| *pixel == color).count();
        for at in 0..6 {
            assert_eq!(count([10 * at, 0, 255]), 328 * 328, "image {at}");
        }
        assert_eq!(page.width, 1_440);
    }
}
