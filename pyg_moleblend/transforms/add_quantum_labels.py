r"""Transform that labels a molecule by quantum chemistry."""

import numpy as np
import torch
from torch_geometric.data import Data
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from pyg_moleblend.chem import Hydrogens, parse_smiles
from pyg_moleblend.chem.match import order_in_smiles
from pyg_moleblend.chem.quantum import quantum_labels


@functional_transform("add_moleblend_quantum_labels")
class AddQuantumLabels(BaseTransform):
    r"""Attaches labels by GFN2-xTB, of all three levels (functional name: :obj:`add_moleblend_quantum_labels`).

    They are those of :func:`~pyg_moleblend.chem.quantum.quantum_labels`, of the conformer that
    ``AddConformer(seed, hydrogens, optimize=True)`` attaches; a ``pos`` that is there is not looked at. A molecule
    takes a tenth of a second to some seconds: compute large tables once, with ``moleblend quantum``.

    Args:
        seed: Seed of the user; every molecule derives its own conformer's from it. (default: :obj:`0`)
        hydrogens: Which hydrogens are atoms of the graph: the policy that the graph was made with.
            (default: :obj:`Hydrogens.REMOVE`)
        deadline: Seconds that each attempt at each fragment's conformer may take. (default: :obj:`10`)

    Shapes:
        - **input:** ``x``, ``edge_index`` and ``edge_attr`` in OGB's vocabulary, and ``smiles``
        - **output:** ``quantum_properties`` ``[1, 8]``, in the order and units of
          :data:`~pyg_moleblend.chem.quantum.PROPERTIES`; ``quantum_charges`` ``[N, 2]``, in those of
          :data:`~pyg_moleblend.chem.quantum.CHARGES`; ``quantum_bond_orders`` ``[N * N]``, row-major, of all pairs,
          0 on the diagonal; all float32

    Raises:
        ValueError: If ``smiles`` is missing, or is not the molecule of ``x`` and ``edge_index``.
        MoleculeError: If there are no labels, with the cause.
        ImportError: If ``tblite`` is not installed.
    """

    def __init__(self, seed: int = 0, hydrogens: Hydrogens | str = Hydrogens.REMOVE, deadline: float = 10) -> None:
        if not deadline > 0:
            raise ValueError(f"`deadline` must be a positive number of seconds, got {deadline}")
        self.seed = seed
        self.hydrogens = Hydrogens(hydrogens)
        self.deadline = deadline

    def forward(self, data: Data) -> Data:
        if not isinstance(data.get("smiles"), str):
            raise ValueError(
                "AddQuantumLabels reads `smiles` of a single molecule, and data has none; "
                "build it with pyg_moleblend.chem.from_smiles, and transform before batching"
            )
        mol = parse_smiles(data.smiles, self.hydrogens)
        order = order_in_smiles(data, mol, self.hydrogens).numpy()
        labels = quantum_labels(mol, self.seed, self.deadline)
        fields = {
            "quantum_properties": labels.properties[None],
            "quantum_charges": labels.charges[order],
            "quantum_bond_orders": labels.bond_orders[np.ix_(order, order)].ravel(),
        }
        for name, values in fields.items():
            data[name] = torch.from_numpy(values.astype(np.float32)).to(data.x.device)
        return data

    def __repr__(self) -> str:
        return f"{type(self).__name__}(seed={self.seed}, hydrogens={self.hydrogens.value!r}, deadline={self.deadline})"
