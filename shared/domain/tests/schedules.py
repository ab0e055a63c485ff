#!/usr/bin/env python3
"""Writes schedules.txt: the learning rates of PyTorch's schedulers over all steps, of an optimiser whose learning rate is 1.

    pip install torch && python3 schedules.py

A line a schedule: its name, steps in all, steps an epoch, and the rates.
"""
import pathlib

import torch
from torch.optim import lr_scheduler as lr


def rates(steps, make):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
    scheduler = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def warmed(steps, warmup, make):
    return lambda o: lr.SequentialLR(o, [lr.LinearLR(o, 1 / warmup, 1.0, warmup - 1), make(o)], [warmup])


STEPS, EPOCH = 60, 7
SCHEDULES = {
    "linear": lambda o: lr.LinearLR(o, 1.0, 0.1, STEPS),
    "cosine": lambda o: lr.CosineAnnealingLR(o, STEPS, 0.05),
    "steps": lambda o: lr.MultiStepLR(o, [2 * EPOCH, 5 * EPOCH], 0.2),
    "one-cycle": lambda o: lr.OneCycleLR(o, 1.0, STEPS, cycle_momentum=False),
    "one-cycle-linear": lambda o: lr.OneCycleLR(
        o, 1.0, STEPS, pct_start=0.4, anneal_strategy="linear", div_factor=10, final_div_factor=100, cycle_momentum=False
    ),
    "warmup": warmed(STEPS, 10, lambda o: lr.ConstantLR(o, 1.0, 1)),
    "warmup-cosine": warmed(STEPS, 10, lambda o: lr.CosineAnnealingLR(o, STEPS - 10, 0.05)),
    "warmup-linear": warmed(STEPS, 2 * EPOCH, lambda o: lr.LinearLR(o, 1.0, 0.1, STEPS - 2 * EPOCH)),
    "inverse-square-root": lambda o: lr.LambdaLR(o, lambda s: min((s + 1) / 10, (10 / (s + 1)) ** 0.5)),
}
lines = [" ".join([name, str(STEPS), str(EPOCH), *map(repr, rates(STEPS, make))]) for name, make in SCHEDULES.items()]
(pathlib.Path(__file__).parent / "schedules.txt").write_text("\n".join(lines) + "\n")
