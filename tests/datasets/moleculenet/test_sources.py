import pytest
from torch_geometric import datasets as pyg

from pyg_moleblend.datasets.moleculenet.sources import SOURCES, URL


def test_are_those_of_pyg() -> None:
    assert set(SOURCES) == set(pyg.MoleculeNet.names)
    assert pyg.MoleculeNet.url == URL


@pytest.mark.parametrize("name", SOURCES)
def test_files_and_targets_are_pygs(name: str) -> None:
    source, (title, url, csv, _, targets) = SOURCES[name], pyg.MoleculeNet.names[name]
    assert (source.title, source.file) == (title, f"{csv}.csv")
    assert source.archived == url.endswith(".gz")
    if isinstance(targets, slice):
        assert source.targets == targets
    elif targets >= 0:  # PyG counts the columns of some sets from their end
        assert source.targets == slice(targets, targets + 1)


@pytest.mark.parametrize("name", SOURCES)
def test_rows_are_those_of_pygs_table(name: str) -> None:
    lines = [line.strip().removeprefix("* - ").removeprefix("- ") for line in str(pyg.MoleculeNet.__doc__).splitlines()]
    assert int(lines[lines.index(SOURCES[name].title) + 1].replace(",", "")) == SOURCES[name].rows
