"""Every notebook of the site runs from top to bottom in an empty folder, and ends with what it promises."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorials"
NOTEBOOKS = sorted(TUTORIALS.glob("*.ipynb"))
SAID = {  # what stands in the end of each
    "first-steps": "seed 1:",
    "lecture": "50 labels, a linear layer on the denoising code:",
    "own-network": "pixels of ten, mse:",
    "own-pictures": "(120, 160)",
}


def said(cell: Any) -> str:
    """What a cell prints and gives, as text."""
    return "".join(it.get("text", "") or it.get("data", {}).get("text/plain", "") for it in cell.get("outputs", ()))


def test_there_are_as_many_as_are_tested() -> None:
    assert [path.stem for path in NOTEBOOKS] == sorted(SAID)


@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the store in its folder; nothing is told on the side but what is said on purpose."""
    monkeypatch.setenv("DAE_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("DAE_STORE", raising=False)
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert SAID[path.stem] in "".join(map(said, cells[-2:]))
    errors = [it.text for cell in cells for it in cell.outputs if it.get("name") == "stderr"]
    assert [text for text in errors if "is defined in this program" not in text] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_without_what_it_gave(path: Path) -> None:
    """Outputs would be out of date, and pictures fill the repository."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
