#!/usr/bin/env python3
"""Fits a line to noisy points by gradient descent: a program for `kind = "command"` that needs no library."""

import json
import os
import random
import signal
import sys
import time


def setting(name):
    return os.environ["BASIN_TASK_" + name]


with open(setting("PARAMETERS")) as file:
    parameters = json.load(file)
metrics = open(setting("METRICS"), "a", buffering=1)
checkpoint = os.path.join(setting("CHECKPOINT"), "state.json")


def say(type, **fields):
    metrics.write(json.dumps({"type": type, **fields}) + "\n")


def save(state):
    # Under another name first, so that a checkpoint is whole or not there.
    with open(checkpoint + ".new", "w") as file:
        json.dump(state, file)
    os.replace(checkpoint + ".new", checkpoint)
    say("checkpoint")


is_leaving = False


def leave(signum, frame):
    global is_leaving
    is_leaving = True


signal.signal(signal.SIGTERM, leave)

state = {"epoch": 0, "slope": 0.0, "offset": 0.0}
if os.path.exists(checkpoint):
    with open(checkpoint) as file:
        state = json.load(file)
print(f"begins at epoch {state['epoch']}")
say("number", name="resumed_from_epoch", value=state["epoch"])

drawn = random.Random(int(setting("SEED")))
points = [(x / 50 - 1, 3 * x / 50 - 2 + drawn.gauss(0, parameters.get("noise", 0.1))) for x in range(100)]
epochs, rate = parameters["epochs"], parameters["rate"]

while state["epoch"] < epochs:
    slope, offset = state["slope"], state["offset"]
    errors = [(x, slope * x + offset - y) for x, y in points]
    loss = sum(error * error for _, error in errors) / len(errors)
    state["slope"] -= rate * 2 * sum(error * x for x, error in errors) / len(errors)
    state["offset"] -= rate * 2 * sum(error for _, error in errors) / len(errors)
    state["epoch"] += 1
    say("series", name="train_loss", axis="epoch", x=state["epoch"], value=loss)
    say("progress", epoch=state["epoch"], epochs=epochs, iteration=state["epoch"], iterations=epochs, loss=loss)
    if loss != loss or loss == float("inf"):
        break
    if state["epoch"] % parameters.get("save_every", 10) == 0:
        save(state)
    time.sleep(parameters.get("pause", 0))
    if is_leaving:
        save(state)
        sys.exit(0)

say("number", name="slope", value=state["slope"])
with open(os.path.join(setting("OUTPUT"), "line.json"), "w") as file:
    json.dump(state, file)
