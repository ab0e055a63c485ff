//! Encoded images: JPEG or PNG.

use std::io::Cursor;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// A decoded image.
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    /// 1 of grey images, 3 of others.
    pub(super) channels: usize,
    /// `[height, width, channels]`.
    pub(super) pixels: Vec<u8>,
}

/// Decodes a JPEG or PNG of `side` × `side` pixels and appends it to `planes` as `[3, side, side]`.
///
/// # Errors
/// The image's fault, in words; `planes` is then as it was.
pub(super) fn decode_rgb(encoded: &[u8], side: usize, planes: &mut Vec<u8>) -> Result<(), String> {
    let Picture { channels, pixels, .. } = decode(encoded, |width, height| {
        if (width, height) == (side, side) {
            Ok(())
        } else {
            Err(format!("the image has {width}×{height} pixels where {side}×{side} are expected"))
        }
    })?;
    for channel in 0..3 {
        planes.extend(pixels.iter().skip(channel.min(channels - 1)).step_by(channels));
    }
    Ok(())
}

/// Decodes a JPEG or PNG whose width and height `check` accepts; they are looked at before the pixels are.
///
/// # Errors
/// The image's fault, in words.
pub(super) fn decode(
    encoded: &[u8],
    check: impl Fn(usize, usize) -> Result<(), String>,
) -> Result<Picture, String> {
    if encoded.starts_with(&[0xff, 0xd8, 0xff]) {
        decode_jpeg(encoded, check)
    } else if encoded.starts_with(b"\x89PNG\r\n\x1a\n") {
        decode_png(encoded, check)
    } else {
        Err("the image is neither JPEG nor PNG".to_owned())
    }
}

fn decode_jpeg(
    encoded: &[u8],
    check: impl Fn(usize, usize) -> Result<(), String>,
) -> Result<Picture, String> {
    let reason = |error: zune_jpeg::errors::DecodeErrors| format!("the JPEG can't be decoded: {error}");
    // Scalar code alone (the same pixels on every machine), and no grey filled in where a file is cut off.
    let options = DecoderOptions::default()
        .set_use_unsafe(false)
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(encoded), options);
    decoder.decode_headers().map_err(reason)?;
    let (width, height) =
        decoder.info().map_or((0, 0), |info| (usize::from(info.width), usize::from(info.height)));
    check(width, height)?;
    let is_grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let pixels = decoder.decode().map_err(reason)?;
    if pixels.len() != width * height * 3 {
        return Err("the JPEG has no three colours".to_owned());
    }
    if is_grey {
        let pixels = pixels.into_iter().step_by(3).collect();
        return Ok(Picture { width, height, channels: 1, pixels });
    }
    Ok(Picture { width, height, channels: 3, pixels })
}

