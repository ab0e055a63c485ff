//! A ramp of colours for quantities: dark blue over green to light yellow.
//!
//! Lightness L of the OKLCh space (Ottosson 2020, "A perceptual color space for image processing") rises in equal steps
//! from 0.27 to 0.96 while the hue turns from 285° to 110°, with a chroma of about 0.12 where the screen has it: in grey
//! print and for colour-blind eyes, light is high and dark is low.

/// The colours, from low to high.
const RAMP: [&str; 32] = [
    "#24165b", "#231f64", "#21276c", "#1d2f74", "#16387c", "#094083", "#034a84", "#035285", "#025b87",
    "#076389", "#086b8b", "#03738f", "#027b92", "#078395", "#018b98", "#00939a", "#089b9b", "#01a49d",
    "#02ad9d", "#0fb59c", "#1fbd9a", "#40c497", "#57ca95", "#6cd093", "#80d692", "#92dc91", "#a4e190",
    "#b5e691", "#c6eb92", "#d7f094", "#e7f498", "#f6f99c",
];

/// The number of colours.
pub(super) const LENGTH: usize = RAMP.len();

/// The n-th colour.
pub(super) const fn color(n: usize) -> &'static str {
    RAMP[if n < LENGTH { n } else { LENGTH - 1 }]
}

/// The colour of the n-th of so many bands, as a place in the ramp.
pub(super) fn of_band(n: usize, bands: usize) -> usize {
    if bands < 2 { LENGTH / 2 } else { n.min(bands - 1) * (LENGTH - 1) / (bands - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative luminance of sRGB (IEC 61966-2-1).
    fn luminance(hex: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    #[test]
    fn each_colour_is_lighter_than_the_one_before() {
        let lightness: Vec<f64> = (0..LENGTH).map(|n| luminance(color(n)).cbrt()).collect();
        let steps: Vec<f64> = lightness.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let even = (lightness[LENGTH - 1] - lightness[0]) / (LENGTH - 1) as f64;
        assert!(steps.iter().all(|step| *step > 0.6 * even && *step < 1.5 * even), "{steps:?}");
    }

    #[test]
    fn bands_share_the_whole_ramp() {
        assert_eq!((of_band(0, 10), of_band(9, 10), of_band(12, 10)), (0, LENGTH - 1, LENGTH - 1));
        assert!((1..20).all(|n| of_band(n, 20) > of_band(n - 1, 20)));
    }
}
