//! How much a figure draws at most, so that a picture stays one of thousands of runs too. The rest is counted below the
//! figure, is one line of the legend, and is in the figure's data.

use basin_charts::{Entry, Swatch, number};

/// The most groups that are drawn: so many have a pen and a marker of their own.
pub(super) const MAX_GROUPS: usize = 35;
/// The most lines of single runs in a panel.
pub(super) const MAX_LINES: usize = 256;
/// The most points in a panel.
pub(super) const MAX_POINTS: usize = 4_000;
/// The most panels: each has a letter.
pub(super) const MAX_PANELS: usize = 24;
/// The most names in a description.
const MAX_NAMED: usize = 35;

/// How many facets of so many panels each are drawn.
pub(super) fn facets(facets: usize, panels: usize) -> usize {
    facets.min((MAX_PANELS / panels.max(1)).max(1))
}

/// Whether the `place`-th of `count` things is drawn, where `most` are: all of few, and of many as many as that, evenly
/// spread.
pub(super) const fn is_drawn(place: usize, count: usize, most: usize) -> bool {
    count <= most || place * most / count != (place + 1) * most / count
}

/// The number of things that are drawn, in a sentence, if it isn't all of them.
pub(super) fn note(drawn: usize, count: usize, things: &str) -> Option<String> {
    let shown = |count: usize| number::whole(count as i64);
    let are = if drawn == 1 { "is" } else { "are" };
    (drawn < count).then(|| {
        format!(
            "{} of {} {things} {are} drawn; the others are in the figure's data.",
            shown(drawn),
            shown(count)
        )
    })
}

/// The legend's line for `count` things that it doesn't name.
pub(super) fn rest(count: usize, why: &str) -> Option<Entry> {
    let label = format!("{} more ({why})", number::whole(count as i64));
    (count > 0).then_some(Entry { label, swatch: Swatch::Nothing })
}

/// Names in a row, the first ones of many.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let more = names.len().saturating_sub(MAX_NAMED);
    let listed = names[..names.len() - more].join("; ");
    if more == 0 { listed } else { format!("{listed}; and {} more", number::whole(more as i64)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_there_is_room_for_are_drawn_evenly_spread() {
        for (count, most) in [(3, 4), (4, 4), (5, 4), (10_000, 256), (257, 256)] {
            let drawn: Vec<usize> = (0..count).filter(|&place| is_drawn(place, count, most)).collect();
            assert_eq!(drawn.len(), count.min(most), "{count} {most}");
            let widest = drawn.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
            assert!(widest <= count.div_ceil(most), "{count} {most}: {widest}");
        }
        assert_eq!((facets(400, 1), facets(400, 5), facets(2, 5), facets(400, 100)), (24, 4, 2, 1));
    }
}
