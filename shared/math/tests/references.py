"""Writes references.txt: arguments of the functions and what they give, computed with 200 bits. Needs mpmath: `python3 references.py`.

A line is the function, its arguments and its result; a number is the bits of a double, a result two of them whose sum it is.
"""

import random
import struct
from pathlib import Path

import mpmath
from mpmath import mp, mpf

mp.prec = 200
draw = random.Random(2026)


def bits(value):
    return f"{struct.unpack('<Q', struct.pack('<d', value))[0]:016x}"


def double(value):
    # float() of an mpf rounds to nearest, also where the result is subnormal.
    return float(value)


def between(low, high):
    return draw.uniform(low, high)


def size(low, high):
    """A number of either sign whose logarithm is uniform."""
    return draw.choice([-1, 1]) * 2.0 ** between(low, high)


HALVES = [double(mp.pi / 2 * n) for n in [1, 2, 3, 4, 5, 7, 11, 100, 1001, 65_537, 10**6 + 1, 2**40 + 1]]
NEAR = [x * (1 + d * 2.0**-52) for x in HALVES for d in (-1, 0, 1)]
# Doubles nearest to multiples of π/2 (Kahan, "Minimizing q·m − n"), and the greatest.
HARD = [6381956970095103.0 * 2.0**797, 5.319372648326541e255, 1.7976931348623157e308, 2.0**1000, 1e22, 2.0**53 + 2]
angles = NEAR + HARD + [2.0**-k for k in range(0, 40, 3)] + [0.7853981633974483, 0.7853981633974484]
angles += [between(-7, 7) for _ in range(60)] + [size(-30, 1000) for _ in range(60)]
cases = {
    ("sin", mpmath.sin): [[x] for x in angles],
    ("cos", mpmath.cos): [[x] for x in angles],
    ("exp", mpmath.exp): [
        [x]
        for x in [709.782712893384, 709.78, -708.4, -708.3964185322641, -720.5, -744.4400719213812, 1.0, -1.0, 2.0**-60]
        + [double(mp.ln2 / 128 * n) * (1 + d * 2.0**-52) for n in (1, 3, 64, 65, 127, 1001) for d in (-1, 0, 1)]
        + [between(-2, 2) for _ in range(60)]
        + [between(-740, 709) for _ in range(60)]
        + [size(-40, 4) for _ in range(40)]
    ],
    ("ln", mpmath.log): [
        [x]
        for x in [5e-324, 2.2250738585072014e-308, 1e-310, 1.7976931348623157e308, 2.0, 0.5, 10.0]
        + [0.7071067811865475, 0.7071067811865476, 1.414213562373095, 1.4142135623730951]
        + [1 + d * 2.0**-52 for d in (-2, -1, 1, 2, 1000, -1000, 2**30, -(2**30))]
        + [between(0.5, 2) for _ in range(80)]
        + [abs(size(-1070, 1020)) for _ in range(80)]
        + [1 + size(-40, -2) for _ in range(40)]
    ],
    ("tanh", mpmath.tanh): [
        [x]
        for x in [1e-300, 9.9e-10, 1e-9, 0.0027, 0.0028, 0.25, 0.5, 0.55, 1.0, 18.9, 21.9, 22.1, 700.0]
        + [between(-3, 3) for _ in range(100)]
        + [size(-32, 5) for _ in range(80)]
    ],
    ("power", mpmath.power): [
        [base, float(n)]
        for base in [0.9, 0.999, 0.8, 0.99, 0.5, 0.9999999, 1.0 - 2.0**-53, 1e-3, 1.0]
        for n in [0, 1, 2, 3, 10, 63, 64, 65, 1000]
    ]
    + [[0.999, float(draw.randrange(1, 400_000))] for _ in range(40)]
    + [[between(0, 1), float(draw.randrange(1, 40))] for _ in range(40)],
    ("exp_m1", mpmath.expm1): [
        [x]
        for x in [709.78, -36.0, -37.5, -745.0, 1.0, -1.0, 2.0**-60, 1e-300, -1e-9]
        + [double(mp.ln2 / 128 * n) * (1 + d * 2.0**-52) for n in (-65, -1, 1, 3, 64, 65) for d in (-1, 0, 1)]
        + [between(-2, 2) for _ in range(60)]
        + [size(-60, 9) for _ in range(60)]
    ],
    ("ln_1p", mpmath.log1p): [
        [x]
        for x in [5e-324, 1e-300, -(2.0**-53), 2.0**-53, 1.0, -0.5, -0.9999999999, 1.7976931348623157e308]
        + [between(-0.99, 3) for _ in range(80)]
        + [abs(size(-60, 1000)) for _ in range(60)]
        + [size(-60, -1) for _ in range(40)]
    ],
    ("normal_cdf", mpmath.ncdf): [
        [x]
        for x in [-37.5, -30.0, 8.2, 8.3, 0.5, 1e-10, -1e-10]
        + [between(-4, 4) for _ in range(100)]
        + [between(-37, 9) for _ in range(80)]
        + [size(-40, 3) for _ in range(40)]
    ],
}
lines = []
for (name, function), all_arguments in cases.items():
    for arguments in all_arguments:
        mp.prec = 1400
        result = function(*[mpf(x) for x in arguments])
        high = double(result)
        low = double(result - mpf(high))
        if high != 0.0 or result == 0:
            lines.append(" ".join([name, *map(bits, arguments), bits(high), bits(low)]))
Path(__file__).with_name("references.txt").write_text("\n".join(lines) + "\n")
