r"""How inputs became graphs: saved with a model, so that its predictions do the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import InMemoryDataset

from pyg_moleblend.chem.conformers import Conformers
from pyg_moleblend.chem.hydrogens import Hydrogens
from pyg_moleblend.runtime.open_file import content_named

RECIPE_KEY = "recipe"
r"""Where it stands in a model's metadata."""

_SAMPLE = 1000  # molecules that are looked at, where each has to be made
_ELEMENT, _NUM_HYDROGENS = 0, 4  # columns of OGB's atom features


class Recipe(NamedTuple):
    r"""What turns a SMILES or a record of an SD file into a graph.

    Attributes:
        hydrogens: Which hydrogens are atoms.
        conformers: How molecules without coordinates got theirs; None where they got none.
    """

    hydrogens: Hydrogens = Hydrogens.REMOVE
    conformers: Conformers | None = None

    def to_dict(self) -> dict[str, Any]:
        r"""The recipe as JSON values."""
        conformers = None if self.conformers is None else self.conformers.to_dict()
        return {"hydrogens": self.hydrogens.value, "conformers": conformers}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Recipe | None:
        r"""The recipe of a saved model, or of a folder of shards; None where it does not say.

        Raises:
            ValueError: If what it says is no recipe.
        """
        found = metadata.get(RECIPE_KEY)
        if found is None:
            return None
        with content_named(f"a saved recipe ({str(found)[:80]}), which must have {list(cls._fields)},"):
            conformers = found["conformers"]
            return cls(Hydrogens(found["hydrogens"]), None if conformers is None else Conformers(**conformers))


def recipe_of(molecules: Any) -> Recipe | None:
    r"""How molecules became graphs: as their dataset says, or as far as OGB's features tell; None where nothing does.

    Args:
        molecules: One of our datasets, any other, or a list of ``Data``.
    """
    if isinstance(told := getattr(molecules, "recipe", None), Recipe):
        return told
    every = _all_hydrogens(molecules)
    return None if every is None else Recipe(Hydrogens.ADD if every else Hydrogens.REMOVE)


def check_recipe(wanted: Recipe | None, molecules: Any) -> None:
    r"""Raises ``ValueError`` if molecules became graphs otherwise than those that a model has learnt from.

    Args:
        wanted: The model's; nothing is compared where it does not say.
        molecules: As for :func:`recipe_of`.
    """
    found = recipe_of(molecules)
    if wanted is None or found is None or found.hydrogens == wanted.hydrogens:
        return
    told = isinstance(getattr(molecules, "recipe", None), Recipe)
    if not told and Hydrogens.ADD not in (found.hydrogens, wanted.hydrogens):
        return  # graphs do not tell these two apart
    raise ValueError(
        f"the model has learnt from molecules with hydrogens={wanted.hydrogens.value!r}, and these have "
        f"hydrogens={found.hydrogens.value!r}, so its predictions would be of other graphs: read them with "
        f"hydrogens={wanted.hydrogens.value!r} (--hydrogens of moleblend prepare)"
    )


def _all_hydrogens(molecules: Any) -> bool | None:
    r"""Whether every hydrogen is an atom, by OGB's features; None where there are no such features."""
    if isinstance(molecules, InMemoryDataset) and molecules.slices is not None:
        each = [molecules._data.get("x")]
    else:
        each = [molecules[i].get("x") for i in range(min(len(molecules), _SAMPLE))]
    if not each or not all(_is_ogb(x) for x in each):
        return None
    return any(bool((x[:, _ELEMENT] == 0).any()) for x in each) and not any(x[:, _NUM_HYDROGENS].any() for x in each)


def _is_ogb(x: Any) -> bool:
    return isinstance(x, Tensor) and x.dim() == 2 and x.size(1) == 9 and not torch.is_floating_point(x)
