#!/usr/bin/env python3
"""Two builds of basin in turn on the rows of `basin bench train` that both have: the median of each, and their ratio.

    git worktree add ../before 360c2df4 && (cd ../before && cargo build --release --bin basin)
    python3 docs/bench/two_programs.py ../before/target/release/basin target/release/basin --rounds 7 -- --threads 2 --windows 2 --seconds 0.4

What stands behind `--` goes to both. They take turns, and begin by turns, so that neighbours on a shared machine and its warmth meet both
alike; a single measurement varies by some percent. Prints a line a row (first, second, their ratio), then the geometric mean and the least.
"""
import argparse
import json
import statistics
import subprocess
import sys

FIGURES = ("gflops", "roof", "share_of_peak", "share_of_roof")


def measured(program, arguments):
    """The figure of each row, by what identifies it."""
    done = subprocess.run([program, "bench", "train", "--json", *arguments], stdout=subprocess.PIPE, text=True, check=True)
    rows = {}
    for row in json.loads(done.stdout)["rows"]:
        name = next(key for key in row if key.endswith("_per_s"))
        identity = {key: value for key, value in row.items() if key != name and key not in FIGURES}
        rows[json.dumps(identity, sort_keys=True)] = row[name]
    return rows


def main():
    ours = sys.argv[1:]
    passed = []
    if "--" in ours:
        place = ours.index("--")
        ours, passed = ours[:place], ours[place + 1:]
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("first")
    arguments.add_argument("second")
    arguments.add_argument("--rounds", type=int, default=7)
    given = arguments.parse_args(ours)
    programs = [given.first, given.second]
    figures = [{}, {}]
    for number in range(given.rounds):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            for row, figure in measured(programs[which], passed).items():
                figures[which].setdefault(row, []).append(figure)
        print(f"round {number + 1} of {given.rounds}", file=sys.stderr)
    ratios = []
    for row in figures[0].keys() & figures[1].keys():
        first, second = (statistics.median(of[row]) for of in figures)
        ratios.append((second / first, first, second, row))
    for ratio, first, second, row in sorted(ratios):
        print(f"{first:>12,.0f} {second:>12,.0f} {ratio:6.3f}  {row}")
    print(f"geometric mean of {len(ratios)} rows {statistics.geometric_mean(r[0] for r in ratios):.3f}, least {min(ratios)[0]:.3f}")


if __name__ == "__main__":
    main()
