"""What a store has of a task: its commit, and what was measured."""

from dataclasses import dataclass

import pyarrow as pa

from . import digest
from .commit import Commit, read_commit
from .errors import DamagedError
from .location import Location
from .parquet import read_parquet

_METRICS = "metrics.parquet"

MEASURED = pa.schema([("series", pa.string()), ("axis", pa.string()), ("x", pa.float64()), ("value", pa.float64())])
"""What a run measured, as `metrics.parquet` has it."""


@dataclass(frozen=True)
class StoredRun:
    """What a store has of a task."""

    commit: Commit | None
    """Its commit, if it has one that can be read."""
    metrics: pa.Table | None
    """What it measured, if that can be read: `series`, `axis`, `x`, `value`."""
    damage: DamagedError | None
    """Why one of these can't be read."""

    @property
    def outcome(self) -> str:
        """How it ended, in a word."""
        if self.damage is not None:
            return "unreadable"
        return "missing" if self.commit is None else self.commit.outcome

    @classmethod
    def read(cls, store: Location, task: str) -> "StoredRun":
        """Reads a task's commit and metrics. Damage is kept and not raised: others can be had all the same."""
        commit = None
        try:
            commit = read_commit(store, task)
            return cls(commit, None if commit is None else _read_metrics(store, commit), None)
        except DamagedError as damage:
            return cls(commit, None, damage)


def _read_metrics(store: Location, commit: Commit) -> pa.Table:
    path = commit.file(store, _METRICS).address
    data = commit.read(store, _METRICS)
    digest.check(path, data, commit.metrics)
    try:
        return read_parquet(path, data, MEASURED.names).cast(MEASURED)
    except (pa.ArrowException, ValueError) as error:
        raise DamagedError(path, f"it isn't a table of metrics: {error}") from error
