//! What a worker uses of its machine, in words; a dash where it isn't known.

use basin_charts::number;
use basin_domain::placement::ByteSize;
use basin_proto::v1;

const UNKNOWN: &str = "–";

/// The cores that its processes keep busy, of those that they may use: `1.5 of 8`.
pub fn cores(usage: Option<&v1::WorkerUsage>) -> String {
    let Some((busy, all)) = usage.and_then(|usage| Some((usage.cpu_cores?, usage.cores))) else {
        return UNKNOWN.to_owned();
    };
    match all {
        0 => format!("{busy:.1}"),
        all => format!("{busy:.1} of {all}"),
    }
}

/// The memory that its processes have, of what the machine has or a control group allows: `1.5 GiB of 16 GiB`.
pub fn memory(usage: Option<&v1::WorkerUsage>) -> String {
    let Some((bytes, limit)) = usage.and_then(|usage| Some((usage.memory?, usage.memory_limit))) else {
        return UNKNOWN.to_owned();
    };
    match limit {
        0 => ByteSize(bytes).to_string(),
        limit => format!("{} of {}", ByteSize(bytes), ByteSize(limit)),
    }
}

/// Training examples a second.
pub fn examples(per_second: Option<f64>) -> String {
    per_second.map_or_else(|| UNKNOWN.to_owned(), number::significant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_told_with_what_there_is() {
        let usage = v1::WorkerUsage {
            cpu_cores: Some(1.53),
            cores: 8,
            memory: Some(3 << 29),
            memory_limit: 16 << 30,
        };
        assert_eq!(
            (cores(Some(&usage)), memory(Some(&usage))),
            ("1.5 of 8".into(), "1.5 GiB of 16 GiB".into())
        );
        let alone = v1::WorkerUsage { cores: 0, memory_limit: 0, ..usage };
        assert_eq!((cores(Some(&alone)), memory(Some(&alone))), ("1.5".into(), "1.5 GiB".into()));
        assert_eq!([Some(51_200.0), Some(812.34), Some(0.0)].map(examples), ["51,200", "812.3", "0"]);
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        let nothing = v1::WorkerUsage { cores: 8, memory_limit: 1 << 30, ..v1::WorkerUsage::default() };
        for usage in [None, Some(&nothing)] {
            assert_eq!((cores(usage), memory(usage)), ("–".into(), "–".into()));
        }
        assert_eq!(examples(None), "–");
    }
}
