"""Which kind of place somebody means."""

import os

from pyarrow import fs

from .errors import NotFoundError
from .location import Location
from .report import RESULTS, ReportFolder
from .store import SWEEPS, find_sweep
from .stored_sweep import StoredSweep
from .sweep import Sweep


def open(place: str | os.PathLike[str], sweep: str | None = None, *, filesystem: fs.FileSystem | None = None) -> Sweep:
    """A sweep from a place that has it: nothing is written, and no coordinator asked.

    `place` is the folder of a report or of collected results, or a store: a folder, `s3://bucket/prefix`, or a path
    within `filesystem`. Of a store with several sweeps, `sweep` names one: its name, its id, or the beginning of that.

    Raises NotFoundError if there is no such place or sweep, AmbiguousNameError if several fit, UnavailableError if it
    can't be reached, DamagedError if the store's list of the sweep's tasks isn't the one that was launched.
    """
    location = Location.of(place, filesystem)
    if (location / RESULTS).is_file():
        folder = ReportFolder(location)
        of = folder.sweep_id
        if sweep is not None and of is not None and not of.startswith(sweep):
            raise NotFoundError(f"{location} has the results of {of}, not of `{sweep}`")
        return Sweep(folder)
    if (location / SWEEPS).is_folder():
        return Sweep(StoredSweep(location, find_sweep(location, sweep)))
    if not location.is_folder():
        raise NotFoundError(f"there is no folder {location}")
    hint = f"; there is a store in it: {location / 'store'}" if (location / "store" / SWEEPS).is_folder() else ""
    raise NotFoundError(
        f"{location} is neither a report's folder (it has no {RESULTS}) nor a store (it has no folder `{SWEEPS}`){hint}"
    )
