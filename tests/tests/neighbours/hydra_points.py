"""Compares the parameters of an imported sweep's runs with the points of Hydra's own sweeper: `hydra_points.py given.json`."""

import json
import sys

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

with open(sys.argv[1]) as file:
    given = json.load(file)
parser = OverridesParser.create()


def flattened(table, before=""):
    for name, value in table.items():
        if isinstance(value, dict):
            yield from flattened(value, f"{before}{name}.")
        else:
            yield before + name, value


def plain(value):
    # One list of values has one type of number in a sweep file.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return round(float(value), 12)


def point(overrides):
    parsed = parser.parse_overrides(overrides)
    return {override.key_or_group: plain(override.value()) for override in parsed}


[batch] = BasicSweeper.split_arguments(parser.parse_overrides(given["overrides"]), max_batch_size=None)
theirs = sorted(json.dumps(point(overrides), sort_keys=True) for overrides in batch)
ours = [{name: plain(value) for name, value in flattened(run["parameters"])} for run in given["runs"]]
ours = sorted(json.dumps(run, sort_keys=True) for run in ours)
assert ours == theirs, (ours, theirs)
print(len(ours), "runs")
