#!/usr/bin/env python3
"""Trains a small network on two spirals with PyTorch: a program for `kind = "command"`."""

import json
import os
import signal
import sys

import torch
from torch import nn


def setting(name):
    return os.environ["BASIN_TASK_" + name]


with open(setting("PARAMETERS")) as file:
    parameters = json.load(file)
metrics = open(setting("METRICS"), "a", buffering=1)
checkpoint = os.path.join(setting("CHECKPOINT"), "state.pt")
device = torch.device(setting("DEVICE"))
torch.set_num_threads(int(setting("THREADS")))
torch.manual_seed(int(setting("SEED")))


def say(type, **fields):
    metrics.write(json.dumps({"type": type, **fields}) + "\n")


def spirals(count):
    angle = torch.rand(count) * 3 * torch.pi
    label = torch.arange(count) % 2
    turn = angle + label * torch.pi
    points = torch.stack([angle * turn.cos(), angle * turn.sin()], 1) / (3 * torch.pi)
    return (points + 0.02 * torch.randn(count, 2)).to(device), label.to(device)


(train, train_labels), (test, test_labels) = spirals(1000), spirals(500)
width, depth = parameters["model"]["width"], parameters["model"]["depth"]
layers = [nn.Linear(2, width), nn.ReLU()]
for _ in range(depth - 1):
    layers += [nn.Linear(width, width), nn.ReLU()]
model = nn.Sequential(*layers, nn.Linear(width, 2)).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=parameters["rate"])
loss_of = nn.CrossEntropyLoss()
epochs, epoch = parameters["epochs"], 0

if os.path.exists(checkpoint):
    saved = torch.load(checkpoint, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    epoch = saved["epoch"]


def save():
    saved = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    torch.save(saved, checkpoint + ".new")
    os.replace(checkpoint + ".new", checkpoint)
    say("checkpoint")


is_leaving = False


def leave(signum, frame):
    global is_leaving
    is_leaving = True


signal.signal(signal.SIGTERM, leave)
say("number", name="parameters", value=sum(parameter.numel() for parameter in model.parameters()))

while epoch < epochs:
    # The same order of examples, wherever the run goes on from.
    generator = torch.Generator().manual_seed(int(setting("SEED")) * 1_000_003 + epoch)
    for batch in torch.randperm(len(train), generator=generator).split(parameters["batch_size"]):
        optimizer.zero_grad()
        loss = loss_of(model(train[batch]), train_labels[batch])
        loss.backward()
        optimizer.step()
    epoch += 1
    with torch.no_grad():
        outputs = model(test)
        say("series", name="train_loss", axis="epoch", x=epoch, value=loss_of(model(train), train_labels).item())
        say("series", name="test_loss", axis="epoch", x=epoch, value=loss_of(outputs, test_labels).item())
        accuracy = (outputs.argmax(1) == test_labels).float().mean().item()
        say("series", name="test_accuracy", axis="epoch", x=epoch, value=accuracy)
    say("progress", epoch=epoch, epochs=epochs, iteration=epoch, iterations=epochs, loss=loss.item())
    if is_leaving:
        save()
        sys.exit(0)
    if epoch % 5 == 0:
        save()

torch.save(model.state_dict(), os.path.join(setting("OUTPUT"), "model.pt"))
