//! Numbers as people read them on axes and in tables.

/// `exponent` in superscript figures: `⁻³`.
pub(crate) fn superscript(exponent: i32) -> String {
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
pub(crate) fn whole(number: i64) -> String {
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
pub(crate) fn fixed(number: f64, decimals: usize) -> String {
    let plain = format!("{:.decimals$}", number.abs());
    let (integer, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let integer = integer.parse::<i64>().map_or_else(|_| integer.to_owned(), whole);
    let sign = if number < 0.0 && plain.bytes().any(|b| (b'1'..=b'9').contains(&b)) { "−" } else { "" };
    if fraction.is_empty() { format!("{sign}{integer}") } else { format!("{sign}{integer}.{fraction}") }
}

/// A number as mantissa and power of ten, `2×10⁻⁵`; the mantissa is left out where it is one.
pub(crate) fn power(mantissa: f64, exponent: i32) -> String {
    let sign = if mantissa < 0.0 { "−" } else { "" };
    let mantissa = format!("{}", (mantissa.abs() * 1000.0).round() / 1000.0);
    if mantissa == "1" {
        format!("{sign}10{}", superscript(exponent))
    } else {
        format!("{sign}{mantissa}×10{}", superscript(exponent))
    }
}

/// A number with all its figures and no zeros beyond: as a setting is written.
pub(crate) fn exact(number: f64) -> String {
    if number != 0.0 && !(1e-4..1e6).contains(&number.abs()) && number.is_finite() {
        let exponent = number.abs().log10().floor() as i32;
        return power(number / 10f64.powi(exponent), exponent);
    }
    if number.fract() == 0.0 {
        return whole(number as i64);
    }
    number.to_string().replace('-', "−")
}

/// A number to four significant figures, for tables and captions.
pub(crate) fn significant(number: f64) -> String {
    if !number.is_finite() {
        return if number.is_nan() {
            "NaN".to_owned()
        } else if number > 0.0 {
            "∞".to_owned()
        } else {
            "−∞".to_owned()
        };
    }
    if number.fract() == 0.0 && number.abs() < 1e9 {
        return whole(number as i64);
    }
    let exponent = number.abs().log10().floor() as i32;
    if (-4..6).contains(&exponent) {
        fixed(number, usize::try_from(3 - exponent).unwrap_or(0))
    } else {
        power(number / 10f64.powi(exponent), exponent)
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
