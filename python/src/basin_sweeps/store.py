"""A store: its sweeps by name, and their tasks (shared/storage/src/sweep.rs, shared/domain/src/key.rs)."""

import json
from dataclasses import dataclass

from . import digest
from .errors import AmbiguousNameError, DamagedError, NotFoundError
from .location import Location
from .names import Value, is_id, is_task_id
from .parquet import read_parquet

SWEEPS = "sweeps"
"""The folder that makes a folder a store."""


@dataclass(frozen=True)
class Task:
    """A task as a sweep's list has it."""

    id: str
    experiment: str
    point: dict[str, Value]
    seed: int


def find_sweep(store: Location, name: str | None) -> str:
    """The id of a store's sweep by its id, its name, or the beginning of its id; without a name, of its only sweep."""
    known = [sweep for sweep in (store / SWEEPS).names() if is_id(sweep)]
    if name is None:
        fitting = known
    else:
        fitting = [sweep for sweep in known if sweep == name]
        fitting = fitting or [sweep for sweep in known if sweep.rpartition("-")[0] == name]
        fitting = fitting or [sweep for sweep in known if name and sweep.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        what = "no sweep" if name is None else f"no sweep `{name}`"
        raise NotFoundError(f"{store} has {what}; it has {', '.join(known) or 'none at all'}")
    what = "name one" if name is None else f"`{name}` fits several; name one"
    raise AmbiguousNameError(f"{store} has {len(known)} sweeps, {what} of: {', '.join(fitting)}")


def read_tasks(store: Location, sweep: str) -> list[Task]:
    """The tasks of a sweep in the order of its plan; each proved by its id, the list by the sweep's record."""
    folder = store / SWEEPS / sweep
    data = (folder / "tasks.parquet").read()
    expected = _digest_of_tasks(folder / "sweep.json", sweep)
    if expected is not None:
        digest.check((folder / "tasks.parquet").address, data, expected)
    rows = read_parquet((folder / "tasks.parquet").address, data).to_pylist()
    try:
        tasks = [Task(row["task"], row["experiment"], json.loads(row["point"]), row["seed"]) for row in rows]
        specs = [row["spec"].encode() for row in rows]
    except (KeyError, ValueError) as error:
        raise DamagedError((folder / "tasks.parquet").address, str(error)) from error
    for task, spec in zip(tasks, specs, strict=True):
        if not is_task_id(task.id) or digest.digest_of(spec) != task.id:
            raise DamagedError((folder / "tasks.parquet").address, f"task {task.id} isn't the digest of its spec")
    return tasks


def _digest_of_tasks(record: Location, sweep: str) -> str | None:
    """The digest of the list of tasks, if the sweep's record has it."""
    data = record.read()
    is_sealed = digest.carries_digest(record.address, data)
    try:
        document = json.loads(data)
        contents = document.get("tasks")
        expected = None if contents is None else str(contents["digest"])
        of = document["id"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedError(record.address, f"it is no record of a sweep: {error!r}") from error
    if not is_sealed and expected is not None:
        raise DamagedError(record.address, "its bytes don't have the digest that it carries")
    if of != sweep:
        raise DamagedError(record.address, f"it is the record of {of}")
    return expected
