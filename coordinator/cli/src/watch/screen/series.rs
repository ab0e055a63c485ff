//! Which series the curve shows: the loss, or one of those that the shown tasks record.

use std::collections::BTreeSet;

use basin_proto::live_series;

use super::state::State;

/// The names of the series beside the loss, in their order.
pub(super) fn names(state: &State) -> Vec<String> {
    let shown = state.curve_tasks().into_iter().filter_map(|task| state.live.get(&task.task_id));
    let recorded = shown.flat_map(|live| live_series::read(&live.series));
    let names: BTreeSet<String> = recorded.map(|series| series.name().to_owned()).collect();
    names.into_iter().collect()
}

/// The place of the series that is shown among all, from 0 for the loss; that of the loss if nothing is said of it.
pub(super) fn place(state: &State, names: &[String]) -> usize {
    let shown = state.series.as_ref();
    shown.and_then(|shown| names.iter().position(|name| name == shown)).map_or(0, |place| place + 1)
}

/// Shows the series so many further. The loss stands before the first one, and after the last one again.
pub(super) fn change(state: &mut State, by: isize) {
    let names = names(state);
    let all = names.len() + 1;
    let next = place(state, &names).saturating_add_signed(by + all as isize) % all;
    state.series = next.checked_sub(1).and_then(|place| names.get(place).cloned());
}
