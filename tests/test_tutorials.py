r"""The Python of the documentation's pages runs from top to bottom as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from quick_molecules import SIZE, SMILES

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r'^```python(?: title="(\S+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def run(script: Path) -> None:
    command = [sys.executable, "-W", "ignore", script.name]
    done = subprocess.run(command, cwd=script.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("page", "blocks"), [("tutorials/pyg", None), ("tutorials/relation", None), ("python", 2), ("pyg", 1)]
)
def test_the_python_of_a_page_runs(page: str, blocks: int | None, tmp_path: Path):
    esol = tmp_path / "data" / "esol" / "raw"  # few molecules in the place of MoleculeNet's
    esol.mkdir(parents=True)
    table = pd.DataFrame({**{f"column {i}": 0 for i in range(8)}, "logS": -0.5 * SIZE[::3], "smiles": SMILES[::3]})
    table.to_csv(esol / "delaney-processed.csv", index=False)
    found = BLOCK.findall((DOCS / f"{page}.md").read_text(encoding="utf-8"))[:blocks]
    assert found
    untitled = "\n".join(code for title, code in found if not title)
    for title, code in [(title, code) for title, code in found if title] + [("page.py", untitled)] * bool(untitled):
        (tmp_path / title).write_text(code, encoding="utf-8")
        run(tmp_path / title)
