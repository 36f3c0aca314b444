import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pyg_moleblend.splits import (
    Split,
    balanced_scaffold_split,
    deepchem_scaffold_split,
    random_scaffold_split,
    random_split,
    scaffold_split,
)
from pyg_moleblend.splits.split import fractions_name


def test_save_and_load(tmp_path: Path) -> None:
    split = random_split(20, seed=1)
    split.save(tmp_path / "split.json")
    loaded = Split.load(tmp_path / "split.json")
    assert (loaded.name, loaded.hash) == (split.name, split.hash)
    assert all(torch.equal(loaded.as_dict()[part], split.as_dict()[part]) for part in split.as_dict())


def test_load_refuses_a_file_whose_positions_were_changed(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    random_split(20).save(path)
    content = json.loads(path.read_text())
    content["train"].append(content["test"].pop())
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"split\.json was changed"):
        Split.load(path)


def test_a_split_by_rows_follows_its_molecules_whatever_other_rows_can_be_read(tmp_path: Path) -> None:
    path, rows = tmp_path / "split.json", torch.tensor([0, 1, 3, 4, 7, 9])
    Split("s", torch.tensor([0, 5]), torch.tensor([2]), torch.tensor([3, 4])).save(path, rows)
    assert json.loads(path.read_text())["hash"] == Split.load(path, rows).hash
    more = torch.arange(10)
    loaded = Split.load(path, more)
    assert {part: positions.tolist() for part, positions in loaded.as_dict().items()} == {
        "train": [0, 9],
        "valid": [3],
        "test": [4, 7],
    }
    with pytest.warns(UserWarning, match=r"1 of its rows are not in the dataset and left out: \[7\]"):
        fewer = Split.load(path, torch.tensor([9, 4, 3, 0]))
    assert fewer.as_dict()["train"].tolist() == [3, 0]
    assert fewer.as_dict()["test"].tolist() == [1]
    with pytest.raises(ValueError, match=r"rows=dataset\.row"):
        Split.load(path)


def test_a_split_with_names_is_refused_by_other_molecules(tmp_path: Path) -> None:
    path, rows, names = tmp_path / "split.json", torch.tensor([0, 2, 3, 5]), ["C", "CC", "CCC", "CO"]
    split = Split("s", torch.tensor([0, 1]), torch.tensor([2]), torch.tensor([3]))
    split.save(path, rows, names)
    assert Split.load(path, rows, names).hash == split.hash
    more = Split.load(path, torch.tensor([0, 1, 2, 3, 5]), ["C", "N", "CC", "CCC", "CO"])
    assert more.train.tolist() == [0, 2]
    with pytest.raises(ValueError, match=r"2 of its 4 rows hold another one now, the first being row 2, 'CCC'"):
        Split.load(path, rows, ["C", "CCC", "CC", "CO"])
    split.save(path, names=names)
    with pytest.raises(ValueError, match=r"1 of its 4 rows hold another one now, the first being row 3, 'O'"):
        Split.load(path, names=["C", "CC", "CCC", "O"])
    split.save(path, rows)
    with pytest.warns(UserWarning, match="does not say which molecules"):
        Split.load(path, rows, names)


@pytest.mark.parametrize("text", ["", "[]", '{"name": "s"}', "\x00"])
def test_load_refuses_what_is_no_split(text: str, tmp_path: Path) -> None:
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(ValueError, match=r"split\.json is no saved split"):
        Split.load(tmp_path / "split.json")


def test_hash_is_of_sets() -> None:
    one, two, three = torch.tensor([0, 1]), torch.tensor([2]), torch.tensor([3])
    assert Split("a", one, two, three).hash == Split("b", one.flip(0), two, three).hash
    assert Split("a", one, two, three).hash != Split("a", one, three, two).hash


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (torch.tensor([0, 1]), torch.tensor([1]), r"1 positions occur more than once.*\[1\]"),
        (torch.tensor([0, -1]), torch.tensor([1]), r"negative, got -1"),
        (torch.tensor([True, False]), torch.tensor([1]), r"train must be int64 \[M\], got torch.bool \[2\]"),
        (torch.tensor([0]), torch.tensor([[1]]), r"test must be int64"),
    ],
)
def test_split_refuses(train: torch.Tensor, test: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Split("bad", train, torch.tensor([5]), test)


@pytest.mark.parametrize("fractions", [(0.8, 0.1), (0.8, 0.1, 0.2), (1.2, -0.1, -0.1), (0, 0.5, 0.5), ()])
@pytest.mark.parametrize(
    "split",
    [random_split, scaffold_split, deepchem_scaffold_split, balanced_scaffold_split, random_scaffold_split],
)
def test_fractions_are_checked(split: Callable[..., object], fractions: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="`fractions` must be shares"):
        split(["C"] * 10, fractions)


def test_name() -> None:
    assert fractions_name((0.8, 0.15, 0.05)) == "0.8/0.15/0.05"
