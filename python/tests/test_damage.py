"""Nothing that isn't what was committed is taken for it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import basin_sweeps as basin
from basin_sweeps.commit import Commit, read_commit
from basin_sweeps.digest import digest_of
from basin_sweeps.location import Location

from .conftest import Basin

RUN = "batch-sizes batch_size=32 seed 1"


Question = Callable[[basin.Sweep], object]


def flip(file: Path, at: int = -20) -> None:
    """Changes a bit of a file."""
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


def task_folder(store: Path, name: str = RUN) -> Path:
    task = basin.open(store).run(name).task
    return store / "tasks" / task[:2] / task


def attempt(store: Path, name: str = RUN) -> Path:
    (folder,) = (task_folder(store, name) / "attempts").iterdir()
    return folder


def test_a_changed_result_is_an_error_with_its_path(copied: Path) -> None:
    file = attempt(copied / "store") / "result.safetensors"
    flip(file)
    sweep = basin.open(copied / "store")
    with pytest.raises(basin.DamagedError, match="its digest is") as caught:
        sweep.run(RUN).weights()
    assert Path(caught.value.path) == file
    # The others can be had.
    assert sweep.run("batch_size=32 seed 0").weights()
    file.unlink()
    with pytest.raises(basin.DamagedError, match="it was committed, and is gone"):
        sweep.run(RUN).weights()


def test_a_changed_file_of_a_collected_folder_is_an_error_with_its_path(copied: Path) -> None:
    (file,) = (copied / "collected").glob("results/batch-sizes/batch_size=32-seed-1-*/result.safetensors")
    flip(file)
    with pytest.raises(basin.DamagedError) as caught:
        basin.open(copied / "collected").run(RUN).weights()
    assert Path(caught.value.path) == file


def test_a_run_with_changed_metrics_is_marked_and_warned_of(copied: Path) -> None:
    file = attempt(copied / "store") / "metrics.parquet"
    # A table like any other, but not this run's.
    shutil.copy(attempt(copied / "store", "batch_size=32 seed 0") / "metrics.parquet", file)
    sweep = basin.open(copied / "store")
    run = sweep.run(RUN)
    with pytest.warns(basin.DamagedWarning, match=str(file)):
        results = sweep.results
    (row,) = (row for row in results.to_pylist() if row["task"] == run.task)
    assert (row["outcome"], row["test_loss"], row["batch_size"]) == ("unreadable", None, 32)
    assert run.outcome == "unreadable"
    assert run.task not in sweep.series("test_loss")["task"].to_pylist()
    with pytest.raises(basin.DamagedError, match="metrics.parquet is damaged"):
        run.series("test_loss")
    # Its result is another file.
    assert run.weights()


def test_no_bit_of_a_commit_changes_unnoticed(copied: Path) -> None:
    file = task_folder(copied / "store") / "commit.json"
    store, task = Location.of(copied / "store"), file.parent.name
    whole = file.read_bytes()
    assert isinstance(read_commit(store, task), Commit)
    for at in range(len(whole)):
        flip(file, at)
        with pytest.raises(basin.DamagedError):
            read_commit(store, task)
        file.write_bytes(whole)
    for length in range(0, len(whole), 7):
        file.write_bytes(whole[:length])
        with pytest.raises(basin.DamagedError):
            read_commit(store, task)


def test_a_commit_of_another_task_is_none_of_this_one(copied: Path) -> None:
    other = task_folder(copied / "store", "stopped")
    here = task_folder(copied / "store")
    shutil.copy(other / "commit.json", here / "commit.json")
    with pytest.raises(basin.DamagedError, match=f"it is of task {other.name}"):
        basin.open(copied / "store").run(RUN).weights()


def test_a_commit_leads_to_no_other_folder(copied: Path) -> None:
    file = task_folder(copied / "store") / "commit.json"
    written = json.loads(file.read_bytes())
    del written["digest"]
    file.write_bytes(sealed({**written, "lease": "x/../../y"}))
    with pytest.raises(basin.DamagedError, match="is no lease"):
        basin.open(copied / "store").run(RUN).weights()


def sealed(document: dict[str, object]) -> bytes:
    """A document with the digest of its bytes, as Basin writes it."""
    fields = json.dumps(document, indent=2).removesuffix("\n}").encode()
    return fields + b',\n  "digest": "' + digest_of(fields).encode() + b'"\n}\n'


def test_a_commit_of_before_they_carried_a_digest_is_proved_by_its_manifest(copied: Path) -> None:
    file = task_folder(copied / "store") / "commit.json"
    written = json.loads(file.read_bytes())
    assert sealed({name: value for name, value in written.items() if name != "digest"}) == file.read_bytes()
    del written["digest"]
    file.write_bytes((json.dumps(written, indent=2) + "\n").encode())
    assert basin.open(copied / "store").run(RUN).weights()
    forged = {**written, "result": "0" * 64}
    file.write_bytes((json.dumps(forged, indent=2) + "\n").encode())
    with pytest.raises(basin.DamagedError, match="the commit isn't that of its manifest"):
        basin.open(copied / "store").run(RUN).weights()
    file.write_bytes(json.dumps(written).encode())
    with pytest.raises(basin.DamagedError, match="digest that it carries"):
        basin.open(copied / "store").run(RUN).weights()


def test_what_was_withdrawn_is_missing(copied: Path, basin_in: Callable[[Path], Basin]) -> None:
    flip(attempt(copied / "store") / "result.safetensors")
    basin_in(copied)("repair", "homework", "--store", "store")
    assert b"withdrawn" in (task_folder(copied / "store") / "commit.json").read_bytes()
    sweep = basin.open(copied / "store")
    assert sweep.run(RUN).outcome == "missing"
    assert sweep.results["outcome"].to_pylist().count("missing") == 1
    with pytest.raises(basin.NotFoundError, match="it isn't committed"):
        sweep.run(RUN).weights()
    with pytest.raises(basin.NotFoundError, match="has no series"):
        sweep.run(RUN).series("test_loss")
    # A report of it says the same.
    basin_in(copied)("report", "homework", "--store", "store", "--out", "again")
    report = basin.open(copied / "again")
    assert report.run(RUN).outcome == "missing"
    with pytest.raises(basin.NotFoundError, match="it is missing"):
        report.run(RUN).weights()


def test_a_changed_list_of_tasks_is_refused(copied: Path) -> None:
    (folder,) = (copied / "store" / "sweeps").iterdir()
    whole = (folder / "tasks.parquet").read_bytes()
    flip(folder / "tasks.parquet", 100)
    with pytest.raises(basin.DamagedError, match=r"tasks\.parquet is damaged: its digest is"):
        basin.open(copied / "store")
    (folder / "tasks.parquet").write_bytes(whole)
    flip(folder / "sweep.json", 40)
    with pytest.raises(basin.DamagedError, match=r"sweep\.json is damaged: its bytes don't have the digest"):
        basin.open(copied / "store")


def test_a_task_that_is_not_the_digest_of_its_spec_is_refused_whatever_else_fits(copied: Path) -> None:
    (folder,) = (copied / "store" / "sweeps").iterdir()
    tasks = pq.read_table(folder / "tasks.parquet")
    specs = [spec.replace('"seed":1', '"seed":2') for spec in tasks["spec"].to_pylist()]
    assert specs != tasks["spec"].to_pylist()
    pq.write_table(tasks.set_column(tasks.column_names.index("spec"), "spec", [specs]), folder / "tasks.parquet")
    record = json.loads((folder / "sweep.json").read_bytes())
    del record["digest"]
    data = (folder / "tasks.parquet").read_bytes()
    (folder / "sweep.json").write_bytes(sealed({**record, "tasks": {"size": len(data), "digest": digest_of(data)}}))
    with pytest.raises(basin.DamagedError, match="isn't the digest of its spec"):
        basin.open(copied / "store")


def test_a_record_of_another_sweep_is_refused(copied: Path) -> None:
    (folder,) = (copied / "store" / "sweeps").iterdir()
    folder.rename(folder.with_name("other-0123456789"))
    with pytest.raises(basin.DamagedError, match=f"it is the record of {folder.name}"):
        basin.open(copied / "store")


def test_tables_of_a_report_that_do_not_belong_together_are_refused(copied: Path) -> None:
    file = copied / "report" / "results.csv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:2], *lines[3:]]))
    with pytest.raises(basin.DamagedError, match=r"results\.parquet is damaged: its rows aren't those of results\.csv"):
        basin.open(copied / "report").run(RUN)
    (copied / "report" / "claims.json").write_text("[{}]")
    with pytest.raises(basin.DamagedError, match=r"claims\.json is damaged"):
        _ = basin.open(copied / "report").claims
    questions: dict[str, Question] = {
        "series.parquet": lambda sweep: sweep.series("test_loss"),
        "results.parquet": lambda sweep: sweep.results,
    }
    for name, ask in questions.items():
        whole = (copied / "report" / name).read_bytes()
        for broken in (b"PAR1", whole[: len(whole) // 2], b"x" * 200 + whole[200:]):
            (copied / "report" / name).write_bytes(broken)
            with pytest.raises(basin.DamagedError, match=f"{name} is damaged"):
                ask(basin.open(copied / "report"))
        (copied / "report" / name).write_bytes(whole)
