#!/usr/bin/env python3
"""Runs a program that takes its parameters as arguments as a task of `kind = "command"`.

A copy of this file, with the three lines below as the program wants them, is what a worker allows. It becomes the program itself, so
that signals reach that.
"""

import json
import os
import sys

PROGRAM = [sys.executable, "/path/to/train.py"]
ARGUMENT = "--{name}={value}"  # as Weights & Biases starts programs; Hydra's are "{name}={value}"
SEED = None  # the name of an argument for the task's seed, if the sweep file has `seeds`


def flattened(table, before=""):
    for name, value in table.items():
        if isinstance(value, dict):
            yield from flattened(value, f"{before}{name}.")
        else:
            yield before + name, value


with open(os.environ["BASIN_TASK_PARAMETERS"]) as file:
    parameters = dict(flattened(json.load(file)))
if SEED is not None:
    parameters[SEED] = os.environ["BASIN_TASK_SEED"]
arguments = [ARGUMENT.format(name=name, value=value) for name, value in parameters.items()]
os.execvp(PROGRAM[0], PROGRAM + arguments)
