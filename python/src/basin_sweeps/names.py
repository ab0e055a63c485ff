"""Sweeps and runs by what a person types, by the rules of the command line.

A whole id wins over a name, a name over some of its words, and these over the beginning of an id
(shared/domain/src/task.rs and lookup.rs).
"""

import re
from collections.abc import Mapping
from decimal import Decimal

Value = bool | int | float | str | list["Value"]
"""A parameter's value: what a sweep file can say of it."""

_WORDS = re.compile(r"seed\s+\S+|\S+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TASK = re.compile(r"[0-9a-f]{64}")


def is_task_id(text: str) -> bool:
    """Whether a text is a task's id: 64 hexadecimal digits."""
    return _TASK.fullmatch(text) is not None


def is_id(text: str) -> bool:
    """Whether a text can be an id of anything else. None leads out of the folder that is named by it."""
    return _ID.fullmatch(text) is not None and ".." not in text


def run_name(experiment: str, point: Mapping[str, Value], seed: int) -> str:
    """The name that people know a run by: `batch-sizes batch_size=256 seed 2`."""
    parameters = [f"{parameter}={_in_one_word(value)}" for parameter, value in point.items()]
    return " ".join([experiment, *parameters, f"seed {seed}"])


def is_meant(name: str, words: str) -> bool:
    """Whether a person who typed `words` may mean the run of this name: some of its words in any order."""
    typed = _words(words)
    return bool(typed) and typed <= _words(name)


def _words(text: str) -> set[str]:
    """The words of a name; `seed 2` is one."""
    return {" ".join(word.split()) for word in _WORDS.findall(text)}


def _in_one_word(value: Value) -> str:
    return "_".join(value_text(value).replace(", ", ",").split())


def value_text(value: Value) -> str:
    """A value as names and tables have it: numbers in plain digits without an exponent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    if isinstance(value, list):
        return f"[{', '.join(map(value_text, value))}]"
    return str(value)
