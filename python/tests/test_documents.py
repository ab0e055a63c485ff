"""What the pages say works, and so does the notebook."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from .conftest import Basin

PACKAGE = Path(__file__).parents[1]
PAGES = {"README.md": "python", "../docs/reading-results.md": "python package"}


@pytest.mark.parametrize("page", PAGES)
def test_the_programs_of_a_page_run(homework: Path, page: str) -> None:
    fence = re.compile(rf"^```{PAGES[page]}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    blocks = fence.findall((PACKAGE / page).read_text())
    assert blocks
    ran = subprocess.run([sys.executable, "-c", "\n".join(blocks)], cwd=homework, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "holds" in ran.stdout


def test_the_notebook_answers_of_the_tutorials_sweep(tmp_path: Path, basin_in: Callable[[Path], Basin]) -> None:
    basin = basin_in(tmp_path)
    basin("init", "step-sizes")
    basin("run", "step-sizes.toml", "--profile", "quick", "--state", "basin-state", "--out", "report")
    (file,) = (PACKAGE / "examples").glob("*.ipynb")
    notebook = nbformat.read(file, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "it is kept without outputs"
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    said = "".join(
        output.get("text", "") + output.get("data", {}).get("text/plain", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )
    assert "A larger step size finds flatter solutions" in said
    assert "0.003" in said
    assert "conv0.weight" in said
