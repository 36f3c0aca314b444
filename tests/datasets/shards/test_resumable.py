from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyg_moleblend.chem import Conformers
from pyg_moleblend.datasets.io.reading import ReadChunk, Reading, read_molecules
from pyg_moleblend.datasets.shards import resumable
from pyg_moleblend.datasets.shards.resumable import read_resumable

SMILES = ["CCO", "C1CC", "c1ccccc1", "[Na+].[Cl-]", "CC(C)O", "nonsense", "N"]
SOURCE = {"name": "test"}


def same(one: Reading, other: Reading) -> bool:
    for name in one.graphs._fields[:6]:
        np.testing.assert_array_equal(getattr(one.graphs, name), getattr(other.graphs, name))
        assert getattr(one.graphs, name).dtype == getattr(other.graphs, name).dtype
    np.testing.assert_array_equal(one.rows, other.rows)
    assert (one.conformers is None) == (other.conformers is None)
    if one.conformers is not None and other.conformers is not None:
        np.testing.assert_array_equal(one.conformers, other.conformers)
    return (one.smiles, one.failures, one.conformer_errors) == (other.smiles, other.failures, other.conformer_errors)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumable, "CONFORMER_SHARD_SIZE", 2)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("hydrogens", ["remove", "add"])
def test_is_what_read_molecules_gives(tmp_path: Path, count: int, hydrogens: str) -> None:
    settings = Conformers(count=count)
    expected = read_molecules(SMILES, hydrogens, conformers=settings)
    for _ in range(2):
        assert same(read_resumable(SMILES, tmp_path, SOURCE, settings, hydrogens), expected)


def test_goes_on_from_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, ...]] = []
    read, most = ReadChunk.__call__, 3

    def watched(self: ReadChunk, entries: list[str], *arguments: Any) -> Reading:
        if len(seen) == most:
            raise KeyboardInterrupt
        seen.append(tuple(entries))
        return read(self, entries, *arguments)

    monkeypatch.setattr(ReadChunk, "__call__", watched)
    with pytest.raises(KeyboardInterrupt):
        read_resumable(SMILES, tmp_path, SOURCE, Conformers())
    most = 100
    reading = read_resumable(SMILES, tmp_path, SOURCE, Conformers())
    monkeypatch.undo()
    assert same(reading, read_molecules(SMILES, conformers=Conformers()))
    # What was finished is not done again.
    assert [seen.count(tuple(SMILES[start : start + 2])) for start in (0, 2, 6)] == [1, 1, 1]


def test_what_it_depends_on_is_in_the_name_of_the_folder(tmp_path: Path) -> None:
    for source in (SOURCE, {"name": "other"}):
        for settings in (Conformers(), Conformers(seed=1), Conformers(optimize=True)):
            for hydrogens in ("remove", "add"):
                read_resumable(["C"], tmp_path, source, settings, hydrogens)
    assert len(list(tmp_path.iterdir())) == 12
