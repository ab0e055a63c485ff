#!/usr/bin/env python3
"""Learning curves of ResNet-20 on CIFAR-10 in PyTorch, to lay beside those of `docs/bench/resnet-20-curve.toml`.

    pip install torch numpy pyarrow pillow
    python3 docs/bench/pytorch_resnet20.py FOLDER --first 10000 --write first
    basin data import cifar10 first && basin run docs/bench/resnet-20-curve.toml
    basin collect resnet-20-curve --state basin-state --out collected
    python3 docs/bench/pytorch_resnet20.py first | tee torch.jsonl
    python3 docs/bench/pytorch_resnet20.py first --rows torch.jsonl --compare collected

FOLDER has CIFAR-10 as Parquet, an image and a label a row; `first` gets its first 10,000 training images and all of its test images.
Both train He et al. 2016 (arXiv 1512.03385), section 4.2, with the same settings: Kaiming's initialisation, batches of 128, SGD with
Nesterov momentum of 0.9, weight decay of 1e-4 on all parameters, a step size of 0.1 that is divided by 10 after the third epoch, crops of
images with 4 black pixels around them, flips; the images standardised by channel. Seeds aren't comparable one by one: only their
distribution is. The training loss is the mean over an epoch's batches, each before its step. Compared are means and standard deviations
over seeds, and Welch's t of the difference of the means with its degrees of freedom.
"""
import argparse
import io
import json
import statistics
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import nn

from pytorch_train import resnet_20

EPOCHS, DROP, BATCH = 4, 3, 128
MEASURES = ("train_loss", "test_loss", "test_accuracy")


def table_of(folder, split):
    return pq.read_table(next(Path(folder).glob(f"{split}-*.parquet")))


def images_of(folder, split):
    table = table_of(folder, split)
    pictures = [np.asarray(Image.open(io.BytesIO(cell["bytes"])).convert("RGB")) for cell in table.column(0).to_pylist()]
    x = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
    return x, torch.tensor(table.column(1).to_pylist())


def initialised(net):
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return net


def augmented(x, black):
    """A crop of the image with 4 black pixels around it, flipped or not, each image its own."""
    count = len(x)
    padded = black.expand(count, 3, 40, 40).clone()
    padded[:, :, 4:36, 4:36] = x
    down, right = torch.randint(0, 9, (2, count, 1, 1))
    rows, columns = down + torch.arange(32).view(1, 32, 1), right + torch.arange(32).view(1, 1, 32)
    cut = padded[torch.arange(count).view(-1, 1, 1), :, rows, columns].permute(0, 3, 1, 2)
    return torch.where(torch.rand(count, 1, 1, 1) < 0.5, cut.flip(3), cut)


def measured(net, x, y):
    net.eval()
    loss, right = 0.0, 0
    with torch.no_grad():
        for at in range(0, len(x), 500):
            logits = net(x[at:at + 500])
            loss += nn.functional.cross_entropy(logits, y[at:at + 500], reduction="sum").item()
            right += (logits.argmax(1) == y[at:at + 500]).sum().item()
    net.train()
    return loss / len(x), right / len(x)


def curve(seed, train, test, black):
    torch.manual_seed(seed)
    (x, y), rows = train, []
    net = initialised(resnet_20())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [DROP], 0.1)
    for epoch in range(1, EPOCHS + 1):
        start = time.perf_counter()
        train_loss = 0.0
        for batch in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            batch_loss = nn.functional.cross_entropy(net(augmented(x[batch], black)), y[batch])
            batch_loss.backward()
            optimizer.step()
            train_loss += batch_loss.item() * len(batch) / len(x)
        schedule.step()
        seconds = time.perf_counter() - start
        loss, accuracy = measured(net, *test)
        rows.append(dict(seed=seed, epoch=epoch, train_loss=train_loss, test_loss=loss, test_accuracy=accuracy, seconds=seconds))
        print(json.dumps(rows[-1]), flush=True)
    return rows


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--seeds", type=int, default=5)
    arguments.add_argument("--first", type=int, default=10_000, help="the training images that are written")
    arguments.add_argument("--write", help="a folder to write the first training images and all test images to; nothing is trained")
    arguments.add_argument("--rows", help="what an earlier run printed, in place of training")
    arguments.add_argument("--compare", help="the folder into which the runs of docs/bench/resnet-20-curve.toml were collected")
    given = arguments.parse_args()
    if given.write is not None:
        Path(given.write).mkdir(parents=True, exist_ok=True)
        for split, table in (("train", table_of(given.folder, "train").slice(0, given.first)), ("test", table_of(given.folder, "test"))):
            pq.write_table(table, Path(given.write) / f"{split}-00000-of-00001.parquet")
        return
    rows = trained(given) if given.rows is None else [json.loads(line) for line in Path(given.rows).read_text().splitlines()]
    if given.compare is not None:
        compare(rows, Path(given.compare))


def trained(given):
    torch.set_num_threads(given.threads)
    (x, y), (test_x, test_y) = images_of(given.folder, "train"), images_of(given.folder, "test")
    as_float = x.float()
    mean = as_float.mean((0, 2, 3), keepdim=True)
    deviation = ((as_float - mean) ** 2).mean((0, 2, 3), keepdim=True).sqrt()
    train, test = ((as_float - mean) / deviation, y), ((test_x.float() - mean) / deviation, test_y)
    return [row for seed in range(given.seeds) for row in curve(seed, train, test, -mean / deviation)]


def compare(rows, collected):
    theirs = [row for run in collected.glob("results/curve/*/metrics.parquet") for row in pq.read_table(run).to_pylist()]
    print("epoch measure pytorch basin t degrees-of-freedom")
    for epoch in range(1, EPOCHS + 1):
        for measure in MEASURES:
            ours = [row[measure] for row in rows if row["epoch"] == epoch]
            basin = [row["value"] for row in theirs if (row["series"], row["axis"], row["x"]) == (measure, "epoch", epoch)]
            one, other = (statistics.variance(of) / len(of) for of in (ours, basin))
            t = (statistics.mean(ours) - statistics.mean(basin)) / (one + other) ** 0.5
            degrees = (one + other) ** 2 / (one**2 / (len(ours) - 1) + other**2 / (len(basin) - 1))
            means = (f"{statistics.mean(of):.3f}±{statistics.stdev(of):.3f}" for of in (ours, basin))
            print(epoch, measure, *means, f"{t:.2f} {degrees:.1f}")


if __name__ == "__main__":
    main()
