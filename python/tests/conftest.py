"""Real sweeps that the tests read, made once by the program that the variable BASIN_PROGRAM names."""

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

HOMEWORK = Path(__file__).with_name("homework.toml")

Basin = Callable[..., str]


@pytest.fixture(scope="session")
def program() -> str:
    """The program."""
    program = os.environ.get("BASIN_PROGRAM")
    if program is None or not os.access(program, os.X_OK):
        pytest.fail("BASIN_PROGRAM names no basin program (`cargo build --release` makes target/release/basin)")
    return os.path.abspath(program)


@pytest.fixture(scope="session")
def basin_in(program: str) -> Callable[[Path], Basin]:
    """A function that runs `basin` in a folder and gives what it prints."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("BASIN_")}

    def in_folder(folder: Path) -> Basin:
        def basin(*arguments: str, expected: int = 0) -> str:
            ran = subprocess.run([program, *arguments], cwd=folder, env=others, capture_output=True, text=True)
            assert ran.returncode == expected, f"basin {' '.join(arguments)}: {ran.stdout}{ran.stderr}"
            return ran.stdout

        return basin

    return in_folder


@pytest.fixture(scope="session")
def homework(tmp_path_factory: pytest.TempPathFactory, basin_in: Callable[[Path], Basin]) -> Path:
    """A folder with a sweep's `state`, its `store`, its `report`, and all of it `collected`. Not to be changed."""
    folder = tmp_path_factory.mktemp("homework")
    shutil.copy(HOMEWORK, folder)
    basin = basin_in(folder)
    basin("run", "homework.toml", "--state", "state", "--out", "report")
    (folder / "store").symlink_to("state/store")
    basin("collect", "homework", "--store", "store", "--out", "collected")
    return folder


@pytest.fixture
def copied(homework: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    for name in ("store", "report", "collected"):
        shutil.copytree(homework / name, tmp_path / name)
    return tmp_path


@pytest.fixture(scope="session")
def bucket(basin_in: Callable[[Path], Basin], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store in the bucket that BASIN_TEST_S3 names, with the same sweep."""
    server = os.environ.get("BASIN_TEST_S3")
    if server is None:
        pytest.skip("BASIN_TEST_S3 names no server of S3")
    store = f"{server}/{uuid.uuid4()}"
    folder = tmp_path_factory.mktemp("bucket")
    shutil.copy(HOMEWORK, folder)
    basin_in(folder)("run", "homework.toml", "--state", "state", "--store", store)
    return store
