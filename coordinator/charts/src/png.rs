//! An SVG as PNG, at twice its size.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// Pixels of the picture for each pixel of the SVG.
const RESOLUTION: f32 = 2.0;

/// The SVG can't be rasterised: it is damaged, or larger than memory allows.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// It isn't SVG that the renderer understands.
    #[error("the figure's SVG can't be read back")]
    Svg(#[source] resvg::usvg::Error),
    /// Its size can't be a picture's.
    #[error("a picture of {width} × {height} can't be made")]
    Size {
        /// The width in pixels.
        width: u32,
        /// The height in pixels.
        height: u32,
    },
    /// The pixels can't be encoded.
    #[error("the picture can't be encoded: {0}")]
    Encoding(String),
}

/// The PNG of `svg`.
///
/// # Errors
/// If the SVG can't be read, or its picture is too large.
pub fn render(svg: &str) -> Result<Vec<u8>, RenderError> {
    let tree = Tree::from_str(svg, &Options::default()).map_err(RenderError::Svg)?;
    let (width, height) = (tree.size().width() * RESOLUTION, tree.size().height() * RESOLUTION);
    let (width, height) = (width.ceil() as u32, height.ceil() as u32);
    let mut pixels = Pixmap::new(width, height).ok_or(RenderError::Size { width, height })?;
    resvg::render(&tree, Transform::from_scale(RESOLUTION, RESOLUTION), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| RenderError::Encoding(error.to_string()))
}
