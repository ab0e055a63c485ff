"""Claims and figures, and the CSV files that a report is made of."""

import csv
from pathlib import Path

import pyarrow as pa
import pytest

import basin_sweeps as basin
from basin_sweeps import csv_table


def test_claims_have_their_verdicts_and_intervals(homework: Path) -> None:
    positive, better = basin.open(homework / "report").claims
    assert (positive.text, positive.verdict, positive.evidence) == ("Losses are positive", "holds", True)
    (check,) = positive.checks
    assert check.interval is not None
    assert check.estimate is not None
    assert 0 < check.interval[0] < check.estimate < check.interval[1] < 1000
    assert (check.level, check.n, check.probability_of_improvement) == (0.95, (3,), None)
    assert [combination.settings for combination in positive.combinations] == [{"level": "0.9"}, {"level": "0.95"}]
    assert [combination.is_own for combination in positive.combinations] == [False, True]
    assert positive.depends_on is None
    assert better.combinations == ()
    assert better.checks[0].n == (3, 3)
    assert better.checks[0].probability_of_improvement is not None


def test_claims_are_those_of_the_table(homework: Path) -> None:
    claims = basin.open(homework / "collected").claims
    with (homework / "collected" / "claims.csv").open(newline="") as file:
        written = [row for row in csv.DictReader(file) if row["settings"] == ""]
    checks = [(claim, check) for claim in claims for check in claim.checks]
    for row, (claim, check) in zip(written, checks, strict=True):
        assert (row["text"], row["claim_verdict"], row["verdict"]) == (claim.text, claim.verdict, check.verdict)
        assert float(row["estimate"]) == check.estimate
        assert (float(row["low"]), float(row["high"])) == check.interval
        assert row["cautions"] == "; ".join(check.cautions)
        assert row["runs_needed"] == ("" if check.runs_needed is None else str(check.runs_needed))


def test_a_sweep_without_claims_has_none(copied: Path) -> None:
    (copied / "report" / "claims.json").unlink()
    assert basin.open(copied / "report").claims == ()


def test_figures_have_their_numbers(homework: Path) -> None:
    sweep = basin.open(homework / "report")
    assert sweep.figures == ["against-batch-size", "losses"]
    losses = sweep.figure("losses")
    assert losses.schema.field("value").type == pa.float64()
    means = {row["group"]: row["value"] for row in losses.to_pylist() if row["what"] == "mean" and row["x"] == 2}
    series = sweep.series("train_loss", "batch_size").to_pandas()
    expected = series[series["x"] == 2].groupby("batch_size")["value"].mean()
    assert means == pytest.approx({size: expected.loc[size] for size in means})
    with pytest.raises(basin.NotFoundError, match="no figure `loss`; did you mean `losses`"):
        sweep.figure("loss")


def test_a_store_says_where_claims_and_figures_are_to_be_had(homework: Path) -> None:
    sweep = basin.open(homework / "store")
    for ask in (lambda: sweep.claims, lambda: sweep.figures, lambda: sweep.figure("losses")):
        with pytest.raises(basin.NotCollectedError, match="`basin report homework-"):
            ask()


def test_texts_of_a_csv_file_are_as_they_were_and_numbers_are_numbers() -> None:
    data = b"'=name,number,mixed,seed\n'=1+2,-inf,1,\n''@x,NaN,\"'-a\",3\n'a'=,1e-7,\"two\nlines\",4\nNA,,NaN,\n,,,\n"
    table = csv_table.table_of(data).to_pydict()
    assert table["=name"] == ["=1+2", "'@x", "'a'=", "NA", None]
    assert table["number"][0] == float("-inf")
    assert table["number"][1] != table["number"][1]
    assert table["number"][2:] == [1e-7, None, None]
    assert table["mixed"] == ["1", "-a", "two\nlines", "NaN", None]
    assert table["seed"] == [None, 3, 4, None, None]
    assert csv_table.rows_of(data)[1] == {"=name": "'@x", "number": "NaN", "mixed": "-a", "seed": "3"}
