"""The table of results from what a store has: the columns of a report's `results.csv`, in their order.

What each column holds is said in coordinator/report/src/tables/results.rs; a test holds this one against it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from .names import Value, value_text
from .run import Run
from .stored_run import StoredRun

ENDINGS = (
    "certified_minimum",
    "certified_saddle",
    "certified_degenerate",
    "cause_unproven",
    "cause_flat",
    "cause_slow",
    "cause_limit",
    "cause_diverged",
)
"""The ways in which a run of `critical-point` ends; exactly one is 1."""
# Series against these have a value at the end that says something of the run; in the order of the table.
_AXES = ("epoch", "iteration", "once")

Last = dict[tuple[str, str], tuple[float, float]]
"""The last x and value of each series, by its name and axis."""


def results_table(runs: Sequence[Run], stored: Mapping[str, StoredRun]) -> pa.Table:
    """A row for each run."""
    of_runs = [stored[run.task] for run in runs]
    last_of = {task: _last(of_task.metrics) for task, of_task in stored.items()}
    last = [last_of[run.task] for run in runs]
    columns: dict[str, pa.Array] = {
        "task": pa.array([run.task for run in runs], pa.string()),
        "experiment": pa.array([run.experiment for run in runs], pa.string()),
    }

    def add(name: str, prefix: str, values: pa.Array) -> None:
        while name in columns:
            name = f"{prefix}.{name}"
        columns[name] = values

    for parameter in sorted({name for run in runs for name in run.point if name != "seed"}):
        add(parameter, "parameter", _typed([run.point.get(parameter) for run in runs]))
    add("seed", "run", pa.array([run.seed for run in runs], pa.uint64()))
    add("outcome", "run", pa.array([of_run.outcome for of_run in of_runs], pa.string()))
    endings = [next((name for name in ENDINGS if _value(of_run, name) == 1.0), None) for of_run in last]
    if any(endings):
        add("ending", "run", pa.array(endings, pa.string()))
    add("diverged_at", "run", _iterations(of_runs, "diverged"))
    if any(of_run.outcome == "stopped" for of_run in of_runs):
        add("stopped_at", "run", _iterations(of_runs, "stopped"))
        rules = [of_run.commit.rule if of_run.commit and of_run.outcome == "stopped" else None for of_run in of_runs]
        add("stopped_by", "run", pa.array(rules, pa.string()))
    for name, axis in (("epochs", "epoch"), ("iterations", "iteration")):
        ends = [max((x for (_, on), (x, _) in of_run.items() if on == axis), default=None) for of_run in last]
        add(name, "run", pa.array(ends, pa.float64()))
    series = {of_series for of_run in last for of_series in of_run if of_series[1] in _AXES}
    for name, axis in sorted(series, key=lambda of_series: (of_series[0], _AXES.index(of_series[1]))):
        values = [of_run[name, axis][1] if (name, axis) in of_run else None for of_run in last]
        add(name, axis, pa.array(values, pa.float64()))
    return pa.table(columns)


def _last(metrics: pa.Table | None) -> Last:
    if metrics is None:
        return {}
    # Without threads, so that the last is the last.
    ends = metrics.group_by(["series", "axis"], use_threads=False).aggregate([("x", "last"), ("value", "last")])
    return {(row["series"], row["axis"]): (row["x_last"], row["value_last"]) for row in ends.to_pylist()}


def _value(last: Last, name: str) -> float | None:
    return next((value for (series, _), (_, value) in last.items() if series == name), None)


def _iterations(of_runs: Sequence[StoredRun], outcome: str) -> pa.Array:
    at = [of_run.commit.iteration if of_run.commit and of_run.outcome == outcome else None for of_run in of_runs]
    return pa.array(at, pa.uint64())


def _typed(values: list[Value | None]) -> pa.Array:
    """A parameter's values in the narrowest type that holds them all: a text if there is none."""
    types: list[pa.DataType] = [pa.int64(), pa.float64(), pa.bool_()]
    types += [pa.list_(pa.int64()), pa.list_(pa.float64()), pa.list_(pa.string()), pa.string()]
    fitting: pa.DataType = next(
        (of for of in types if all(value is None or _fits(value, of) for value in values)), pa.string()
    )
    if pa.types.is_string(fitting):
        return pa.array([None if value is None else value_text(value) for value in values], pa.string())
    return pa.array(values, fitting)


def _fits(value: Any, of: pa.DataType) -> bool:
    if pa.types.is_list(of):
        return isinstance(value, list) and all(_fits(item, of.value_type) for item in value)
    if isinstance(value, bool):
        return bool(pa.types.is_boolean(of))
    if pa.types.is_integer(of):
        return isinstance(value, int)
    if pa.types.is_floating(of):
        return isinstance(value, int | float)
    return bool(pa.types.is_string(of)) and isinstance(value, str)
