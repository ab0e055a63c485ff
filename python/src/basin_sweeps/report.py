"""The folder of a report, or of collected results: `basin run --out`, `basin report`, `basin collect`."""

import json
from collections import Counter
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import csv_table
from .claim import Claim, read_claims
from .errors import DamagedError, NotCollectedError, NotFoundError
from .location import Location
from .names import Value, is_id, is_task_id
from .parquet import read_parquet
from .result import Result
from .run import Run

RESULTS = "results.parquet"
"""The file that makes a folder one of a report."""
_SERIES = "series.parquet"
_MARKER = ".basin-output.json"
# The digits of a task's id that the name of its folder ends with.
_SHORT = 10


class ReportFolder:
    """A report's folder as a source."""

    def __init__(self, folder: Location) -> None:
        """The report in `folder`."""
        self._folder = folder

    @cached_property
    def sweep_id(self) -> str | None:
        """The sweep's id, from the file that says whose the folder is."""
        marker = self._folder / _MARKER
        if not marker.is_file():
            return None
        try:
            sweep = json.loads(marker.read())["sweep"]
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedError(marker.address, f"it doesn't say whose folder it is: {error}") from error
        return str(sweep)

    def runs(self) -> list[Run]:
        """The rows of results. A run's point has those parameters that aren't a gap in its row of the CSV file."""
        written = csv_table.rows_of((self._folder / "results.csv").read())
        table = self.results()
        if [row["task"] for row in written] != table["task"].to_pylist():
            raise DamagedError(f"{self._folder / RESULTS}", "its rows aren't those of results.csv")
        names = list(written[0]) if written else []
        # They stand between the experiment and the seed.
        varied = names[2 : names.index("seed")] if names else []
        typed = table.select(["task", "experiment", "seed", *varied]).to_pylist()
        runs = []
        for cells, row in zip(written, typed, strict=True):
            point: dict[str, Value] = {_parameter(name): row[name] for name in varied if cells[name] != ""}
            runs.append(Run(row["task"], row["experiment"], point, row["seed"], self))
        return runs

    def results(self) -> pa.Table:
        """The table of results, with every parameter that the runs ran with."""
        return self._results

    @cached_property
    def _results(self) -> pa.Table:
        return self._read(RESULTS)

    def _read(self, name: str, columns: list[str] | None = None, where: dict[str, str] | None = None) -> pa.Table:
        file = self._folder / name
        return read_parquet(file.address, file.read(), columns, where)

    def series(self, name: str) -> pa.Table:
        """The points of a series, from the table of all series."""
        points = self._read(_SERIES, where={"series": name})
        return _each_once(points.drop_columns(["series"]), self._copies)

    @cached_property
    def _copies(self) -> Counter[str]:
        """At how many points each task stands."""
        return Counter(self._results["task"].to_pylist())

    def series_names(self) -> list[str]:
        """The names in the table of all series."""
        return sorted(pc.unique(self._read(_SERIES, ["series"])["series"]).to_pylist())

    def series_of(self, task: str, name: str) -> pa.Table:
        """The points of a series of one task."""
        points = _each_once(self._read(_SERIES, where={"series": name, "task": task}), self._copies)
        if points.num_rows == 0:
            raise NotFoundError(f"task {task[:_SHORT]} has no series `{name}`")
        return points.select(["axis", "x", "value"])

    def outcome_of(self, task: str) -> str:
        """The outcome in the table of results."""
        return self._outcomes[task]

    @cached_property
    def _outcomes(self) -> dict[str, str]:
        # A parameter that is called `outcome` goes before, and the outcome is `run.outcome` then.
        name = next(name for name in ("run.outcome", "outcome") if name in self._results.column_names)
        return dict(zip(self._results["task"].to_pylist(), self._results[name].to_pylist(), strict=True))

    def result_of(self, task: str) -> Result:
        """The tensors of a task, if they were collected."""
        try:
            row = self._provenance[task]
        except KeyError as error:
            raise NotFoundError(f"task {task[:_SHORT]} has no result: it is {self.outcome_of(task)}") from error
        experiment = row["experiment"]
        if not (is_task_id(task) and is_id(experiment)):
            raise DamagedError(f"{self._folder / 'provenance.csv'}", f"`{experiment}` or `{task}` is no id")
        folder = self._folder / "results" / experiment
        name = next((name for name in folder.names() if name.endswith(f"-{task[:_SHORT]}")), None)
        if name is None:
            raise NotCollectedError(
                f"{self._folder} has no result of task {task[:_SHORT]}: `basin collect` fetches it, or open the store"
            )
        file = folder / name / "result.safetensors"
        return Result.of_bytes(file.address, file.read(), row["result"])

    @cached_property
    def _provenance(self) -> dict[str, dict[str, str]]:
        """The rows of the table of provenance, by task: with the digests that commits have."""
        return {row["task"]: row for row in csv_table.rows_of((self._folder / "provenance.csv").read())}

    def claims(self) -> tuple[Claim, ...]:
        """The claims; none of a sweep that makes none."""
        file = self._folder / "claims.json"
        if not file.is_file():
            return ()
        try:
            return read_claims(file.read())
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedError(file.address, f"its claims can't be read: {error!r}") from error

    def figures(self) -> list[str]:
        """The figures that have a CSV file."""
        names = (self._folder / "figures").names()
        return [name.removesuffix(".csv") for name in names if name.endswith(".csv")]

    def figure(self, figure: str) -> pa.Table:
        """The CSV file of a figure."""
        return csv_table.table_of((self._folder / "figures" / f"{figure}.csv").read())


def _parameter(column: str) -> str:
    """The parameter of a column. One that is called as a column before it has a prefix."""
    return column.removeprefix("parameter.") if column in ("parameter.task", "parameter.experiment") else column


def _each_once(points: pa.Table, copies: Counter[str]) -> pa.Table:
    """Points of tasks, each task once: the table of all series has those of a task that stands at k points k times."""
    if max(copies.values(), default=1) == 1 or points.num_rows == 0:
        return points
    tasks = np.asarray(points["task"].to_pylist())
    is_kept = np.ones(len(tasks), bool)
    for task, count in copies.items():
        if count > 1:
            at = np.flatnonzero(tasks == task)
            is_kept[at[len(at) // count :]] = False
    return points.filter(pa.array(is_kept))
