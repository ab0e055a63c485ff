"""Commits: which attempt at a task counts (shared/storage/src/commit.rs, commit_state.rs)."""

import json
from dataclasses import dataclass
from typing import Any

from . import digest
from .errors import DamagedError, NotFoundError
from .location import Location
from .names import is_id

# All that a commit says beside its digest.
_FIELDS = {"task", "attempt", "lease", "worker", "manifest", "outcome", "iteration", "rule", "metrics", "result"}


@dataclass(frozen=True)
class Commit:
    """A task's commit, its bytes proved by the digest that they carry."""

    task: str
    attempt: int
    lease: str
    outcome: str
    """`completed`, `stopped` or `diverged`."""
    iteration: int | None
    """The step at which it was stopped, or noticed to diverge."""
    rule: str | None
    """The rule that stopped it."""
    metrics: str
    """The digest of `metrics.parquet`."""
    result: str
    """The digest of `result.safetensors`."""

    def file(self, store: Location, name: str) -> Location:
        """A file of the attempt that counts."""
        return task_folder(store, self.task) / "attempts" / f"{self.attempt}-{self.lease}" / name

    def read(self, store: Location, name: str) -> bytes:
        """The bytes of a file that was committed: one that is gone is damage."""
        file = self.file(store, name)
        try:
            return file.read()
        except NotFoundError as error:
            raise DamagedError(file.address, "it was committed, and is gone") from error


def task_folder(store: Location, task: str) -> Location:
    """The folder of a task."""
    return store / "tasks" / task[:2] / task


def read_commit(store: Location, task: str) -> Commit | None:
    """The commit of a task; none if nothing is committed, or what was is withdrawn. Raises DamagedError."""
    file = task_folder(store, task) / "commit.json"
    try:
        data = file.read()
    except NotFoundError:
        return None
    is_sealed = digest.carries_digest(file.address, data)
    try:
        document: dict[str, Any] = json.loads(data)
        if document["task"] != task:
            raise DamagedError(file.address, f"it is of task {document['task']}")
        if is_sealed and "withdrawn" in document:
            return None
        commit = _of_document(document)
        if not is_sealed:
            # Of before commits carried a digest: it has the form that they had, and says what its manifest does.
            if not document.keys() <= _FIELDS or (json.dumps(document, indent=2) + "\n").encode() != data:
                raise DamagedError(file.address, "its bytes don't have the digest that it carries")
            _check_by_manifest(store, commit, document["manifest"])
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedError(file.address, f"it is no commit: {error!r}") from error
    return commit


def _of_document(document: dict[str, Any]) -> Commit:
    commit = Commit(
        task=str(document["task"]),
        attempt=int(document["attempt"]),
        lease=str(document["lease"]),
        outcome=str(document["outcome"]),
        iteration=document.get("iteration"),
        rule=document.get("rule"),
        metrics=str(document["metrics"]),
        result=str(document["result"]),
    )
    if not is_id(commit.lease):
        raise ValueError(f"`{commit.lease}` is no lease")
    return commit


def _check_by_manifest(store: Location, commit: Commit, manifest_digest: str) -> None:
    data = commit.read(store, "manifest.json")
    file = commit.file(store, "manifest.json")
    digest.check(file.address, data, manifest_digest)
    manifest = json.loads(data)
    artifacts = {artifact["name"]: artifact["digest"] for artifact in manifest["artifacts"]}
    named = {**manifest, "metrics": artifacts.get("metrics.parquet"), "result": artifacts.get("result.safetensors")}
    if _of_document(named) != commit:
        raise DamagedError(file.address, "the commit isn't that of its manifest")
