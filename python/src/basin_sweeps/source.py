"""What a sweep is read from: the folder of a report, or a store."""

from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from .claim import Claim
from .result import Result

if TYPE_CHECKING:
    from .run import Run


class Source(Protocol):
    """A place that has what a sweep found. Tasks are named by their ids."""

    @property
    def sweep_id(self) -> str | None:
        """The sweep's id, if the place says it."""

    def runs(self) -> list["Run"]:
        """A run for each point and seed of the sweep, in the order of its plan."""

    def results(self) -> pa.Table:
        """A row for each of the runs, in their order."""

    def series(self, name: str) -> pa.Table:
        """Every point of a series, the tasks one after the other and each once: `task`, `axis`, `x`, `value`."""

    def series_names(self) -> list[str]:
        """The names of all series."""

    def series_of(self, task: str, name: str) -> pa.Table:
        """The points of a series of one task: `axis`, `x`, `value`."""

    def outcome_of(self, task: str) -> str:
        """How a task ended, in a word."""

    def result_of(self, task: str) -> Result:
        """The tensors that a task left, proved by the digest that its commit has."""

    def claims(self) -> tuple[Claim, ...]:
        """The claims with their verdicts."""

    def figures(self) -> list[str]:
        """The ids of the figures."""

    def figure(self, figure: str) -> pa.Table:
        """The numbers behind a figure."""
