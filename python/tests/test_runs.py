"""Runs by what a person types, and what they left."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

import basin_sweeps as basin
from basin_sweeps.names import Value, run_name, value_text

from .conftest import Basin

PLACES = ["report", "collected", "store"]


def test_every_place_knows_the_same_runs(homework: Path) -> None:
    runs = [basin.open(homework / place).runs for place in PLACES]
    assert runs[0] == runs[1] == runs[2]
    assert [run.outcome for run in runs[0]] == [run.outcome for run in runs[2]]
    hidden = runs[2][-4].point
    assert hidden == {"hidden": [4, 4], "learning_rate": 0.01}


def test_names_are_those_of_the_command_line(homework: Path, basin_in: Callable[[Path], Basin]) -> None:
    run_basin = basin_in(homework)
    runs = basin.open(homework / "report").runs
    tasks = [run.task for run in runs]
    # Of a task that stands at two points the command line knows one name.
    for run in (run for run in runs if tasks.count(run.task) == 1):
        told = run_basin("why", run.name, "--state", "state").splitlines()
        assert told[:2] == [run.name, run.task]
    assert basin.open(homework / "store").run("hidden=[4] learning_rate=0.0000001").point["learning_rate"] == 1e-7


@pytest.mark.parametrize("place", PLACES)
def test_a_run_is_found_by_its_id_its_name_and_some_words_of_that(homework: Path, place: str) -> None:
    sweep = basin.open(homework / place)
    run = sweep.run("batch-sizes batch_size=32 seed 1")
    for name in (run.task, run.task[:12], "seed 1 batch_size=32", "  batch_size=32   seed  1 "):
        assert sweep.run(name) == run
    # 64 and 128 are one task, so that nothing is ambiguous; a whole name means itself.
    assert sweep.run(sweep.run("batch-sizes batch_size=128 seed 0").task).point == {"batch_size": 64}
    with pytest.raises(basin.AmbiguousNameError, match="fits 3 runs; .*`batch-sizes batch_size=32 seed 0`"):
        sweep.run("batch_size=32")
    with pytest.raises(basin.NotFoundError, match="did you mean `batch-sizes batch_size=32 seed 1`"):
        sweep.run("batch-sizes batch_size=33 seed 1")
    for nothing in ("", " ", "batch_size=3", "f" * 64):
        with pytest.raises(basin.NotFoundError):
            sweep.run(nothing)


@pytest.mark.parametrize("place", ["collected", "store"])
def test_weights_are_those_of_the_end_or_of_a_step_or_epoch(homework: Path, place: str) -> None:
    sweep = basin.open(homework / place)
    run = sweep.run("batch-sizes batch_size=64 seed 1")
    (file,) = (homework / "collected" / "results" / "batch-sizes").glob("batch_size=64-seed-1-*/result.safetensors")
    stored = load_file(file)
    result = run.result()
    assert set(result) == set(stored)
    assert all(np.array_equal(result[name], stored[name]) for name in stored)
    weights = run.weights()
    assert weights["conv0.weight"].shape == (4, 3, 3, 3)
    assert list(weights) == sorted(name.removeprefix("model/") for name in stored if name.startswith("model/"))
    assert result.epochs == [0, 1, 2]
    assert result.steps == []
    first, last = run.weights(epoch=0), run.weights(epoch=2)
    assert all(np.array_equal(last[name], weights[name]) for name in weights)
    assert not np.array_equal(first["conv0.weight"], weights["conv0.weight"])
    by_steps = sweep.run("hidden=[4,4] learning_rate=0.01").result()
    assert by_steps.steps == [0, 10, 20]
    assert np.array_equal(by_steps.weights(10)["dense0.weight"], by_steps["weights/step-10/dense0.weight"])
    with pytest.raises(basin.NotFoundError, match="no weights after step 7; kept are those after steps 0, 10, 20"):
        by_steps.weights(7)
    with pytest.raises(basin.NotFoundError, match=r"record\.weights_every"):
        sweep.run("images model.conv=[4,4]").weights(1)
    with pytest.raises(ValueError, match="not both"):
        result.weights(1, epoch=1)


def test_a_report_says_where_results_are_to_be_had(homework: Path) -> None:
    with pytest.raises(basin.NotCollectedError, match="`basin collect` fetches it, or open the store"):
        basin.open(homework / "report").run("stopped").weights()


def test_a_parameter_that_is_called_as_a_column_has_its_name_all_the_same(copied: Path) -> None:
    report = copied / "report"
    written = (report / "results.csv").read_text()
    (report / "results.csv").write_text(written.replace(",batch_size,", ",parameter.task,", 1))
    table = pq.read_table(report / "results.parquet")
    names = ["parameter.task" if name == "batch_size" else name for name in table.column_names]
    pq.write_table(table.rename_columns(names), report / "results.parquet")
    assert basin.open(report).run("batch-sizes task=32 seed 1").point == {"task": 32}


def test_values_are_written_as_the_command_line_writes_them() -> None:
    values: list[Value] = [1.0, 1e-7, 1.5e22, -0.1, True, 12, [1, 0.5], "a b", ["x"]]
    expected = ["1", "0.0000001", "15000000000000000000000", "-0.1", "true", "12", "[1, 0.5]", "a b", "[x]"]
    assert list(map(value_text, values)) == expected
    assert run_name("e", {"p": ["x", "a b"]}, 3) == "e p=[x,a_b] seed 3"
