"""A sweep in a store: what is committed of it, read through the commits and proved by them."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from .claim import Claim
from .commit import read_commit
from .errors import DamagedWarning, NotCollectedError, NotFoundError
from .location import Location
from .result import Result
from .run import Run
from .store import read_tasks
from .stored_results import results_table
from .stored_run import MEASURED, StoredRun

_RESULT = "result.safetensors"
# Tasks that are read at once: what a bucket far away takes its time for.
_CONCURRENT = 16

_TASK = pa.field("task", pa.string())


class StoredSweep:
    """A store's sweep as a source."""

    def __init__(self, store: Location, sweep: str) -> None:
        """The sweep of this id in `store`."""
        self._store = store
        self._sweep = sweep
        self._tasks = read_tasks(store, sweep)
        self._read: dict[str, StoredRun] = {}

    @property
    def sweep_id(self) -> str | None:
        """The sweep's id."""
        return self._sweep

    def runs(self) -> list[Run]:
        """The tasks of the sweep's list."""
        return [Run(task.id, task.experiment, task.point, task.seed, self) for task in self._tasks]

    def results(self) -> pa.Table:
        """The table of results, made from what is committed: with the columns of a report's `results.csv`."""
        return results_table(self.runs(), self._all)

    def series(self, name: str) -> pa.Table:
        """The points of a series of all tasks whose metrics can be read."""
        parts = [MEASURED.insert(0, _TASK).remove(1).empty_table()]
        for task, stored in self._all.items():
            if stored.metrics is not None:
                points = _of_series(stored.metrics, name)
                parts.append(points.add_column(0, _TASK, pa.array([task] * points.num_rows, _TASK.type)))
        return pa.concat_tables(parts)

    def series_names(self) -> list[str]:
        """The names in the metrics of all tasks."""
        tables = [stored.metrics for stored in self._all.values() if stored.metrics is not None]
        return sorted({name for table in tables for name in pc.unique(table["series"]).to_pylist()})

    def series_of(self, task: str, name: str) -> pa.Table:
        """The points of a series of one task."""
        stored = self._stored(task)
        if stored.damage is not None:
            raise stored.damage
        points = None if stored.metrics is None else _of_series(stored.metrics, name)
        if points is None or points.num_rows == 0:
            raise NotFoundError(f"task {task[:10]} has no series `{name}`")
        return points

    def outcome_of(self, task: str) -> str:
        """What its commit says; `missing` where nothing is committed, `unreadable` where that is damaged."""
        return self._stored(task).outcome

    def result_of(self, task: str) -> Result:
        """The tensors of a task, if it is committed."""
        commit = read_commit(self._store, task)
        if commit is None:
            raise NotFoundError(f"task {task[:10]} has no result: it isn't committed")
        path = commit.file(self._store, _RESULT).address
        return Result.of_bytes(path, commit.read(self._store, _RESULT), commit.result)

    def claims(self) -> tuple[Claim, ...]:
        """None: verdicts are part of a report."""
        raise self._not_here("claims")

    def figures(self) -> list[str]:
        """None: they are part of a report."""
        raise self._not_here("figures")

    def figure(self, figure: str) -> pa.Table:
        """None: they are part of a report."""
        raise self._not_here("figures")

    def _not_here(self, what: str) -> NotCollectedError:
        command = f"basin report {self._sweep} --out DIR --store {self._store}"
        return NotCollectedError(f"a store has no {what}: make a report with `{command}`, and open that folder")

    @cached_property
    def _all(self) -> dict[str, StoredRun]:
        """What the store has of every task, in the order of the plan, each once."""
        tasks = list(dict.fromkeys(task.id for task in self._tasks))
        with ThreadPoolExecutor(_CONCURRENT) as pool:
            found = dict(zip(tasks, pool.map(self._stored, tasks), strict=True))
        for stored in found.values():
            if stored.damage is not None:
                warnings.warn(f"a run is left out: {stored.damage}", DamagedWarning, stacklevel=2)
        return found

    def _stored(self, task: str) -> StoredRun:
        if task not in self._read:
            self._read[task] = StoredRun.read(self._store, task)
        return self._read[task]


def _of_series(metrics: pa.Table, name: str) -> pa.Table:
    return metrics.filter(pc.equal(metrics["series"], name)).drop_columns(["series"])
