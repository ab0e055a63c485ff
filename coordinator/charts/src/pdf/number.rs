//! Numbers of a PDF.

/// A number as PDF takes it: without an exponent, to a hundred-thousandth.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.5}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if matches!(text, "" | "-0") { "0".to_owned() } else { text.to_owned() }
}
