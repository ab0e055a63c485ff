//! Where each pane is, by the size of the terminal.

use ratatui::layout::{Constraint, Layout, Rect};

/// A terminal that is smaller has no room for the panes.
pub(super) const SMALLEST: (u16, u16) = (60, 16);
/// From this width on curve and log stand beside each other.
const WIDE: u16 = 120;
/// From this width on the lists on the left have all the room that they can use.
const ROOMY: u16 = 160;

/// What is below the lists, where there is no room for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Lower {
    #[default]
    Curve,
    Log,
}

/// The panes' places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) header: Rect,
    pub(super) sweeps: Rect,
    pub(super) workers: Rect,
    pub(super) tasks: Rect,
    pub(super) curve: Option<Rect>,
    pub(super) log: Option<Rect>,
    pub(super) footer: Rect,
}

impl Places {
    /// Those in a terminal of this size; none if it is too small.
    pub(super) fn of(area: Rect, lower: Lower) -> Option<Self> {
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            return None;
        }
        let rows = [Constraint::Length(2), Constraint::Fill(11), Constraint::Fill(10), Constraint::Length(1)];
        let [header, upper, below, footer] = Layout::vertical(rows).areas(area);
        let left = if area.width >= ROOMY { 60 } else { area.width * 3 / 8 };
        let [left, tasks] = Layout::horizontal([Constraint::Length(left), Constraint::Fill(1)]).areas(upper);
        let [sweeps, workers] = Layout::vertical([Constraint::Fill(1); 2]).areas(left);
        let (curve, log) = match lower {
            _ if area.width >= WIDE => {
                let [curve, log] = Layout::horizontal([Constraint::Fill(1); 2]).areas(below);
                (Some(curve), Some(log))
            }
            Lower::Curve => (Some(below), None),
            Lower::Log => (None, Some(below)),
        };
        Some(Self { header, sweeps, workers, tasks, curve, log, footer })
    }
}

/// The height of a pane within its frame.
pub(super) fn inner_height(pane: Rect) -> usize {
    usize::from(pane.height.saturating_sub(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_cover_the_terminal_and_never_each_other() {
        for (width, height) in [(60, 16), (80, 24), (119, 40), (120, 40), (200, 50), (500, 200)] {
            for lower in [Lower::Curve, Lower::Log] {
                let area = Rect::new(0, 0, width, height);
                let it = Places::of(area, lower).unwrap();
                let panes =
                    [Some(it.header), Some(it.sweeps), Some(it.workers), Some(it.tasks), it.curve, it.log];
                let panes: Vec<Rect> = panes.into_iter().flatten().chain([it.footer]).collect();
                assert_eq!(panes.iter().map(|pane| pane.area()).sum::<u32>(), area.area());
                for (number, pane) in panes.iter().enumerate() {
                    assert!(panes[..number].iter().all(|other| !other.intersects(*pane)), "{panes:?}");
                }
            }
        }
        assert_eq!(Places::of(Rect::new(0, 0, 59, 50), Lower::Curve), None);
        assert_eq!(Places::of(Rect::new(0, 0, 80, 15), Lower::Curve), None);
    }
}
