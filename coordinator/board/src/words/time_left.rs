//! The time that is left of a sweep, in words: no more exact than it is known.

use basin_proto::v1;

/// A range is told whose upper end is more than so many times its lower end.
const TOLD_RANGE: f64 = 1.5;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The share of something that is done, in whole percent: 100 only if all of it is.
pub fn percent(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * 100.0).floor() as u64
}

/// `about 3 min`, or `2 to 4 min` where that isn't sure; none if it isn't known, or nothing is left.
pub fn left_text(forecast: &v1::Forecast) -> Option<String> {
    let known = |seconds: Option<f64>| seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    let seconds = known(forecast.seconds_left).filter(|_| forecast.done_share < 1.0)?;
    let (least, most) = (known(forecast.least_seconds_left), known(forecast.most_seconds_left));
    if let (Some(least), Some(most)) = (least, most)
        && most > TOLD_RANGE * least
        && let Some(range) = range_text(least, most)
    {
        return Some(range);
    }
    Some(match rounded(seconds) {
        0 => "a moment".to_owned(),
        whole => format!("about {}", span_text(whole)),
    })
}

/// Both ends in one unit if they can be; none if they are the same once they are rounded, or as good as nothing.
fn range_text(least: f64, most: f64) -> Option<String> {
    let (least, most) = (rounded(least), rounded(most));
    let unit = |seconds: u64| match seconds {
        0..MINUTE => (1, "s"),
        MINUTE..HOUR => (MINUTE, "min"),
        _ => (HOUR, "h"),
    };
    let (size, name) = unit(most);
    if most < 2 {
        return None;
    }
    if size == unit(least).0 {
        // Downwards and upwards: the range is never narrower than it is.
        let (from, to) = (least / size, most.div_ceil(size));
        return (from < to).then(|| format!("{from} to {to} {name}"));
    }
    Some(format!("{} to {}", span_text(least), span_text(most.div_ceil(size) * size)))
}

/// Seconds, to a twentieth or so.
fn rounded(seconds: f64) -> u64 {
    let step = match seconds {
        ..20.0 => 1.0,
        20.0..60.0 => 5.0,
        60.0..600.0 => 10.0,
        600.0..7_200.0 => 60.0,
        _ => 600.0,
    };
    ((seconds / step).round() * step) as u64
}

/// A span without what is zero of it: `3 min`, `3 min 20 s`, `2 h 10 min`.
fn span_text(seconds: u64) -> String {
    let with = |whole: u64, name: &str, rest: u64, rest_name: &str| match rest {
        0 => format!("{whole} {name}"),
        _ => format!("{whole} {name} {rest} {rest_name}"),
    };
    match seconds {
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => with(seconds / MINUTE, "min", seconds % MINUTE, "s"),
        _ => with(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(seconds: f64, spread: f64) -> String {
        let forecast = v1::Forecast {
            done_share: 0.5,
            seconds_left: Some(seconds),
            least_seconds_left: Some(seconds * (1.0 - spread)),
            most_seconds_left: Some(seconds * (1.0 + spread)),
            experiments: Vec::new(),
        };
        left_text(&forecast).unwrap()
    }

    #[test]
    fn what_is_known_well_is_told_to_a_twentieth() {
        let told = |seconds| text(seconds, 0.1);
        assert_eq!(told(0.2), "a moment");
        assert_eq!(told(7.4), "about 7 s");
        assert_eq!(told(47.0), "about 45 s");
        assert_eq!(told(58.0), "about 1 min");
        assert_eq!(told(202.0), "about 3 min 20 s");
        assert_eq!(told(1_000.0), "about 17 min");
        assert_eq!(told(3_700.0), "about 1 h 2 min");
        assert_eq!(told(8_000.0), "about 2 h 10 min");
        assert_eq!(told(400_000.0), "about 111 h 10 min");
    }

    #[test]
    fn what_is_not_sure_is_told_as_a_range() {
        let told = |seconds| text(seconds, 0.4);
        assert_eq!(told(10.0), "6 to 14 s");
        assert_eq!(told(170.0), "1 to 4 min");
        assert_eq!(told(60.0), "35 s to 2 min");
        assert_eq!(told(20_000.0), "3 to 8 h");
        assert_eq!(told(0.0), "a moment");
        assert_eq!(told(0.6), "about 1 s");
    }

    #[test]
    fn nothing_is_told_of_what_is_not_known_or_over() {
        let forecast = v1::Forecast { done_share: 0.5, ..v1::Forecast::default() };
        assert_eq!(left_text(&forecast), None);
        for seconds in [f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(left_text(&v1::Forecast { seconds_left: Some(seconds), ..forecast.clone() }), None);
        }
        let over = v1::Forecast { done_share: 1.0, seconds_left: Some(0.0), ..v1::Forecast::default() };
        assert_eq!(left_text(&over), None);
    }

    #[test]
    fn a_share_is_whole_only_if_it_is() {
        assert_eq!([0.0, 0.129, 0.999, 1.0, f64::NAN].map(percent), [0, 12, 99, 100, 0]);
    }
}
