"""A sweep: what it found, to ask questions of."""

import difflib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .claim import Claim
from .errors import AmbiguousNameError, NotFoundError
from .names import is_meant, is_task_id
from .run import Run
from .source import Source

# What a point of a series says, beside its task.
_OF_POINTS = ("axis", "x", "value")


class Sweep:
    """What a sweep found.

    Tables are pyarrow's: `.to_pandas()` makes them pandas', `polars.from_arrow(…)` polars', and DuckDB reads them by
    the name of their variable. They are read when they are first asked for, and kept: open the sweep again to see what
    has been added since.
    """

    def __init__(self, source: Source) -> None:
        """What is found in `source`; `open` says which."""
        self._source = source

    @property
    def id(self) -> str | None:
        """The sweep's id, `homework-3f2a9c01d4`; none if its folder has lost the file that says it."""
        return self._source.sweep_id

    def __repr__(self) -> str:
        return f"<sweep {self.id or 'without an id'}: {len(self.runs)} runs>"

    @cached_property
    def results(self) -> pa.Table:
        """A row for each run: its parameters, `seed`, `outcome`, and the last value of each measured series.

        Filter by `outcome` before you average: `completed` and `stopped` runs are complete.
        """
        return self._source.results()

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The runs, as the rows of `results`."""
        return tuple(self._source.runs())

    def run(self, name: str) -> Run:
        """The run of this name: a task's id or the beginning of one, or words that only its name has.

        `batch-sizes batch_size=256 seed 2` is a name, and `batch_size=256 seed 2` is enough if no other run has these.
        Raises NotFoundError or AmbiguousNameError.
        """
        words = name.strip()
        if is_task_id(words):
            fitting = [run for run in self.runs if run.task == words]
        else:
            fitting = [run for run in self.runs if run.name == words]
            fitting = fitting or [run for run in self.runs if is_meant(run.name, words)]
            fitting = fitting or [run for run in self.runs if words and run.task.startswith(words)]
        tasks = {run.task for run in fitting}
        if len(tasks) > 1:
            examples = ", ".join(f"`{run.name}`" for run in fitting[:5])
            raise AmbiguousNameError(f"`{name}` fits {len(tasks)} runs; give more of the name: {examples}")
        if not fitting:
            names = [run.name for run in self.runs]
            raise NotFoundError(f"there is no run `{name}` among {len(names)}{_nearest(words, names, most=5)}")
        return fitting[0]

    def series(self, name: str, *columns: str) -> pa.Table:
        """Every point of a series over all runs, with columns of `results` beside it.

        `sweep.series("test_loss", "batch_size", "seed")` has the columns `task`, `batch_size`, `seed`, `axis`, `x` and
        `value`, in the order of the runs and of their measuring. Raises NotFoundError if there is no such series or
        column.
        """
        beside = [column for column in dict.fromkeys(columns) if column != "task"]
        for column in beside:
            if column in _OF_POINTS:
                raise ValueError(f"a series has a column `{column}` of its own")
            self._check(column, self.results.column_names, "column")
        points = self._source.series(name)
        if points.num_rows == 0:
            self._check(name, self._source.series_names(), "series")
        return _beside(self.results.select(["task", *beside]), points)

    @property
    def series_names(self) -> list[str]:
        """The names of all series that runs recorded, sorted."""
        return self._source.series_names()

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """The claims with their verdicts, in the order of the sweep file. They are part of a report."""
        return self._source.claims()

    @property
    def figures(self) -> list[str]:
        """The ids of the figures, sorted. They are part of a report."""
        return self._source.figures()

    def figure(self, figure: str) -> pa.Table:
        """The numbers behind a figure. Raises NotFoundError if there is none of this id."""
        self._check(figure, self.figures, "figure")
        return self._source.figure(figure)

    def _check(self, name: str, known: list[str], what: str) -> None:
        if name not in known:
            raise NotFoundError(f"there is no {what} `{name}`{_nearest(name, known)}")


def _nearest(name: str, known: Sequence[str], most: int = 20) -> str:
    """What somebody may have meant, to be said behind that it isn't there."""
    nearest = difflib.get_close_matches(name, known, n=1)
    if nearest:
        return f"; did you mean `{nearest[0]}`?"
    if not known:
        return "; there is none at all"
    return f"; there are {', '.join(known[:most])}{', …' if len(known) > most else ''}"


def _beside(rows: pa.Table, points: pa.Table) -> pa.Table:
    """The points of each row's task, with the row beside each of them: in the order of the rows."""
    tasks = pc.dictionary_encode(points["task"].combine_chunks())
    codes = np.asarray(tasks.indices)
    # Tasks lie one after the other, so that their codes never fall.
    counts = np.bincount(codes, minlength=len(tasks.dictionary))
    firsts = np.cumsum(counts) - counts
    code_of = {task: code for code, task in enumerate(tasks.dictionary.to_pylist())}
    row_at: list[int] = []
    points_at: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = [np.empty(0, np.int64)]
    for row, task in enumerate(rows["task"].to_pylist()):
        code = code_of.get(task)
        if code is not None:
            row_at.extend([row] * int(counts[code]))
            points_at.append(np.arange(firsts[code], firsts[code] + counts[code]))
    table = rows.take(pa.array(row_at, pa.int64()))
    at_points = points.take(pa.array(np.concatenate(points_at)))
    for column in _OF_POINTS:
        table = table.append_column(column, at_points[column])
    return table
