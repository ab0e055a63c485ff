//! Numbers as people read them on axes and in tables.

/// `exponent` in superscript figures: `⁻³`.
pub fn superscript(exponent: i32) -> String {
    const FIGURES: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let mut text = String::new();
    if exponent < 0 {
        text.push('⁻');
    }
    for figure in exponent.unsigned_abs().to_string().bytes() {
        text.push(FIGURES[usize::from(figure - b'0')]);
    }
    text
}

/// A whole number with commas between thousands, and a true minus sign.
pub fn whole(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("−{text}") } else { text }
}

/// A number with this many decimals, a true minus sign and commas between thousands.
pub fn fixed(number: f64, decimals: usize) -> String {
    let plain = format!("{:.decimals$}", number.abs());
    let (integer, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let integer = integer.parse::<i64>().map_or_else(|_| integer.to_owned(), whole);
    let sign = if number < 0.0 && plain.bytes().any(|b| (b'1'..=b'9').contains(&b)) { "−" } else { "" };
    if fraction.is_empty() { format!("{sign}{integer}") } else { format!("{sign}{integer}.{fraction}") }
}

/// A number as mantissa and power of ten, `2×10⁻⁵`; the mantissa is left out where it is one.
pub fn power(mantissa: f64, exponent: i32) -> String {
    power_to(mantissa, exponent, 3)
}

/// The same with a mantissa of at most so many decimals.
pub fn power_to(mantissa: f64, exponent: i32, decimals: usize) -> String {
    let sign = if mantissa < 0.0 { "−" } else { "" };
    let plain = format!("{:.decimals$}", mantissa.abs());
    let plain = if plain.contains('.') { plain.trim_end_matches('0').trim_end_matches('.') } else { &plain };
    with_power(sign, plain, exponent)
}

fn with_power(sign: &str, mantissa: &str, exponent: i32) -> String {
    let power = superscript(exponent);
    if mantissa == "1" { format!("{sign}10{power}") } else { format!("{sign}{mantissa}×10{power}") }
}

/// A number with all its figures and no zeros beyond: as a setting is written. Unlike numbers have unlike texts.
pub fn exact(number: f64) -> String {
    figures(number, None)
}

/// A number with at most so many significant figures and no zeros beyond.
pub fn rounded(number: f64, most: usize) -> String {
    figures(number, Some(most))
}

/// The figures come from the standard library's shortest text that reads back as the same number: a division by a power of
/// ten would lose the last ones, and has no result at the ends of the range.
fn figures(number: f64, most: Option<usize>) -> String {
    if !number.is_finite() {
        return not_finite(number);
    }
    let size = number.abs();
    let shortest = format!("{size:e}");
    let digits = shortest.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    let scientific = match most {
        Some(most) if digits > most => format!("{size:.*e}", most.max(1) - 1),
        Some(_) | None => shortest,
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let mantissa =
        if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return with_power(if number < 0.0 { "−" } else { "" }, mantissa, exponent);
    }
    let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let decimals = i32::try_from(fraction).unwrap_or(0) - exponent;
    fixed(number, usize::try_from(decimals).unwrap_or(0))
}

fn not_finite(number: f64) -> String {
    let text = if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "∞"
    } else {
        "−∞"
    };
    text.to_owned()
}

/// A number to four significant figures, for tables and captions.
pub fn significant(number: f64) -> String {
    if !number.is_finite() {
        return not_finite(number);
    }
    if number.fract() == 0.0 && number.abs() < 1e9 {
        return whole(number as i64);
    }
    let exponent = number.abs().log10().floor() as i32;
    if (-4..6).contains(&exponent) {
        fixed(number, usize::try_from(3 - exponent).unwrap_or(0))
    } else {
        rounded(number, 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_in_print() {
        assert_eq!(superscript(-12), "⁻¹²");
        assert_eq!(whole(-1_234_567), "−1,234,567");
        assert_eq!(whole(i64::MIN), "−9,223,372,036,854,775,808");
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(fixed(-12345.678, 1), "−12,345.7");
        assert_eq!(power(1.0, -3), "10⁻³");
        assert_eq!(power(-2.5, 6), "−2.5×10⁶");
    }

    #[test]
    fn settings_keep_their_figures_and_gain_no_zeros() {
        let shown = [1e-4, 0.001, 0.1, 1024.0, -0.25, 3e-5, 2.5e6, 0.0].map(exact);
        assert_eq!(shown, ["0.0001", "0.001", "0.1", "1,024", "−0.25", "3×10⁻⁵", "2.5×10⁶", "0"]);
    }

    #[test]
    fn the_ends_of_the_range_have_texts_too() {
        assert_eq!(exact(5e-324), "5×10⁻³²⁴");
        assert_eq!(exact(f64::MAX), "1.7976931348623157×10³⁰⁸");
        assert_eq!([exact(1e-7), exact(1.000_01e-7)], ["10⁻⁷", "1.00001×10⁻⁷"]);
        assert_eq!([rounded(f64::MAX, 4), significant(5e-324)], ["1.798×10³⁰⁸", "5×10⁻³²⁴"]);
        assert_eq!([rounded(0.123_456_789, 4), rounded(999_999.9, 3)], ["0.1235", "1,000,000"]);
        assert_eq!([exact(f64::NAN), exact(f64::NEG_INFINITY), exact(-0.0)], ["NaN", "−∞", "0"]);
    }

    #[test]
    fn tables_show_four_significant_figures() {
        assert_eq!(significant(0.123_456), "0.1235");
        assert_eq!(significant(2241.0), "2,241");
        assert_eq!(significant(12.345_6), "12.35");
        assert_eq!(significant(0.000_012_341), "1.234×10⁻⁵");
        assert_eq!(significant(f64::NAN), "NaN");
        assert_eq!(significant(f64::NEG_INFINITY), "−∞");
        assert_eq!(significant(0.0), "0");
    }
}
