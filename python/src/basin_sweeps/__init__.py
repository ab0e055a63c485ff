"""What a sweep of Basin found, in Python.

    import basin_sweeps as basin

    sweep = basin.open("report")
    sweep.results.to_pandas()
    sweep.series("test_loss", "batch_size", "seed").to_pandas()

`open` takes the folder of a report, one of collected results, or a store. Nothing is written and no network is needed,
but for a store in a bucket. Whatever is read from a store is proved by the digests that its commits have.

To read the code, begin with `sweep.py`; what it reads from is in `report.py` and `stored_sweep.py`.
"""

from .claim import Check, Claim, Combination
from .errors import (
    AmbiguousNameError,
    BasinError,
    DamagedError,
    DamagedWarning,
    NotCollectedError,
    NotFoundError,
    UnavailableError,
)
from .opening import open
from .result import Result
from .run import Run
from .sweep import Sweep

__all__ = [
    "AmbiguousNameError",
    "BasinError",
    "Check",
    "Claim",
    "Combination",
    "DamagedError",
    "DamagedWarning",
    "NotCollectedError",
    "NotFoundError",
    "Result",
    "Run",
    "Sweep",
    "UnavailableError",
    "open",
]
