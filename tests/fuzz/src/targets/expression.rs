//! A function of one or several variables.

use basin_domain::expression::{Expression, MOST_VARIABLES};

pub(super) fn read(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(expression) = text.parse::<Expression>() else { return false };
    let written = expression.to_string();
    let again: Expression = written.parse().expect("what is written is read");
    assert_eq!(again.to_string(), written, "an expression has one spelling");
    assert_eq!(again.variables(), expression.variables());
    for coordinate in [0.0, -1.5, 3.0, f64::INFINITY, f64::NAN, 1e300] {
        let point = [coordinate; MOST_VARIABLES];
        let (value, other) = (expression.at(&point), again.at(&point));
        assert!(value.to_bits() == other.to_bits() || value.is_nan() && other.is_nan(), "{written}");
    }
    true
}
