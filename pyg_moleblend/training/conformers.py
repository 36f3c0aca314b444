from __future__ import annotations

import copy
from typing import NamedTuple, TypeVar

import torch
from tqdm import tqdm

from pyg_moleblend.chem import Hydrogens
from pyg_moleblend.datasets import MoleculeDataset
from pyg_moleblend.transforms import AddConformer

D = TypeVar("D", bound=MoleculeDataset)


class Embedded(NamedTuple):
    r"""A dataset whose molecules have coordinates wherever RDKit finds some.

    Attributes:
        molecules: The dataset.
        num_embedded: Molecules that were given a conformer.
        failures: Why there is none, by row of the dataset's source.
    """

    molecules: MoleculeDataset
    num_embedded: int
    failures: dict[int, str]


def embed_missing(
    molecules: MoleculeDataset, seed: int = 0, hydrogens: Hydrogens | str = Hydrogens.REMOVE, progress: bool = False
) -> Embedded:
    r"""Gives a conformer to every molecule of a dataset that has no coordinates; the others keep theirs.

    Args:
        molecules: The dataset, or a selection of one; it is not changed, and what was not selected is not embedded.
        seed: Seed of the conformers.
        hydrogens: The policy that the dataset was made with.
        progress: Whether to show a progress bar.
    """
    embed = AddConformer(seed, hydrogens, on_failure="nan")
    embedded, store = copy.copy(molecules), copy.copy(molecules._data)
    store.pos = store.pos.clone()
    # PyG's `copy` of one molecule has no slices.
    ends = torch.tensor([0, len(store.pos)]) if molecules.slices is None else molecules.slices["pos"]
    failures, missing = {}, 0
    chosen = list(dict.fromkeys(molecules.indices()))  # a selection may hold a molecule twice
    for number in tqdm(chosen, desc="conformers", disable=not progress, unit="mol"):
        data = molecules.get(number)
        if not bool(torch.isfinite(data.pos).all()):
            data, missing = embed(data), missing + 1
            if data.conformer_error:
                failures[int(data.row)] = data.conformer_error
            store.pos[ends[number] : ends[number + 1]] = data.pos
    embedded.data = store
    return Embedded(embedded, missing - len(failures), failures)
