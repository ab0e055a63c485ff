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
from torch.func import functional_call, grad, stack_module_state, vmap

ARCHITECTURES = [
    (8, 8, 8), (8, 16, 16), (16, 16, 32), (16, 32, 64), (32, 32, 64),
    (32, 64, 128), (64, 64, 128), (64, 96, 128), (96, 128, 128), (128, 128, 256),
]
IMAGE = (3, 32, 32)
# conv, dense, image (channels, height, width), kernel, batch: as in FURTHER of worker/experiments/src/bench.rs.
FURTHER = [
    ((12, 32), (128, 64), IMAGE, 3, 64),
    ((12, 32), (128, 64), IMAGE, 3, 100),
    ((8, 12, 32), (128, 64), IMAGE, 3, 100),
    ((32, 64, 128), (128,), IMAGE, 3, 64),
    ((20, 50), (500,), (1, 28, 28), 3, 100),
    ((20, 50), (500,), (1, 28, 28), 5, 100),
    ((6, 16), (120, 84), (1, 28, 28), 5, 64),
    ((16, 32), (64,), IMAGE, 5, 100),
    ((32, 64), (128,), IMAGE, 5, 512),
    ((10, 22), (50,), IMAGE, 7, 64),
    ((16, 32), (64,), (3, 31, 29), 3, 100),
    ((24,), (100,), (3, 31, 29), 5, 100),
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


def convolutional(conv, dense, image, kernel, batch):
    layers, (channels, height, width) = [], image
    for outputs in conv:
        layers += [nn.Conv2d(channels, outputs, kernel, padding=kernel // 2), nn.ReLU(), nn.MaxPool2d(2)]
        channels, height, width = outputs, height // 2, width // 2
    layers.append(nn.Flatten())
    inputs = channels * height * width
    for outputs in dense:
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        inputs = outputs
    net = nn.Sequential(*layers, nn.Linear(inputs, 10))
    return trainer(net, nn.CrossEntropyLoss(), torch.randn(batch, *image), torch.arange(batch) % 10)


def conv_norm_relu(channels, outputs, stride=1):
    return [nn.Conv2d(channels, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


class Residual(nn.Module):
    """Two convolutions with batch norm, around which the input goes; a change of shape by stride and channels of zeros."""

    def __init__(self, channels, outputs, stride):
        super().__init__()
        self.branch = nn.Sequential(*conv_norm_relu(channels, outputs, stride), *conv_norm_relu(outputs, outputs)[:2])
        self.stride, self.zeros = stride, (outputs - channels) // 2

    def forward(self, x):
        around = x
        if self.stride > 1 or self.zeros:
            around = nn.functional.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.zeros, self.zeros))
        return nn.functional.relu(self.branch(x) + around, inplace=True)


def resnet_20():
    layers, channels = conv_norm_relu(3, 16), 16
    for outputs, stride in ((16, 1), (32, 2), (64, 2)):
        for block in range(3):
            layers.append(Residual(channels, outputs, stride if block == 0 else 1))
            channels = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def vgg_11():
    layers, channels = [], 3
    for outputs in (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool"):
        if outputs == "pool":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
            channels = outputs
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10))


class Around(nn.Module):
    def __init__(self, *branch):
        super().__init__()
        self.branch = nn.Sequential(*branch)

    def forward(self, x):
        return x + self.branch(x)


def resnet_9(width):
    twice, four, eight = 2 * width, 4 * width, 8 * width
    return nn.Sequential(
        *conv_norm_relu(3, width), *conv_norm_relu(width, twice), nn.MaxPool2d(2),
        Around(*conv_norm_relu(twice, twice), *conv_norm_relu(twice, twice)),
        *conv_norm_relu(twice, four), nn.MaxPool2d(2), *conv_norm_relu(four, eight), nn.MaxPool2d(2),
        Around(*conv_norm_relu(eight, eight), *conv_norm_relu(eight, eight)),
        nn.MaxPool2d(4), nn.Flatten(), nn.Linear(eight, 10, bias=False))


FAMILIES = {
    "resnet-20": resnet_20,
    "vgg-11 with batch norm": vgg_11,
    "resnet-9 of width 16": lambda: resnet_9(16),
}


def dense_net(hidden):
    layers, width = [], 1
    for next_width in hidden:
        layers += [nn.Linear(width, next_width), nn.ReLU()]
        width = next_width
    return nn.Sequential(*layers, nn.Linear(width, 1))


def sine(points):
    x = torch.linspace(-3, 3, points).unsqueeze(1)
    return x, x.sin()


def dense(hidden, points):
    return trainer(dense_net(hidden), nn.MSELoss(), *sine(points))


def dense_at_once(hidden, points, runs):
    """As many networks in one step, with `vmap` over their stacked parameters and Adam written out for the stacks."""
    stacked, _ = stack_module_state([dense_net(hidden) for _ in range(runs)])
    net = dense_net(hidden).to("meta")
    x, y = sine(points)

    def loss(parameters, x, y):
        return ((functional_call(net, parameters, (x,)) - y) ** 2).mean()

    gradients_of = vmap(grad(loss), in_dims=(0, None, None))
    parameters = {name: value.detach().clone() for name, value in stacked.items()}
    first = {name: torch.zeros_like(value) for name, value in parameters.items()}
    second = {name: torch.zeros_like(value) for name, value in parameters.items()}
    steps = 0

    def step():
        nonlocal steps
        steps += 1
        gradients = gradients_of(parameters, x, y)
        for name, parameter in parameters.items():
            gradient = gradients[name]
            first[name].mul_(0.9).add_(gradient, alpha=0.1)
            second[name].mul_(0.999).addcmul_(gradient, gradient, value=0.001)
            root = (second[name] / (1 - 0.999**steps)).sqrt_().add_(1e-8)
            parameter.addcdiv_(first[name] / (1 - 0.9**steps), root, value=-1e-3)

    return step


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--seconds", type=float, default=0.7, help="the length of a window")
    arguments.add_argument("--windows", type=int, default=9)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    twenty = [(arch[:2], arch[2:], IMAGE, 3, batch) for arch in ARCHITECTURES for batch in (64, 512)]
    rows = []
    for conv, hidden, image, kernel, batch in twenty + FURTHER:
        rate = steps_per_second(convolutional(conv, hidden, image, kernel, batch), given.seconds, given.windows)
        rows.append(dict(work="cnn", conv=list(conv), dense=list(hidden), image=list(image), kernel=kernel, batch=batch,
                         images_per_s=round(rate * batch)))
    for network, build in FAMILIES.items():
        step = trainer(build(), nn.CrossEntropyLoss(), torch.randn(128, *IMAGE), torch.arange(128) % 10)
        rate = steps_per_second(step, given.seconds, given.windows)
        rows.append(dict(work="family", network=network, image=list(IMAGE), batch=128, images_per_s=round(rate * 128)))
    for hidden in ((32, 64), (32, 32, 32)):
        for runs in (1, 100):
            step = dense(hidden, 128) if runs == 1 else dense_at_once(hidden, 128, runs)
            # A step of all is one of each.
            rate = steps_per_second(step, given.seconds, given.windows) * runs
            rows.append(dict(work="dense", hidden=list(hidden), points=128, runs=runs, steps_per_s=round(rate)))
    print(json.dumps(dict(torch=torch.__version__, threads=given.threads, rows=rows)))


if __name__ == "__main__":
    main()
