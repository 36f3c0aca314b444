r"""Transform that says which atoms are in a BRICS fragment together."""

from __future__ import annotations

import numpy as np
import torch
from rdkit import Chem
from rdkit.Chem import BRICS
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.data.datapipes import functional_transform

from pyg_moleblend.chem import Hydrogens, parse_smiles
from pyg_moleblend.chem.match import order_in_smiles
from pyg_moleblend.fields import FIELDS, declare
from pyg_moleblend.transforms.pair_field import AddPairField

_NUMBER = "_moleblend_number"


@functional_transform("add_moleblend_fragments")
class AddFragments(AddPairField):
    r"""Attaches how two atoms stand to each other when the molecule is cut at its BRICS bonds (Degen et al. 2008, doi
    10.1002/cmdc.200800178) to a molecule, or to each of a batch (functional name: :obj:`add_moleblend_fragments`).

    The bonds are RDKit's ``BRICS.FindBRICSBonds`` of ``smiles``, whose atoms are matched to those of the graph.
    Hydrogens go with the atom that they are bonded to.

    Args:
        hydrogens: Which hydrogens are atoms of the graph: the policy that the graph was made with.
            (default: :obj:`Hydrogens.REMOVE`)

    Shapes:
        - **input:** ``x``, ``edge_index`` and ``edge_attr`` in OGB's vocabulary, and ``smiles``
        - **output:** ``brics`` ``[N * N]`` uint8, row-major: 1 in the same fragment, 2 in fragments that a bond joins,
          0 else

    Raises:
        ValueError: If ``smiles`` is missing, or is not the molecule of ``x`` and ``edge_index``.
        MoleculeError: If the SMILES cannot be read.
    """

    name = "brics"

    def __init__(self, hydrogens: Hydrogens | str = Hydrogens.REMOVE) -> None:
        self.hydrogens = Hydrogens(hydrogens)

    def values(self, data: Data) -> Tensor:
        if not isinstance(data.get("smiles"), str):
            raise ValueError(
                "AddFragments reads `smiles` of each molecule, and data has none; build it with "
                "pyg_moleblend.chem.from_smiles"
            )
        mol = parse_smiles(data.smiles, self.hydrogens)
        order = order_in_smiles(data, mol, self.hydrogens)
        relation = torch.from_numpy(_fragment_relations(mol))
        return relation[order][:, order].flatten().to(data.x.device)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}(hydrogens={self.hydrogens.value!r})"


def _fragment_relations(mol: Chem.Mol) -> np.ndarray:
    r"""How the atoms of a molecule stand to each other, ``[N, N]`` uint8."""
    cut = _brics_bonds(mol)
    pieces = Chem.RWMol(mol)
    for begin, end in cut:
        pieces.RemoveBond(begin, end)
    owner = np.zeros(mol.GetNumAtoms(), dtype=np.int64)
    fragments = Chem.GetMolFrags(pieces)
    for number, atoms in enumerate(fragments):
        owner[list(atoms)] = number
    relation = np.eye(len(fragments), dtype=np.uint8)
    for begin, end in cut:
        relation[owner[begin], owner[end]] = relation[owner[end], owner[begin]] = 2
    return relation[owner[:, None], owner]


def _brics_bonds(mol: Chem.Mol) -> list[tuple[int, int]]:
    r"""The two atoms of each BRICS bond. BRICS counts neighbours, so hydrogens must not be among them."""
    if not any(atom.GetAtomicNum() == 1 for atom in mol.GetAtoms()):
        return [bond for bond, _ in BRICS.FindBRICSBonds(mol)]
    numbered = Chem.Mol(mol)
    for atom in numbered.GetAtoms():
        atom.SetIntProp(_NUMBER, atom.GetIdx())
    heavy = Chem.RemoveHs(numbered)
    number = [atom.GetIntProp(_NUMBER) for atom in heavy.GetAtoms()]
    return [(number[begin], number[end]) for (begin, end), _ in BRICS.FindBRICSBonds(heavy)]


declare(**{**FIELDS["brics"]._asdict(), "transform": AddFragments()})
