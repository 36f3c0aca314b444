r"""Transform that gives a molecule a 3D structure by RDKit."""

from typing import Literal, get_args

import torch
from torch_geometric.data import Data
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from pyg_moleblend.chem import Hydrogens, MoleculeError, embed_conformer, featurize, parse_smiles

OnFailure = Literal["raise", "nan"]


@functional_transform("add_moleblend_conformer")
class AddConformer(BaseTransform):
    r"""Sets ``pos`` to a conformer by ETKDGv3, embedded from ``smiles``
    (functional name: :obj:`add_moleblend_conformer`).

    A ``pos`` that is there already is replaced. The conformer depends on the molecule and ``seed``, not on
    the order of molecules or the number of workers; see :func:`~pyg_moleblend.chem.embed_conformer`, which
    also says how salts are laid out.

    Args:
        seed: Seed of the user; every molecule derives its own from it.
        hydrogens: Which hydrogens are atoms of the graph: the policy that the graph was made with.
        on_failure: What to do with a molecule that RDKit cannot embed. ``"raise"`` stops with the reason;
            ``"nan"`` makes it a 2D molecule, ``pos`` NaN, with the reason in ``conformer_error`` (a string on
            every molecule, empty where all went well).
        timeout: Seconds that each attempt at each fragment may take.
    """

    def __init__(
        self,
        seed: int = 0,
        hydrogens: Hydrogens | str = Hydrogens.REMOVE,
        on_failure: OnFailure = "raise",
        timeout: int = 10,
    ) -> None:
        if on_failure not in get_args(OnFailure):
            raise ValueError(f"on_failure must be one of {get_args(OnFailure)}, got {on_failure!r}")
        if timeout <= 0:
            raise ValueError(f"timeout must be a positive number of seconds, got {timeout}")
        self.seed = seed
        self.hydrogens = Hydrogens(hydrogens)
        self.on_failure = on_failure
        self.timeout = timeout

    def forward(self, data: Data) -> Data:
        r"""Adds the conformer.

        Args:
            data: Molecule with ``x`` and ``edge_index`` in OGB's vocabulary, and ``smiles``.

        Returns:
            The molecule with ``pos`` ``[N, 3]`` float32 in Å, rows in the order of ``x``.

        Raises:
            ValueError: If ``smiles`` is missing, or its atoms and bonds are not those of ``x`` and
                ``edge_index`` in the same order.
            MoleculeError: If the SMILES cannot be read, or with ``on_failure="raise"`` not be embedded.
        """
        if not isinstance(data.get("smiles"), str):
            raise ValueError(
                "AddConformer reads `smiles` of a single molecule, and data has none; "
                "build it with pyg_moleblend.chem.from_smiles, and transform before batching"
            )
        mol = parse_smiles(data.smiles, self.hydrogens)
        expected = featurize([mol])
        self._check_atoms(data, torch.from_numpy(expected.x), torch.from_numpy(expected.edge_index))
        reason = ""
        try:
            positions = embed_conformer(mol, self.seed, self.timeout).GetConformer().GetPositions()
            pos = torch.from_numpy(positions).float()
        except MoleculeError as error:
            if self.on_failure == "raise":
                raise
            reason = error.reason
            pos = torch.full((mol.GetNumAtoms(), 3), torch.nan)
        data.pos = pos.to(data.x.device)
        if self.on_failure == "nan":
            data.conformer_error = reason
        return data

    def _check_atoms(self, data: Data, x: torch.Tensor, edge_index: torch.Tensor) -> None:
        problem = None
        if data.x.size(0) != len(x):
            problem = f"it has {len(x)} atoms, x has {data.x.size(0)}"
        elif not torch.equal(data.x[:, 0].long().cpu(), x[:, 0]):
            problem = "its atomic numbers are not those of x, in this order"
        elif not torch.equal(_bonds(data.edge_index.cpu(), len(x)), _bonds(edge_index, len(x))):
            problem = "its bonds are not those of edge_index"
        if problem is not None:
            raise ValueError(
                f"the atoms of smiles {data.smiles!r} (hydrogens={self.hydrogens.value!r}) are not those of "
                f"the graph: {problem}; pass the `hydrogens` that the graph was made with, or, for an atom "
                "order that no SMILES says, embed first: from_mol(embed_conformer(mol))"
            )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(seed={self.seed}, hydrogens={self.hydrogens.value!r}, "
            f"on_failure={self.on_failure!r}, timeout={self.timeout})"
        )


def _bonds(edge_index: torch.Tensor, num_atoms: int) -> torch.Tensor:
    # One number a directed bond, sorted: equal for equal graphs, whatever the order of their edges.
    return (edge_index[0] * num_atoms + edge_index[1]).sort().values
