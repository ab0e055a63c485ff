"""Claims: sentences of the sweep file with a verdict each, as `claims.json` has them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["holds", "doesn't hold", "undecided"]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Check:
    """One of the checks that decide a claim."""

    measured: str
    """What was measured, in words with the numbers."""
    estimate: float | None
    """The estimate; none where nothing could be estimated."""
    interval: Interval | None
    """Its interval over seeds, by which the check is decided."""
    level: float
    """The level of the interval."""
    over_test_examples: Interval | None
    """The interval that has the error by the choice of the test examples too, where that is known."""
    n: tuple[int, ...]
    """How many runs it rests on; two numbers where two samples are compared."""
    points: int | None
    """How many points these are of, where points and not runs are what is independent."""
    left_out: str
    """The runs that it doesn't rest on, in words."""
    verdict: Verdict
    """What it found."""
    why: str
    """Why nothing follows; empty where something does."""
    cautions: tuple[str, ...]
    """What to bear in mind beside the verdict."""
    probability_of_improvement: float | None
    """That a run of the first sample is better than one of the other, where two are compared."""
    interval_of_improvement: Interval | None
    """Its interval."""
    runs_needed: int | None
    """How many runs would tell in four of five sweeps, if the estimate is right."""

    @classmethod
    def _of_json(cls, check: Mapping[str, Any]) -> "Check":
        improvement = check.get("probability_of_improvement") or {}
        return cls(
            measured=check["measured"],
            estimate=check["estimate"],
            interval=_interval(check["interval"]),
            level=check["level"],
            over_test_examples=_interval(check.get("over_test_examples")),
            n=tuple(check["n"]),
            points=check.get("points"),
            left_out=check["left_out"],
            verdict=check["verdict"],
            why=check["why"],
            cautions=tuple(check.get("cautions", ())),
            probability_of_improvement=improvement.get("estimate"),
            interval_of_improvement=_interval(improvement.get("interval")),
            runs_needed=check.get("runs_needed"),
        )


@dataclass(frozen=True)
class Combination:
    """What was found under one choice of the settings that a claim varies."""

    settings: dict[str, str]
    """The settings with their values, in words."""
    is_own: bool
    """Whether these are the settings that the claim has without the variation."""
    verdict: Verdict
    """The verdict under these settings."""
    checks: tuple[Check, ...]
    """What each check found."""


@dataclass(frozen=True)
class Claim:
    """A sentence of the sweep file, with what was found of it."""

    text: str
    """The sentence."""
    verdict: Verdict
    """It holds if all its checks do, under every combination of the settings that it varies."""
    evidence: bool
    """Whether the verdict is evidence, and not of a profile that is a first look."""
    checks: tuple[Check, ...] = field(repr=False)
    """What each check found."""
    depends_on: str | None
    """The setting that the verdict depends on; none if it varies none, or all agree."""
    combinations: tuple[Combination, ...] = field(repr=False)
    """What was found under each combination of the settings that it varies, if it varies any."""

    @classmethod
    def _of_json(cls, claim: Mapping[str, Any]) -> "Claim":
        varied = claim.get("varied") or {}
        combinations = (
            Combination(
                settings=dict(zip(varied["settings"], combination["values"], strict=True)),
                is_own=combination["is_own"],
                verdict=combination["verdict"],
                checks=_checks(combination),
            )
            for combination in varied.get("combinations", ())
        )
        return cls(
            text=claim["text"],
            verdict=claim["verdict"],
            evidence=claim["evidence"],
            checks=_checks(claim),
            depends_on=varied.get("depends_on"),
            combinations=tuple(combinations),
        )


def read_claims(data: bytes) -> tuple[Claim, ...]:
    """The claims in the bytes of a `claims.json`."""
    return tuple(Claim._of_json(claim) for claim in json.loads(data))


def _checks(of: Mapping[str, Any]) -> tuple[Check, ...]:
    return tuple(Check._of_json(check) for check in of["checks"])


def _interval(ends: list[float] | None) -> Interval | None:
    return None if ends is None else (ends[0], ends[1])
