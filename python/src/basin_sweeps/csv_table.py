"""The CSV files of a report: RFC 4180, with an apostrophe before what a spreadsheet would compute with."""

import csv
import io
import re
from collections.abc import Sequence

import pyarrow as pa

# A text that begins with such a sign has one apostrophe more than it had (coordinator/report/src/tables/csv.rs).
_APOSTROPHE = re.compile(r"^'('*[=+\-@\t\r])")
_INTEGER = re.compile(r"-?\d{1,18}")
_NUMBER = re.compile(r"-?(\d+(\.\d+)?(e-?\d+)?|inf)|NaN")


def rows_of(data: bytes) -> list[dict[str, str]]:
    """Each row by the names of the columns, as texts; gaps are empty."""
    names, rows = _read(data)
    return [dict(zip(names, row, strict=True)) for row in rows]


def table_of(data: bytes) -> pa.Table:
    """The rows with numbers as numbers; gaps are nulls, and NaN is a number."""
    names, rows = _read(data)
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return pa.table([_typed(column) for column in columns], names)


def _read(data: bytes) -> tuple[list[str], list[list[str]]]:
    lines = csv.reader(io.StringIO(data.decode(), newline=""))
    names, *rows = [[_APOSTROPHE.sub(r"\1", cell) for cell in line] for line in lines]
    return names, rows


def _typed(cells: Sequence[str]) -> pa.Array:
    """A column in the narrowest type that holds all its cells."""
    known = [cell for cell in cells if cell]
    if all(map(_INTEGER.fullmatch, known)):
        return pa.array([int(cell) if cell else None for cell in cells], pa.int64())
    if all(map(_NUMBER.fullmatch, known)):
        return pa.array([float(cell) if cell else None for cell in cells], pa.float64())
    return pa.array([cell or None for cell in cells], pa.string())
