#!/usr/bin/env python3
"""PyTorch on the work of `basin bench train`, in rows with the same keys.

    pip install torch numpy
    python3 docs/bench/pytorch_train.py --threads 2 > torch.json
    basin bench train --threads 2 --compare torch.json

A step is forward, loss, backward and Adam on random data. Each figure is the best of several windows: on a shared machine
noise only ever slows down, so the best window is what the code can do.
"""
import argparse
import json
import time

import torch
from torch import nn

ARCHITECTURES = [
    (8, 8, 8), (8, 16, 16), (16, 16, 32), (16, 32, 64), (32, 32, 64),
    (32, 64, 128), (64, 64, 128), (64, 96, 128), (96, 128, 128), (128, 128, 256),
]


def steps_per_second(step, seconds, windows):
    for _ in range(2):
        step()
    best = 0.0
    for _ in range(windows):
        steps, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            step()
            steps += 1
        best = max(best, steps / (time.perf_counter() - start))
    return best


def trainer(net, loss, x, y):
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        loss(net(x), y).backward()
        optimizer.step()

    return step


def convolutional(first, second, hidden, batch):
    net = nn.Sequential(
        nn.Conv2d(3, first, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(first, second, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(second * 64, hidden), nn.ReLU(), nn.Linear(hidden, 10),
    )
    return trainer(net, nn.CrossEntropyLoss(), torch.randn(batch, 3, 32, 32), torch.arange(batch) % 10)


def dense(hidden, points):
    layers, width = [], 1
    for next_width in hidden:
        layers += [nn.Linear(width, next_width), nn.ReLU()]
        width = next_width
    net = nn.Sequential(*layers, nn.Linear(width, 1))
    x = torch.linspace(-3, 3, points).unsqueeze(1)
    return trainer(net, nn.MSELoss(), x, x.sin())


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--seconds", type=float, default=0.7, help="the length of a window")
    arguments.add_argument("--windows", type=int, default=9)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    rows = []
    for first, second, hidden in ARCHITECTURES:
        for batch in (64, 512):
            rate = steps_per_second(convolutional(first, second, hidden, batch), given.seconds, given.windows)
            rows.append(dict(work="cnn", conv=[first, second], dense=[hidden], batch=batch,
                             images_per_s=round(rate * batch)))
    for hidden in ((32, 64), (32, 32, 32)):
        rate = steps_per_second(dense(hidden, 128), given.seconds, given.windows)
        rows.append(dict(work="dense", hidden=list(hidden), points=128, runs=1, steps_per_s=round(rate)))
    print(json.dumps(dict(torch=torch.__version__, threads=given.threads, rows=rows)))


if __name__ == "__main__":
    main()
