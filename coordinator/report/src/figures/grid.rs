//! How the panels of a figure stand to each other.

use basin_charts::{Panel, PanelRow};
use basin_domain::figure::Layout;

/// The panels, given facet by facet, in rows. Series in a row: a row a facet; a single series, or more series than
/// stand side by side, fill rows. Series in a column: a column a facet.
pub(super) fn arrange(panels: &[Panel], layout: Layout, series: usize, facets: usize) -> Vec<PanelRow> {
    match layout {
        Layout::Row => {
            let across = if facets > 1 && (2..=3).contains(&series) { series } else { columns(panels.len()) };
            panels
                .chunks(across)
                .map(|panels| PanelRow { height: height(across), panels: panels.to_vec() })
                .collect()
        }
        Layout::Column => {
            let across = columns(facets);
            let height = if series > 1 { 165.0 } else { height(across) };
            let mut rows = Vec::new();
            for facets in panels.chunks(series * across) {
                for index in 0..series {
                    let panels = facets.iter().skip(index).step_by(series).cloned().collect();
                    rows.push(PanelRow { height, panels });
                }
            }
            rows
        }
    }
}

/// How many panels of equal rank stand in a row.
pub(super) fn columns(panels: usize) -> usize {
    match panels {
        0..=3 => panels.max(1),
        4 => 2,
        _ => 3,
    }
}

/// The height of a plot where so many stand in a row.
pub(super) const fn height(columns: usize) -> f64 {
    match columns {
        1 => 300.0,
        2 => 235.0,
        _ => 180.0,
    }
}
