#!/usr/bin/env python3
"""`sweeps/cifar10-94.toml` in PyTorch on a processor: the same network, steps, augmentation and views of the test images.

    pip install torch numpy
    python3 docs/bench/pytorch_cifar10_94.py FOLDER --threads 2 | tee torch.jsonl
    basin data import cifar10 FOLDER && basin run sweeps/cifar10-94.toml --set seeds=1

FOLDER has CIFAR-10's binary version (`data_batch_1.bin`, …, `test_batch.bin`), or Parquet with an image and a label a row (then also
`pip install pyarrow pillow`). A line a seed: seconds of training (the filters that whiten, and all steps with what augments their batches; no
evaluation), epochs, test accuracy of the images as they are, and of the mean over their views. Seeds aren't comparable with Basin's one by one:
only their distribution is. Layers lie channels last; `--compile` hands the network to torch.compile, whose time is part of the first seed's.
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

BATCH, CROP, SMOOTHING = 2000, 2, 0.2
FILTERS = dict(learning_rate=0.24, momentum=0.6, iterations=3)
OTHERS = dict(lr=106.0, momentum=0.85, nesterov=True, weight_decay=3.774e-5)
OUTPUT_FACTOR, OUTPUT_DEVIATION = 1 / 72, 0.28125
WHITENED, EPSILON = 5000, 5e-4


def images_of(folder, split):
    """Images `[count, 3, 32, 32]` of bytes, and labels."""
    files = ["test_batch.bin"] if split == "test" else [f"data_batch_{number}.bin" for number in range(1, 6)]
    for place in (Path(folder), Path(folder) / "cifar-10-batches-bin"):
        if (place / files[0]).exists():
            rows = np.concatenate([np.fromfile(place / name, np.uint8).reshape(-1, 1 + 3 * 32 * 32) for name in files])
            return torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32).copy()), torch.from_numpy(rows[:, 0].astype(np.int64))
    from pytorch_resnet20 import images_of as images_of_parquet
    return images_of_parquet(folder, split)


class Filters(nn.Conv2d):
    """A convolution without a bias, whose first outputs pass an input each."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs, 3, padding=1, bias=False)
        nn.init.dirac_(self.weight.data[:inputs])


class Norm(nn.BatchNorm2d):
    """A batch normalisation without trained scales."""

    def __init__(self, channels):
        super().__init__(channels, eps=1e-12, momentum=0.4)
        self.weight.requires_grad_(False)


class SpeedRun(nn.Module):
    def __init__(self, images):
        super().__init__()
        self.whitening = nn.Conv2d(3, 24, 2)
        self.whitening.weight.requires_grad_(False)
        self.whitening.weight.copy_(whitening_filters(images))
        nn.init.zeros_(self.whitening.bias)
        layers, inputs = [nn.GELU()], 24
        for width in (64, 256, 256):
            layers += [Filters(inputs, width), nn.MaxPool2d(2), Norm(width), nn.GELU(), Filters(width, width), Norm(width), nn.GELU()]
            inputs = width
        self.layers = nn.Sequential(*layers, nn.MaxPool2d(3), nn.Flatten())
        self.output = nn.Linear(inputs, 10, bias=False)
        nn.init.normal_(self.output.weight, std=OUTPUT_DEVIATION)

    def forward(self, x):
        return self.output(self.layers(self.whitening(x))) * OUTPUT_FACTOR


def whitening_filters(images):
    """The eigenvectors of the second moments of all patches of 2×2 pixels, each over √(its eigenvalue + ε), the largest first, and their negatives."""
    patches = F.unfold(images, 2).transpose(1, 2).reshape(-1, 12).double()
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors / (values + EPSILON).sqrt()).flip(1).T.reshape(12, 3, 2, 2)
    return torch.cat([filters, -filters]).float()


class Muon:
    """Steps filters along their orthogonalised momentum, after bringing each to the norm √rows."""

    def __init__(self, parameters, learning_rate, momentum, iterations):
        self.parameters, self.momentum, self.iterations = list(parameters), momentum, iterations
        self.learning_rate, self.kept = learning_rate, [torch.zeros_like(parameter) for parameter in self.parameters]

    @torch.no_grad()
    def step(self, factor):
        for parameter, kept in zip(self.parameters, self.kept):
            kept.mul_(self.momentum).add_(parameter.grad, alpha=1 - self.momentum)
            direction = (1 - self.momentum) * parameter.grad + self.momentum * kept
            rows = len(parameter)
            step = orthogonalised(direction.reshape(rows, -1), self.iterations).reshape(direction.shape)
            scale = max(1.0, rows / direction[0].numel()) ** 0.5
            parameter.mul_(rows**0.5 / parameter.norm()).add_(step, alpha=-factor * self.learning_rate * scale)


