"""Which place somebody means, on a disk and in a bucket."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow import fs

import basin_sweeps as basin

from .conftest import Basin


def test_a_sweep_says_which_it_is(homework: Path) -> None:
    ids = {basin.open(homework / place).id for place in ("report", "collected", "store")}
    (sweep,) = ids
    assert sweep is not None
    assert sweep.startswith("homework-")
    assert repr(basin.open(homework / "store")) == f"<sweep {sweep}: 18 runs>"


def test_of_several_sweeps_one_is_named(copied: Path, basin_in: Callable[[Path], Basin]) -> None:
    text = "".join((Path(__file__).parent / "homework.toml").read_text().partition("[[figure]]")[:1])
    run = basin_in(copied)
    for name, seeds in (("other", 1), ("homework", 2)):
        (copied / f"{name}.toml").write_text(text.replace('name = "homework"', f'name = "{name}"', 1))
        setting = f"experiment.stopped.seeds={seeds}"
        run("run", f"{name}.toml", "--state", "state", "--store", "store", "--out", f"out-{name}", "--set", setting)
    other = basin.open(copied / "store", "other")
    assert other.id is not None
    assert other.id.startswith("other-")
    assert basin.open(copied / "store", other.id[:8]).id == other.id
    with pytest.raises(basin.AmbiguousNameError, match="has 3 sweeps, name one of: homework-.*, homework-.*, other-"):
        basin.open(copied / "store")
    with pytest.raises(basin.AmbiguousNameError, match="`homework` fits several; name one of: homework-.*, homework-"):
        basin.open(copied / "store", "homework")
    for nothing in ("homewor-", ""):
        with pytest.raises(basin.NotFoundError, match="has no sweep `"):
            basin.open(copied / "store", nothing)


def test_what_is_no_place_is_said_with_where_one_is(homework: Path, tmp_path: Path) -> None:
    with pytest.raises(basin.NotFoundError, match="there is no folder .*nowhere"):
        basin.open(tmp_path / "nowhere")
    with pytest.raises(basin.NotFoundError, match=r"neither a report's folder .* nor a store .* store in it: .*/store"):
        basin.open(homework)
    with pytest.raises(basin.NotFoundError, match="has the results of homework-.*, not of `other`"):
        basin.open(homework / "report", "other")
    (tmp_path / "sweeps").mkdir()
    with pytest.raises(basin.NotFoundError, match="has no sweep; it has none at all"):
        basin.open(tmp_path)
    with pytest.raises(basin.BasinError, match="cannot open nothing://x"):
        basin.open("nothing://x")


def test_a_folder_without_its_hidden_file_can_be_read(copied: Path) -> None:
    (copied / "report" / ".basin-output.json").unlink()
    sweep = basin.open(copied / "report")
    assert sweep.id is None
    assert sweep.results.num_rows == 18


def test_a_place_may_be_a_url_or_a_path_of_a_file_system(homework: Path) -> None:
    expected = basin.open(homework / "store").results
    assert basin.open(f"file://{homework}/store/").results.equals(expected)
    filesystem = fs.SubTreeFileSystem(str(homework), fs.LocalFileSystem())
    sweep = basin.open("store", filesystem=filesystem)
    assert sweep.results.equals(expected)
    assert sweep.run("stopped").weights()


def test_a_store_in_a_bucket_is_read_as_a_folder_is(homework: Path, bucket: str) -> None:
    here, there = basin.open(homework / "store"), basin.open(bucket, "homework")
    assert there.id == here.id
    assert there.results.equals(here.results)
    assert there.series("train_loss", "seed").equals(here.series("train_loss", "seed"))
    assert there.run("stopped").weights().keys() == here.run("stopped").weights().keys()
    with pytest.raises(basin.NotFoundError, match="there is no folder"):
        basin.open(f"{bucket}-nowhere")


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_an_endpoint_without_a_scheme_is_refused(unset: pytest.MonkeyPatch) -> None:
    unset.setenv("AWS_ENDPOINT_URL", "127.0.0.1:9000")
    with pytest.raises(basin.BasinError, match="`127.0.0.1:9000` has no scheme"):
        basin.open("s3://bucket/prefix")


def test_a_server_that_does_not_answer_is_said(unset: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        unset.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        unset.setenv("AWS_ACCESS_KEY_ID", "any")
        unset.setenv("AWS_SECRET_ACCESS_KEY", "any")
        with pytest.raises(basin.UnavailableError, match="cannot read s3://bucket/prefix/results.parquet: "):
            basin.open("s3://bucket/prefix")


def test_reading_writes_nothing(copied: Path) -> None:
    def files() -> set[tuple[str, int]]:
        return {(str(path), path.stat().st_mtime_ns) for path in copied.rglob("*")}

    before = files()
    for place in ("report", "collected", "store"):
        sweep = basin.open(copied / place)
        assert sweep.results.num_rows == len(sweep.runs)
        assert sweep.series("train_loss").num_rows
    assert files() == before
