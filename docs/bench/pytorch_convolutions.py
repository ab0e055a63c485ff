#!/usr/bin/env python3
"""PyTorch on the work of the example `convolutions` of basin-kernels, in the same rows.

    pip install torch
    python3 docs/bench/pytorch_convolutions.py --threads 2

With ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 it keeps to the instructions of an AVX2 machine.
Times are those of the process's processors, divided by the threads: on a machine that does other work too, one thread says most.
"""
import argparse
import time

import torch

# Channels, side of the image, outputs, kernel, stride: as in worker/kernels/examples/convolutions.rs.
LAYERS = [
    (3, 32, 16, 3, 1), (16, 32, 16, 3, 1), (16, 32, 32, 3, 2), (32, 16, 32, 3, 1), (32, 16, 64, 3, 2), (64, 8, 64, 3, 1),
    (16, 32, 32, 1, 2), (32, 16, 64, 1, 2), (3, 32, 64, 3, 1), (64, 32, 64, 3, 1), (64, 16, 128, 3, 1), (128, 16, 128, 3, 1),
    (128, 8, 256, 3, 1), (256, 8, 256, 3, 1), (256, 4, 512, 3, 1), (512, 4, 512, 3, 1), (512, 2, 512, 3, 1), (64, 32, 128, 3, 2),
]


def best(work):
    work()
    best, start, calls = float("inf"), time.perf_counter(), 0
    while (calls < 5 and time.perf_counter() - start < 1.5) or time.perf_counter() - start < 0.15:
        call = time.process_time()
        work()
        best = min(best, (time.process_time() - call) / arguments.threads)
        calls += 1
    return best


parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--layers", default="")
arguments = parser.parse_args()
torch.set_num_threads(arguments.threads)
print("layer forward_ms input_ms weight_ms gflops_forward gflops_input gflops_weight")
for channels, side, outputs, kernel, stride in LAYERS:
    name = "x".join(map(str, (channels, side, outputs, kernel, stride)))
    if arguments.layers and name not in arguments.layers.split(","):
        continue
    x = torch.rand(arguments.batch, channels, side, side)
    w = torch.rand(outputs, channels, kernel, kernel)
    with torch.no_grad():
        y = torch.nn.functional.conv2d(x, w, stride=stride, padding=kernel // 2)
        g = torch.rand_like(y)

        def backward(*mask):
            torch.ops.aten.convolution_backward(
                g, x, w, None, [stride] * 2, [kernel // 2] * 2, [1, 1], False, [0, 0], 1, [*mask, False])

        times = [
            best(lambda: torch.nn.functional.conv2d(x, w, stride=stride, padding=kernel // 2)),
            best(lambda: backward(True, False)),
            best(lambda: backward(False, True)),
        ]
    flops = 2 * y.numel() * channels * kernel * kernel
    print(name, *(f"{t * 1e3:.3f}" for t in times), *(f"{flops / t / 1e9:.0f}" for t in times), flush=True)
