"""How long PyTorch takes for forward and backward passes of layers between products, in the rows of `worker/kernels/examples/layers.rs`.

`python pytorch_layers.py [THREADS]`, by default 2. A layer's forward pass records what its backward pass needs.
"""
import sys
import time

import torch
from torch.nn import functional as f

torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
WINDOW = (0.15, 1.0)


def best(work):
    work()
    least, start, calls = float("inf"), time.perf_counter(), 0
    while (calls < 5 and time.perf_counter() - start < WINDOW[1]) or time.perf_counter() - start < WINDOW[0]:
        call = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - call)
        calls += 1
    return least


def measure(name, inputs, function, parameters=()):
    inputs = [x if x.dtype == torch.int64 else x.requires_grad_() for x in inputs]
    parameters = [p.requires_grad_() for p in parameters]
    of = [x for x in [*inputs, *parameters] if x.requires_grad]
    forward = best(lambda: function(*inputs, *parameters))
    y = function(*inputs, *parameters)
    gradient = torch.randn_like(y)
    backward = best(lambda: torch.autograd.grad(y, of, gradient, retain_graph=True))
    print(f"{name} {forward * 1e3:.3f} {backward * 1e3:.3f}", flush=True)


print("layer forward_ms backward_ms")
for channels, side in [(16, 32), (32, 16), (64, 8)]:
    mean, variance = torch.zeros(channels), torch.ones(channels)
    function = lambda x, w, b: f.relu(f.batch_norm(x, mean, variance, w, b, True), inplace=True)
    measure(f"batch_norm_relu_{channels}x{side}", [torch.randn(128, channels, side, side)], function, [torch.randn(channels), torch.randn(channels)])
x = lambda: torch.randn(128, 16 * 32 * 32)
measure("relu", [x()], f.relu)
measure("gelu", [x()], f.gelu)
measure("silu", [x()], f.silu)
measure("tanh", [x()], torch.tanh)
measure("dropout", [x()], lambda x: f.dropout(x, 0.1))
measure("group_norm_16x32", [torch.randn(128, 16, 32, 32)], lambda x, w, b: f.group_norm(x, 4, w, b), [torch.randn(16), torch.randn(16)])
for positions in [5, 17, 64]:
    measure(f"layer_norm_{positions}x128", [torch.randn(512, positions, 128)], lambda x, w, b: f.layer_norm(x, [128], w, b), [torch.randn(128), torch.randn(128)])

    def attention(q, k, v):
        q, k, v = (part.unflatten(2, (4, 32)).transpose(1, 2) for part in (q, k, v))
        return f.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)

    measure(f"attention_{positions}x128", [torch.randn(512, positions, 128) for _ in range(3)], attention)
    tokens = torch.randint(0, 97, (512, positions))
    measure(f"embedding_{positions}x128", [tokens], lambda t, w, p: f.embedding(t, w) + p, [torch.randn(97, 128), torch.randn(positions, 128)])
