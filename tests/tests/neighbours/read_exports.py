"""Opens every export of a sweep by the program that it is for, and compares it with what was collected: `read_exports.py OUT`."""

import json
import math
import os
import struct
import subprocess
import sys
from pathlib import Path

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_ERROR_REPORTING"] = "false"

import duckdb
import mlflow
import pandas as pd
import polars as pl
from mlflow.tracking import MlflowClient
from tensorboard import context
from tensorboard.backend.event_processing import data_provider, event_accumulator, plugin_event_multiplexer
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

out = Path(sys.argv[1]).resolve()
results = pl.read_parquet(out / "results.parquet")
series = pl.read_parquet(out / "series.parquet")
AXES = ["epoch", "iteration", "input", "ratio", "cell", "eigenvalue", "once"]
STEPPED = ["epoch", "iteration"]

# What is expected of each task: its series by the names that exports give them, with their axis.
first_axis = {}
for name, axis in series.select("series", "axis").unique().iter_rows():
    first_axis[name] = min(axis, first_axis.get(name, axis), key=AXES.index)
expected = {task: {} for task in results["task"]}
for task, name, axis, x, value in series.iter_rows():
    shown = name if axis == first_axis[name] else f"{axis}.{name}"
    expected[task].setdefault(shown, (axis, []))[1].append((x, value))
rows = {row["task"]: row for row in results.iter_rows(named=True)}
assert any("." in name for of_task in expected.values() for name in of_task), "no name is against two axes"
assert any(x != int(x) for of in expected.values() for axis, points in of.values() if axis == "epoch" for x, _ in points)


def steps(points):
    """The steps of points whose x is whole, or isn't at the end."""
    return [math.ceil(x) for x, _ in points]


def same(a, b):
    """Whether two lists of numbers are the same, what is no number among them."""
    return [repr(float(x)) for x in a] == [repr(float(x)) for x in b]


def single(value):
    return struct.unpack("f", struct.pack("f", value))[0] if math.isfinite(value) else value


def has_all(shown, read, axes, rounded=lambda value: value):
    """Compares a run's series, as (step, value), with what is expected of it."""
    wanted = {name: (axis, points) for name, (axis, points) in shown.items() if axis in axes}
    assert set(read) == set(wanted), (sorted(read), sorted(wanted))
    for name, (axis, points) in wanted.items():
        assert [step for step, _ in read[name]] == ([0] if axis == "once" else steps(points)), name
        values = points[-1:] if axis == "once" else points
        assert same([value for _, value in read[name]], [rounded(value) for _, value in values]), name


# TensorBoard: the accumulator that scripts use, and the plugin of the tab of hyperparameters.
logs = out / "tensorboard"
folders = sorted({path.parent for path in logs.rglob("*tfevents*")})
for folder in folders:
    accumulator = event_accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    [task] = [task for task in expected if task.startswith(folder.name.rsplit("-", 1)[1])]
    scalars = {tag: accumulator.Scalars(tag) for tag in accumulator.Tags()["scalars"]}
    read = {tag: [(event.step, event.value) for event in events] for tag, events in scalars.items()}
    has_all(expected[task], read, STEPPED + ["once"], single)
    assert all(event.wall_time > 1.7e9 for events in scalars.values() for event in events)
runs = plugin_event_multiplexer.EventMultiplexer()
runs.AddRunsFromDirectory(str(logs))
runs.Reload()
provider = data_provider.MultiplexerDataProvider(runs, str(logs))
plugin = backend_context.Context(base_plugin.TBContext(logdir=str(logs), multiplexer=runs, data_provider=provider))
request = context.RequestContext()
experiment = plugin.experiment_from_metadata(request, "", True, plugin.hparams_metadata(request, ""), None)
asked = api_pb2.ListSessionGroupsRequest(
    slice_size=100, allowed_statuses=[0, 1, 2, 3], aggregation_type=api_pb2.AGGREGATION_AVG, include_metrics=True
)
for metric in experiment.metric_infos:
    asked.col_params.add(metric=metric.name)
groups = list_session_groups.Handler(request, plugin, "", asked).run().session_groups
[group] = [group for group in groups if group.name == "fit hidden=[4]"]
losses = [points[-1][1] for task in expected if rows[task]["experiment"] == "fit" and list(rows[task]["hidden"]) == [4]
          for _, points in [expected[task]["train_loss"]]]
