import io

import pytest
from rich.console import Console

from pyg_moleblend.cli.check_tables import show
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.datasets.check import check_molecules


def shown(table, targets: list[str] | None) -> str:
    text = io.StringIO()
    molecules = MoleculeTable(table, on_error="skip", progress=False)
    show(check_molecules(molecules, targets, num_workers=0, progress=False), Console(file=text, width=200))
    return text.getvalue()


@pytest.mark.parametrize("targets", [None, ["gap"]])
def test_labels_are_told_of_where_they_are_looked_at(table, targets: list[str] | None):
    text = shown(table, targets)
    assert "rows of the source" in text
    assert "padded ÷ true pairs" in text
    assert ("and labels differ" in text) == ("to look at" in text) == (targets is not None)
