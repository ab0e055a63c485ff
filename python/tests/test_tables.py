"""Results and series, from a report and from a store."""

import csv
import math
import subprocess
import sys
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import basin_sweeps as basin
from basin_sweeps import Run
from basin_sweeps.commit import Commit
from basin_sweeps.digest import digest_of
from basin_sweeps.names import Value
from basin_sweeps.stored_results import ENDINGS, results_table
from basin_sweeps.stored_run import MEASURED, StoredRun

PLACES = ["report", "collected", "store"]


def rows(table: pa.Table) -> list[dict[str, object]]:
    """The rows, with one NaN that is equal to itself."""
    return [
        {name: "NaN" if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
        for row in table.to_pylist()
    ]


def test_a_reports_results_are_those_of_its_file(homework: Path) -> None:
    results = basin.open(homework / "report").results
    assert rows(results) == rows(pq.read_table(homework / "report" / "results.parquet"))
    assert results.num_rows == 18


def test_a_store_gives_the_results_that_the_report_made_of_it(homework: Path) -> None:
    from_store = basin.open(homework / "store").results
    from_report = basin.open(homework / "report").results
    with (homework / "report" / "results.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert from_store.column_names == list(written[0])
    # The table in Parquet has the value of a fixed parameter, where the one in CSV has a gap.
    expected = from_report.select(from_store.column_names).to_pylist()
    expected = [
        {name: value if cells[name] else None for name, value in row.items()}
        for cells, row in zip(written, expected, strict=True)
    ]
    assert rows(from_store) == rows(pa.Table.from_pylist(expected, from_report.select(from_store.column_names).schema))
    assert set(from_store["outcome"].to_pylist()) == {"completed", "diverged", "stopped"}
    assert from_store["ending"][-1].as_py() is not None
    assert from_store.schema.field("hidden").type == pa.list_(pa.int64())


@pytest.mark.parametrize("place", PLACES)
def test_a_series_has_the_points_of_every_run_in_the_order_of_the_plan(homework: Path, place: str) -> None:
    everything = pq.read_table(homework / "report" / "series.parquet").to_pylist()
    expected = [row for row in everything if row["series"] == "train_loss"]
    found = basin.open(homework / place).series("train_loss").to_pylist()
    # A task that stands at two points is in the file twice, and so it is here.
    assert [(row["task"], row["x"], row["value"]) for row in found] == [
        (row["task"], row["x"], row["value"]) for row in expected
    ]
    assert len({row["task"] for row in expected}) < len(expected) / 3


@pytest.mark.parametrize("place", PLACES)
def test_columns_of_results_stand_beside_a_series(homework: Path, place: str) -> None:
    sweep = basin.open(homework / place)
    table = sweep.series("test_loss", "batch_size", "seed", "task")
    assert table.column_names == ["task", "batch_size", "seed", "axis", "x", "value"]
    losses = table.to_pandas()
    tasks = [run.task for run in sweep.runs if run.experiment == "batch-sizes"]
    last = losses[(losses["x"] == 2) & losses["task"].isin(tasks)]
    batch_sizes = sweep.results.filter(pc.field("experiment") == "batch-sizes").to_pylist()
    expected = {(row["batch_size"], row["seed"]): row["test_loss"] for row in batch_sizes}
    assert len(last) == 9
    for _, row in last.iterrows():
        assert row["value"] == expected[row["batch_size"], row["seed"]]
    # The two batch sizes that are one run have the same points, and each its own.
    of_size = {size: losses[losses["task"].isin(tasks) & (losses["batch_size"] == size)] for size in (64, 128)}
    assert len(of_size[64]) == len(of_size[128]) == 9
    assert of_size[64]["value"].to_list() == of_size[128]["value"].to_list()


@pytest.mark.parametrize("place", PLACES)
def test_a_runs_series_are_its_points_once(homework: Path, place: str) -> None:
    run = basin.open(homework / place).run("batch-sizes batch_size=128 seed 1")
    series = run.series("test_loss")
    assert series.column_names == ["axis", "x", "value"]
    assert (series["axis"].to_pylist(), series["x"].to_pylist()) == (["epoch"] * 3, [0.0, 1.0, 2.0])
    with pytest.raises(basin.NotFoundError, match="has no series `index`"):
        run.series("index")


@pytest.mark.parametrize("place", PLACES)
def test_what_is_not_there_is_told_with_what_may_have_been_meant(homework: Path, place: str) -> None:
    sweep = basin.open(homework / place)
    with pytest.raises(basin.NotFoundError, match="no series `test_los`; did you mean `test_loss`"):
        sweep.series("test_los")
    with pytest.raises(basin.NotFoundError, match="no column `batchsize`; did you mean `batch_size`"):
        sweep.series("test_loss", "batchsize")
    with pytest.raises(ValueError, match="column `x` of its own"):
        sweep.series("test_loss", "x")
    assert {"test_loss", "certified", "prediction"} <= set(sweep.series_names)


def test_nothing_but_to_pandas_needs_pandas(homework: Path) -> None:
    program = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in ("pandas", "polars"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import basin_sweeps as basin
for sweep in (basin.open("collected"), basin.open("store")):
    assert sweep.results.num_rows == 18 and sweep.series("test_loss", "seed").num_rows
    assert sweep.run("stopped").weights() and sweep.run("stopped").series("train_loss").num_rows
assert basin.open("report").claims and basin.open("report").figure("losses").num_rows
try:
    sweep.results.to_pandas()
except ImportError:
    print("needed")
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=homework, check=True, capture_output=True, text=True)
    assert ran.stdout == "needed\n"


@pytest.mark.parametrize("place", PLACES)
def test_tables_become_those_of_pandas_and_polars(homework: Path, place: str) -> None:
    results = basin.open(homework / place).results
    means = results.to_pandas().groupby("batch_size")["test_loss"].mean()
    assert isinstance(means, pd.Series)
    of_polars = pl.from_arrow(results)
    assert isinstance(of_polars, pl.DataFrame)
    mean_of_32 = of_polars.filter(pl.col("batch_size") == 32)["test_loss"].mean()
    assert mean_of_32 == pytest.approx(means.loc[32])


def test_every_way_in_which_a_search_for_a_critical_point_ends_is_known(homework: Path) -> None:
    recorded = basin.open(homework / "store").series_names
    assert set(ENDINGS) == {name for name in recorded if name.startswith(("certified_", "cause_"))}


def stored(point: dict[str, Value], measured: dict[tuple[str, str], float]) -> tuple[Run, StoredRun]:
    """A committed run that measured these, by series and axis."""
    task = digest_of(repr(point).encode())
    commit = Commit(task, 1, "lease", "completed", None, None, "", "")
    names, axes = [name for name, _ in measured], [axis for _, axis in measured]
    metrics = pa.table([names, axes, [2.0] * len(names), list(measured.values())], MEASURED)
    return Run(task, "own", point, 0, source=None), StoredRun(commit, metrics, None)  # type: ignore[arg-type]


def test_parameters_and_series_that_are_called_alike_get_names_of_their_own() -> None:
    run, of_store = stored(
        {"epochs": 3, "outcome": 0.5, "task": 7},
        {("outcome", "once"): 1.0, ("loss", "iteration"): 2.0, ("loss", "epoch"): 3.0, ("density", "eigenvalue"): 4.0},
    )
    table = results_table([run], {run.task: of_store})
    assert table.column_names == (
        ["task", "experiment", "epochs", "outcome", "parameter.task", "seed", "run.outcome", "diverged_at"]
        + ["run.epochs", "iterations", "loss", "iteration.loss", "once.outcome"]
    )
    assert table.to_pylist()[0] == {
        **{"task": run.task, "experiment": "own", "epochs": 3, "outcome": 0.5, "parameter.task": 7, "seed": 0},
        **{"run.outcome": "completed", "diverged_at": None, "run.epochs": 2.0, "iterations": 2.0},
        **{"loss": 3.0, "iteration.loss": 2.0, "once.outcome": 1.0},
    }


@pytest.mark.parametrize(
    ("values", "expected", "expected_type"),
    [
        ([1, None, 2], [1, None, 2], pa.int64()),
        ([1, 0.5], [1.0, 0.5], pa.float64()),
        ([True, False], [True, False], pa.bool_()),
        ([True, 1], ["true", "1"], pa.string()),
        ([[1, 0.5], [2]], [[1.0, 0.5], [2.0]], pa.list_(pa.float64())),
        ([["a"], []], [["a"], []], pa.list_(pa.string())),
        ([[1, 2], "deep", 1e-7], ["[1, 2]", "deep", "0.0000001"], pa.string()),
        ([[[1]], [[2, 3]]], ["[[1]]", "[[2, 3]]"], pa.string()),
    ],
)
def test_a_parameter_has_the_narrowest_type_that_holds_all_its_values(
    values: list[Value | None], expected: list[object], expected_type: pa.DataType
) -> None:
    runs = [
        stored({"parameter": value, "n": n} if value is not None else {"n": n}, {}) for n, value in enumerate(values)
    ]
    table = results_table([run for run, _ in runs], {run.task: of_store for run, of_store in runs})
    assert table["parameter"].to_pylist() == expected
    assert table.schema.field("parameter").type == expected_type


def test_no_threads_are_left_behind_that_could_end_a_program_badly(homework: Path) -> None:
    program = """
import os
import numpy, pyarrow

def threads():
    return len(os.listdir("/proc/self/task"))

before = threads()
import basin_sweeps as basin
for place in ("collected", "store"):
    sweep = basin.open(place)
    assert sweep.results.num_rows and sweep.series("test_loss", "seed").num_rows and sweep.run("stopped").weights()
    assert threads() == before, place
assert basin.open("report").claims and basin.open("report").figure("losses").num_rows
assert threads() == before
"""
    subprocess.run([sys.executable, "-c", program], cwd=homework, check=True)
