#!/usr/bin/env python3
"""Searches of experiment E with 12 units, run after run in PyTorch, straightforwardly: what docs/performance.md holds Basin against.

    pip install torch numpy
    python3 docs/bench/pytorch_critical_points.py --runs 10

A run: a dense network 1-12-1 with tanh is fitted to sin x at 64 points in float64 by 60 steps of Adam; then
Levenberg-Marquardt on the gradient, with the exact Hessian of torch.func, until its norm is below 1e-5 or 1,000 iterations;
then the Hessian's eigenvalues, and the loss at 1,000 random points at distance 0.1.
"""
import argparse
import json
import time

import torch
from torch.func import functional_call, grad, hessian, vmap


def run(seed):
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(1, 12), torch.nn.Tanh(), torch.nn.Linear(12, 1)).double()
    names, shapes = zip(*[(name, p.shape) for name, p in net.named_parameters()])
    sizes = [shape.numel() for shape in shapes]
    x = torch.linspace(-3, 3, 64, dtype=torch.float64).unsqueeze(1)
    y = torch.sin(x)

    def loss(flat):
        parts = {n: p.reshape(s) for n, p, s in zip(names, flat.split(sizes), shapes)}
        return torch.nn.functional.mse_loss(functional_call(net, parts, x), y)

    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(net(x), y).backward()
        optimizer.step()
    theta = torch.cat([p.detach().reshape(-1) for p in net.parameters()])
    gradient, curvature = grad(loss), hessian(loss)
    g, h = gradient(theta), curvature(theta)
    damping, growth, iterations = 1e-3 * (h @ h).diagonal().max(), 2.0, 0
    while g.norm() >= 1e-5 and iterations < 1000:
        iterations += 1
        step = torch.linalg.solve(h @ h + damping * torch.eye(len(theta), dtype=torch.float64), -(h @ g))
        there = gradient(theta + step)
        predicted = 0.5 * step @ (damping * step - h @ g)
        ratio = 0.5 * (g @ g - there @ there) / predicted
        if ratio > 0:
            theta, g, h = theta + step, there, curvature(theta + step)
            damping, growth = damping * max(1 / 3, 1 - (2 * ratio.item() - 1) ** 3), 2.0
        else:
            damping, growth = damping * growth, growth * 2
    positive = (torch.linalg.eigvalsh(h) > 1e-6).double().mean()
    directions = torch.randn(1000, len(theta), dtype=torch.float64)
    around = theta + 0.1 * directions / directions.norm(dim=1, keepdim=True)
    higher = (vmap(loss)(around) > loss(theta)).double().mean()
    return bool(g.norm() < 1e-5), iterations, float(positive), float(higher)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    run(0)
    start = time.perf_counter()
    results = [run(seed) for seed in range(arguments.runs)]
    seconds = time.perf_counter() - start
    print(json.dumps({
        "torch": torch.__version__, "threads": arguments.threads, "runs": arguments.runs,
        "converged": sum(result[0] for result in results),
        "search_iterations": sum(result[1] for result in results) / arguments.runs,
        "seconds_per_run": round(seconds / arguments.runs, 3),
    }))


if __name__ == "__main__":
    main()
