"""Writes src/constants.rs: numbers beyond double precision, each as a sum of doubles. Needs mpmath: `python3 constants.py`."""

from pathlib import Path

from mpmath import chebyfit, erfc, exp, floor, ldexp, log, mp, mpf, pi, sqrt

mp.prec = 2000


def double(value):
    """The nearest double."""
    mp.prec = 53
    rounded = +mpf(value)
    mp.prec = 2000
    return rounded


def text(value):
    return repr(float(value))


def pair(value):
    high = double(value)
    return f"({text(high)}, {text(double(value - high))})"


def tail(start, end, terms):
    """Coefficients P of Φ(−z) = e^(−z²/2) t P(t) with t = start / (z + start) for z from 0 to `end`, the highest power first."""
    mp.prec = 200

    def of(t):
        z = start * (1 / t - 1)
        return erfc(z / sqrt(2)) / 2 * exp(z * z / 2) / t

    coefficients = chebyfit(of, [mpf(start) / (end + start), 1], terms)
    mp.prec = 2000
    return [double(coefficient) for coefficient in coefficients]


def cut(value, bits):
    """The leading bits of a value below 1 and above 2**-8, and the rest."""
    high = floor(ldexp(value, bits)) / mpf(2) ** bits
    return text(high), text(double(value - high))


lines = [
    "//! Numbers beyond double precision, each as a sum of doubles. Written by `constants.py`.",
    '#![allow(clippy::approx_constant, reason = "each has a second part, and the standard library has the first alone")]',
    '#![allow(clippy::excessive_precision, reason = "nine digits say which number of single precision it is")]',
    "",
    "/// 2^(j/64) as the nearest double and the rest.",
    "pub(crate) const POWERS: [(f64, f64); 64] = [",
    *[f"    {pair(mpf(2) ** (mpf(j) / 64))}," for j in range(64)],
    "];",
    "",
]
high, low = cut(log(2) / 64, 38)
lines += [
    "/// ln 2 / 64: its product with a whole number below 2^20 is exact.",
    f"pub(crate) const LN_2_BY_64_HIGH: f64 = {high};",
    "/// The rest of ln 2 / 64.",
    f"pub(crate) const LN_2_BY_64_LOW: f64 = {low};",
]
high, low = cut(log(2), 40)
lines += [
    "/// ln 2: its product with a whole number below 2^13 is exact.",
    f"pub(crate) const LN_2_HIGH: f64 = {high};",
    "/// The rest of ln 2.",
    f"pub(crate) const LN_2_LOW: f64 = {low};",
    "/// π / 2 as the nearest double and the rest.",
    f"pub(crate) const HALF_PI: (f64, f64) = {pair(pi / 2)};",
    "/// The bits of 2 / π behind the point, the first the highest of the first word.",
    "pub(crate) const TWO_BY_PI: [u64; 20] = [",
]
bits = int(floor(ldexp(2 / pi, 1280)))
for word in range(20):
    digits = f"{bits >> (64 * (19 - word)) & (1 << 64) - 1:016x}"
    lines.append("    0x" + "_".join(digits[at : at + 4] for at in range(0, 16, 4)) + ",")
lines.append("];")
for name, kind, arguments, text_of in [
    ("NORMAL_TAIL", "f64", (5, 40, 22), text),
    ("NORMAL_TAIL_SINGLE", "f32", (4, 15, 10), lambda value: f"{float(value):.9g}"),
]:
    coefficients = tail(*arguments)
    lines += [
        f"/// P of Φ(−z) = e^(−z²/2) t P(t), t = {arguments[0]} / (z + {arguments[0]}), for z from 0 to {arguments[1]}, the highest power first.",
        f"pub(crate) const {name}: [{kind}; {len(coefficients)}] = [",
        *[f"    {text_of(coefficient)}," for coefficient in coefficients],
        "];",
    ]
Path(__file__).with_name("src").joinpath("constants.rs").write_text("\n".join(lines) + "\n")
