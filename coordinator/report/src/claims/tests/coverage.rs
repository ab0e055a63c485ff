//! How often intervals hold the truth and claims are refused falsely, by simulation: the table of `docs/statistics.md`.

mod data;
mod interquartile;
mod intervals;
mod refusals;

use basin_domain::random::Stream;

use crate::statistics::ConfidenceInterval;

/// A row of the table.
struct Row {
    /// The interval, or what is refused.
    what: &'static str,
    /// The data.
    data: String,
    /// For each n: the share of repetitions, and how many there were.
    cells: Vec<Cell>,
    /// How it should be.
    expected: Expected,
}

/// What a row should have.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    /// Coverage of 95 % within 1.5 points, or more.
    Covers,
    /// False refusals in 2.5 % of cases at most.
    SeldomRefuses,
    /// Less: what the interval can't do, and what is said beside a verdict for that.
    Falls,
}

/// A number of the table.
#[derive(Clone)]
struct Cell {
    n: usize,
    /// None where there is no interval.
    share: Option<f64>,
    repetitions: usize,
}

impl Cell {
    /// How far a share may be off by chance: four standard errors.
    fn slack(&self, nominal: f64) -> f64 {
        4.0 * (nominal * (1.0 - nominal) / self.repetitions as f64).sqrt()
    }
}

/// The repetitions of what takes long.
fn fewer(repetitions: usize) -> usize {
    (repetitions / 10).max(40)
}

/// How often `covers` holds, of those repetitions in which it says anything.
fn share(name: &str, repetitions: usize, mut covers: impl FnMut(&mut Stream) -> Option<bool>) -> Option<f64> {
    let mut stream = Stream::new(0, name);
    let (mut all, mut times) = (0_u32, 0_u32);
    for _ in 0..repetitions {
        if let Some(covered) = covers(&mut stream) {
            all += 1;
            times += u32::from(covered);
        }
    }
    (all > 0).then(|| f64::from(times) / f64::from(all))
}

fn holds(interval: ConfidenceInterval, truth: f64) -> bool {
    interval.low <= truth && truth <= interval.high
}

/// Asserts that every row is as expected, but for chance.
fn check(rows: &[Row]) {
    for row in rows {
        for cell in &row.cells {
            let Some(share) = cell.share else { continue };
            let (fits, limit) = match row.expected {
                Expected::Covers => (share >= 0.935 - cell.slack(0.95), 0.935),
                Expected::SeldomRefuses => (share <= 0.025 + cell.slack(0.025), 0.025),
                Expected::Falls => (true, 0.0),
            };
            assert!(fits, "{}, {}, n = {}: {share} instead of {limit}", row.what, row.data, cell.n);
        }
    }
}

/// The rows as Markdown, as `docs/statistics.md` has them.
fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| interval or check | data | n = 3 | 5 | 8 | 20 | 100 |\n| --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in rows {
        let cell = |n: usize| {
            let found = row.cells.iter().find(|cell| cell.n == n);
            match found.map(|cell| cell.share) {
                None => String::new(),
                Some(None) => "–".to_owned(),
                Some(Some(share)) => format!("{:.1}", 100.0 * share),
            }
        };
        let cells: Vec<String> = data::SIZES.map(cell).to_vec();
        text += &format!("| {} | {} | {} |\n", row.what, row.data, cells.join(" | "));
    }
    text
}

/// Every row, with so many repetitions of what is fast, and a tenth of them of what takes long.
fn all(repetitions: usize) -> Vec<Row> {
    [intervals::rows(repetitions), refusals::rows(repetitions)].into_iter().flatten().collect()
}

#[test]
fn intervals_cover_and_claims_are_seldom_refused_falsely() {
    check(&all(400));
}

/// Takes minutes: `cargo test --release --workspace --lib coverage -- --ignored --nocapture` prints the table of
/// `docs/statistics.md`.
#[test]
#[ignore = "takes minutes"]
fn the_table_of_coverage_in_full() {
    let repetitions =
        std::env::var("BASIN_COVERAGE_REPETITIONS").map_or(10_000, |text| text.parse().unwrap());
    let rows = all(repetitions);
    println!("{}", table(&rows));
    check(&rows);
}