def orthogonalised(x, iterations):
    x = x / (x.norm() + 1e-7)
    is_tall = x.shape[0] > x.shape[1]
    x = x.T if is_tall else x
    for _ in range(iterations):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if is_tall else x


class Augmented:
    """Training images as epochs see them: crops out of their reflection, mirrored in every other epoch."""

    def __init__(self, images, mean, deviation):
        self.padded = torch.from_numpy(np.pad(images.numpy(), ((0, 0), (0, 0), (CROP, CROP), (CROP, CROP)), mode="reflect"))
        self.mean, self.deviation = mean, deviation
        self.begin_mirrored = torch.rand(len(images)) < 0.5

    def batch(self, indices, epoch):
        side = torch.arange(32)
        down, right = torch.randint(0, 2 * CROP + 1, (2, len(indices), 1, 1))
        mirrored = (self.begin_mirrored[indices] ^ (epoch % 2 == 1)).view(-1, 1, 1)
        rows = down + side.view(1, 32, 1)
        columns = right + torch.where(mirrored, 31 - side.view(1, 1, 32), side.view(1, 1, 32))
        # Indices first, channels behind them: this is channels last.
        seen = self.padded[indices.view(-1, 1, 1), :, rows, columns].permute(0, 3, 1, 2).float()
        return ((seen - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def accuracies(net, images, labels):
    """The shares of right answers of images as they are, and of the mean over their views."""
    net.eval()
    right = [0, 0]
    for x, y in zip(images.split(500), labels.split(500)):
        padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
        views = [(x, 0.25), (padded[:, :, :32, :32], 0.125), (padded[:, :, 2:, 2:], 0.125)]
        plain, mean = None, 0.0
        for view, share in views:
            for seen in (view, view.flip(3)):
                outputs = net(seen.contiguous(memory_format=torch.channels_last))
                plain = outputs if plain is None else plain
                mean = mean + share * outputs
        right = [count + (outputs.argmax(1) == y).sum().item() for count, outputs in zip(right, (plain, mean))]
    net.train()
    return [count / len(labels) for count in right]


def trained(seed, epochs, train, mean, deviation, compiled):
    """A network after its training, and how long that took."""
    torch.manual_seed(seed)
    images, labels = train
    start = time.perf_counter()
    some = torch.arange(WHITENED) * (len(images) // WHITENED)
    net = SpeedRun((images[some].float() - mean) / deviation).to(memory_format=torch.channels_last)
    filters = [layer.weight for layer in net.modules() if isinstance(layer, Filters)]
    norms = [layer.bias for layer in net.modules() if isinstance(layer, Norm)]
    by_muon, by_sgd = Muon(filters, **FILTERS), torch.optim.SGD([net.whitening.bias, *norms, net.output.weight], **OTHERS)
    augmented, forward = Augmented(images, mean, deviation), torch.compile(net) if compiled else net
    steps, step = epochs * -(-len(images) // BATCH), 0
    for epoch in range(epochs):
        for indices in torch.randperm(len(images)).split(BATCH):
            factor = 1 - step / steps
            net.zero_grad(set_to_none=True)
            F.cross_entropy(forward(augmented.batch(indices, epoch)), labels[indices], label_smoothing=SMOOTHING).backward()
            by_sgd.param_groups[0]["lr"] = OTHERS["lr"] * factor
            by_sgd.step()
            by_muon.step(factor)
            step += 1
    return net, time.perf_counter() - start


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--seeds", type=int, default=1)
    arguments.add_argument("--epochs", type=int, default=10)
    arguments.add_argument("--compile", action="store_true")
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    (images, labels), (test_images, test_labels) = images_of(given.folder, "train"), images_of(given.folder, "test")
    as_float = images.float()
    mean, deviation = as_float.mean((0, 2, 3), keepdim=True), as_float.std((0, 2, 3), correction=0, keepdim=True)
    test_images = (test_images.float() - mean) / deviation
    del as_float
    for seed in range(given.seeds):
        net, seconds = trained(seed, given.epochs, (images, labels), mean, deviation, given.compile)
        plain, augmented = accuracies(net, test_images, test_labels)
        row = dict(seed=seed, seconds=round(seconds, 1), epochs=given.epochs, test_accuracy=plain, augmented_test_accuracy=augmented)
        print(json.dumps(row | dict(threads=given.threads, torch=torch.__version__)), flush=True)


if __name__ == "__main__":
    main()
