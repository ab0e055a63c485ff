"""A run: one point of a sweep with one seed, and what it left."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from .names import Value, run_name
from .result import Result, Tensor
from .source import Source


@dataclass(frozen=True)
class Run:
    """One point of an experiment with one seed."""

    task: str
    """The task's id: the digest of everything that its result depends on. Points that are one task share it."""
    experiment: str
    """The experiment of the sweep file."""
    point: Mapping[str, Value]
    """The parameters that the sweep varies in this experiment, with this run's values."""
    seed: int
    """The seed."""
    source: Source = field(repr=False, compare=False)
    """What it is read from."""

    @property
    def name(self) -> str:
        """The name by which the command line knows it: `batch-sizes batch_size=256 seed 2`."""
        return run_name(self.experiment, self.point, self.seed)

    @property
    def outcome(self) -> str:
        """`completed`, `stopped` (by a rule, and complete), `diverged`, `failed`, `missing` or `unreadable`."""
        return self.source.outcome_of(self.task)

    def series(self, name: str) -> pa.Table:
        """The points of a series in the order in which they were measured: `axis`, `x`, `value`."""
        return self.source.series_of(self.task, name)

    def result(self) -> Result:
        """All tensors that the run left. Read anew with each call, and proved by the digest that its commit has."""
        return self.source.result_of(self.task)

    def weights(self, step: int | None = None, *, epoch: int | None = None) -> dict[str, Tensor]:
        """The weights by parameter: those of the end, or those after a step or an epoch, where the run kept them.

        Reads the whole result: for the weights after several steps, call `result()` once and `weights(…)` of that.
        """
        return self.result().weights(step, epoch=epoch)
