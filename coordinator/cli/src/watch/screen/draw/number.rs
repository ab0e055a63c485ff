//! Numbers in little room.

/// A measured number in some eight characters.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if (0.001..10_000.0).contains(&size) {
        let digits = if size < 1.0 { 4 } else { 3 };
        format!("{value:.digits$}")
    } else {
        format!("{value:.2e}")
    }
}

/// A count in some six characters.
pub(super) fn count(value: u64) -> String {
    match value {
        0..100_000 => value.to_string(),
        100_000..100_000_000 => format!("{}k", value / 1_000),
        100_000_000.. => format!("{:.1e}", value as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_size_take_little_room() {
        let all = [0.0, 0.25, 2.5, -9_999.5, 0.00012, 1e30, f64::NAN].map(short);
        assert_eq!(all, ["0", "0.2500", "2.500", "-9999.500", "1.20e-4", "1.00e30", "NaN"]);
        assert_eq!([0, 99_999, 100_000, 900_000_000].map(count), ["0", "99999", "100k", "9.0e8"]);
    }
}