[mean] = [metric.value for metric in group.metric_values if metric.name.tag == "train_loss"]
assert len(group.sessions) == len(losses) == 2 and math.isclose(mean, sum(losses) / 2, rel_tol=1e-6)
assert group.hparams["hidden"].string_value == "[4]" and group.hparams["epochs"].number_value == 3
print(f"tensorboard: {len(folders)} runs in {len(groups)} groups")

# MLflow: its client over the file store.
client = MlflowClient(tracking_uri=(out / "mlruns").as_uri())
experiments = client.search_experiments()
found = client.search_runs([experiment.experiment_id for experiment in experiments])
for run in found:
    task = run.data.tags["basin.task"]
    read = {}
    for name in run.data.metrics:
        history = client.get_metric_history(run.info.run_id, name)
        read[name] = [(metric.step, metric.value) for metric in history]
    [(_, seconds)] = read.pop("seconds")
    assert math.isclose(seconds * 1000, run.info.end_time - run.info.start_time)
    has_all(expected[task], read, STEPPED + ["once"])
    row = rows[task]
    assert run.data.tags["basin.outcome"] == row["outcome"] and run.info.status == "FINISHED"
    assert run.data.params["seed"] == str(row["seed"]) and run.data.params["optimizer.name"] == row["optimizer.name"]
    assert [artifact.path for artifact in client.list_artifacts(run.info.run_id)] == ["task.json"]
diverged = client.search_runs([experiment.experiment_id for experiment in experiments], "tags.`basin.outcome` = 'diverged'")
assert len(diverged) == 1 and diverged[0].info.run_name == "steep seed 0", diverged
print(f"mlflow: {len(found)} runs in {len(experiments)} experiments")

# Weights & Biases: its own reader of logs, and what it would send.
wandb = str(Path(sys.executable).parent / "wandb")
logs = sorted((out / "wandb").glob("offline-run-*/run-*.wandb"))
for log in logs:
    printed = subprocess.run([wandb, "leet", "inspect", "--json", str(log)], check=True, capture_output=True, text=True)
    records = [json.loads(line) for line in printed.stdout.splitlines()]
    run = next(record["run"] for record in records if record["type"] == "run")
    config = run["config"]["update"]
    row = rows[config["basin"]["task"]]
    shown = expected[row["task"]]
    assert run["job_type"] == row["experiment"] and config["seed"] == row["seed"]
    assert config["optimizer"]["name"] == row["optimizer.name"]
    drawn = {record["metric"]["name"]: record["metric"].get("step_metric") for record in records if record["type"] == "metric"}
    read = {name: [] for name, against in drawn.items() if against}
    for record in records:
        item = record.get("history", {}).get("item", {})
        for name in read.keys() & item.keys():
            read[name].append((float(item[drawn[name]]), float(item[name])))
    assert set(read) == {name for name, (axis, _) in shown.items() if axis != "once"}
    for name, points in read.items():
        axis, wanted = shown[name]
        assert drawn[name] == axis
        assert sorted(map(repr, points)) == sorted(repr((float(x), float(value))) for x, value in wanted), name
    summary = next(record["summary"]["update"] for record in records if record["type"] == "summary")
    for name, (_, points) in shown.items():
        assert same([float(summary[name])], [points[-1][1]]), name
    assert records[-1]["type"] == "exit" and records[-1]["exit"]["exit_code"] == 0
would = subprocess.run([wandb, "sync", "--dry-run"], check=True, capture_output=True, text=True, cwd=out)
assert f"Would sync {len(logs)} run(s)" in would.stdout + would.stderr, would
print(f"wandb: {len(logs)} runs")

# CSV: three readers, the same table.
table = pd.read_csv(out / "csv" / "results.csv")
for name in ["task", "outcome", "experiment", "hidden"]:
    shown = [None if value is None else str(list(value)) if name == "hidden" else value for value in results[name].to_list()]
    assert [None if pd.isna(value) else value for value in table[name]] == shown, name
points = pl.read_csv(out / "csv" / "series.csv", schema_overrides={"x": pl.Float64, "value": pl.Float64})
assert points.equals(series)
held = duckdb.sql(f"SELECT task, series, axis, x::DOUBLE, value::DOUBLE FROM read_csv('{out}/csv/series.csv')").fetchall()
assert list(map(repr, held)) == list(map(repr, series.rows()))
claims = pd.read_csv(out / "csv" / "claims.csv")
assert len(claims) == 1
print(f"csv: {len(table)} rows")