fn decode_png(encoded: &[u8], check: impl Fn(usize, usize) -> Result<(), String>) -> Result<Picture, String> {
    let reason = |error: png::DecodingError| format!("the PNG can't be decoded: {error}");
    let mut decoder = png::Decoder::new(Cursor::new(encoded));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(reason)?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    check(width, height)?;
    let size = reader.output_buffer_size().ok_or("the PNG is too large")?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(reason)?;
    pixels.truncate(frame.buffer_size());
    let channels = match frame.color_type {
        png::ColorType::Rgb => 3,
        png::ColorType::Grayscale => 1,
        png::ColorType::Rgba | png::ColorType::GrayscaleAlpha | png::ColorType::Indexed => {
            return Err(format!("the PNG is {:?}, not opaque grey or RGB", frame.color_type));
        }
    };
    if pixels.len() != width * height * channels {
        return Err("the PNG has another number of pixels than it says".to_owned());
    }
    Ok(Picture { width, height, channels, pixels })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::dataset) fn png_of(pixels: &[u8], side: u32, color: png::ColorType) -> Vec<u8> {
        let mut encoded = Vec::new();
        let mut encoder = png::Encoder::new(&mut encoded, side, side);
        encoder.set_color(color);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        encoded
    }

    pub(in crate::dataset) fn jpeg_of(pixels: &[u8], side: u16) -> Vec<u8> {
        let mut encoded = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut encoded, 100);
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_1);
        encoder.encode(pixels, side, side, jpeg_encoder::ColorType::Rgb).unwrap();
        encoded
    }

    /// A picture without sharp edges: what JPEG keeps well.
    pub(in crate::dataset) fn gradient(side: usize) -> Vec<u8> {
        (0..side * side).flat_map(|at| [(at % side * 8) as u8, (at / side * 8) as u8, 90]).collect()
    }

    fn planes(pixels: &[u8]) -> Vec<u8> {
        (0..3)
            .flat_map(|channel| pixels.iter().skip(channel).step_by(3).copied().collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn a_png_becomes_planes_without_loss() {
        let pixels = gradient(32);
        let mut decoded = vec![7];
        decode_rgb(&png_of(&pixels, 32, png::ColorType::Rgb), 32, &mut decoded).unwrap();
        assert_eq!(decoded[0], 7);
        assert_eq!(decoded[1..], planes(&pixels));
    }

    #[test]
    fn a_grey_png_has_three_equal_planes() {
        let grey: Vec<u8> = (0..64).collect();
        let mut decoded = Vec::new();
        decode_rgb(&png_of(&grey, 8, png::ColorType::Grayscale), 8, &mut decoded).unwrap();
        assert_eq!(decoded, [grey.clone(), grey.clone(), grey].concat());
    }

    #[test]
    fn a_jpeg_becomes_planes_close_to_its_picture() {
        let pixels = gradient(32);
        let mut decoded = Vec::new();
        decode_rgb(&jpeg_of(&pixels, 32), 32, &mut decoded).unwrap();
        let worst = planes(&pixels).iter().zip(&decoded).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(worst <= 4, "{worst}");
        assert_eq!(decoded.len(), 3 * 32 * 32);
    }

    #[test]
    fn images_that_are_none_are_refused_in_words() {
        let jpeg = jpeg_of(&gradient(32), 32);
        let png = png_of(&gradient(32), 32, png::ColorType::Rgb);
        let mut planes = Vec::new();
        let mut refuse = |bytes: &[u8], side| decode_rgb(bytes, side, &mut planes).unwrap_err();
        assert_eq!(refuse(b"GIF89a", 32), "the image is neither JPEG nor PNG");
        assert_eq!(refuse(b"", 32), "the image is neither JPEG nor PNG");
        assert_eq!(refuse(&jpeg, 16), "the image has 32×32 pixels where 16×16 are expected");
        assert_eq!(refuse(&png, 16), "the image has 32×32 pixels where 16×16 are expected");
        for bytes in [jpeg, png] {
            for length in 8..bytes.len() / 2 {
                refuse(&bytes[..length], 32);
            }
        }
        assert_eq!(planes, [0u8; 0]);
    }

    /// A PNG whose header says this size, with a right checksum.
    fn png_saying(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = png_of(&gradient(8), 8, png::ColorType::Rgb);
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        // CRC-32 as PNG has it (ISO/IEC 15948, annex D).
        let crc = bytes[12..29].iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
            })
        });
        bytes[29..33].copy_from_slice(&(!crc).to_be_bytes());
        bytes
    }

    #[test]
    fn a_picture_of_an_impossible_size_is_refused_before_it_is_unpacked() {
        assert!(decode(&png_saying(8, 8), |_, _| Ok(())).is_ok(), "the checksum is right");
        for (width, height) in
            [(0, 8), (8, 0), (1 << 31, 1), (u32::MAX, u32::MAX), (1 << 30, 1 << 30), (40_000, 40_000)]
        {
            let small = |width, height| match width * height {
                0..=1_000_000 => Ok(()),
                _ => Err("too large".to_owned()),
            };
            assert!(decode(&png_saying(width, height), small).is_err(), "{width} {height}");
        }
        // Larger or smaller than what is in it.
        assert!(decode(&png_saying(8, 9), |_, _| Ok(())).is_err());
    }
}
