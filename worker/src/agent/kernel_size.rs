//! Sizes as Linux writes them in its files: a line each, `MemTotal:   24689996 kB`.

/// The bytes that the line of this name says; none if there is no such line.
pub(super) fn size(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_its_kibibytes() {
        let text = "MemFree: 1 kB\nMemTotal:       24689996 kB\nMem: 0 kB\n";
        assert_eq!(size(text, "MemTotal"), Some(24_689_996 * 1024));
        assert_eq!((size(text, "Mem"), size(text, "Total")), (Some(0), None));
    }

    #[test]
    fn a_line_that_says_no_number_of_kibibytes_says_nothing() {
        for text in
            ["MemTotal: kB", "MemTotal: -1 kB", "MemTotal: 12 MB", "MemTotal: 18446744073709551615 kB", ""]
        {
            assert_eq!(size(text, "MemTotal"), None, "{text}");
        }
    }
}
